"""Keeps secrets and customers' words out of the log, whoever writes the line."""

import json
import re
import traceback
from collections.abc import Iterable, Mapping
from pathlib import PurePath
from types import TracebackType
from typing import Any, Final
from urllib.parse import quote, quote_plus

from structlog.typing import EventDict, WrappedLogger

from agent_core.errors import ConfigurationError, ModelError, PlatformError, StoreError
from agent_core.masking import masked
from agent_core.telemetry import here, trace_id

HIDDEN: Final = "[secret]"
SHORTEST: Final = 4  # shorter ones are no secrets, and would hide half of every line
LONGEST: Final = 4000  # of a value; a log is no place for more
_DEEPEST: Final = 5
_FRAMES: Final = 30
# What these say is written by code, of codes and numbers. The text of all others may be a
# customer's: it is left out, and the type and the place say enough.
_SPOKEN: Final = (ConfigurationError, ModelError, PlatformError, StoreError)
# Libraries whose message repeats an exception's text after its first line.
_FIRST_LINE_ALONE: Final = ("asyncio",)


def belonging(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Says which request, conversation and turn the line belongs to."""
    now = here()
    for name, value in (
        ("trace_id", trace_id(now.trace)),
        ("conversation", now.conversation),
        ("turn", now.turn),
    ):
        if value:
            event.setdefault(name, value)
    return event


def told_by_place(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """An exception as its types and places: no text of it, no source, no values."""
    found = event.pop("exc_info", None)
    error = found[1] if isinstance(found, tuple) else found
    if isinstance(error, BaseException):
        event["exception"] = "\n".join(_told(error))
    for name in ("stack_info", "exc_text", "message", "asctime"):  # other formatters leave them
        event.pop(name, None)
    if event.get("logger") in _FIRST_LINE_ALONE:
        event["event"] = str(event.get("event", "")).partition("\n")[0]
    return event


def _told(error: BaseException, depth: int = 0) -> list[str]:
    said = f": {error}" if isinstance(error, _SPOKEN) else ""
    lines = [f"{type(error).__module__}.{type(error).__qualname__}{said}"]
    lines += _places(error.__traceback__)
    if isinstance(error, BaseExceptionGroup) and depth < _DEEPEST:
        for each in error.exceptions[:_DEEPEST]:
            lines += ["with", *_told(each, depth + 1)]
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None and depth < _DEEPEST:
        lines += ["because of", *_told(cause, depth + 1)]
    return lines


def _places(trace: TracebackType | None) -> list[str]:
    frames = list(traceback.walk_tb(trace))[-_FRAMES:]
    return [
        f"  {'/'.join(PurePath(frame.f_code.co_filename).parts[-3:])}:{line} {frame.f_code.co_name}"
        for frame, line in frames
    ]


class Redaction:
    """Takes card numbers, credentials and our own secrets out of every value of a line.

    `secrets` are hidden as they are, and as URLs, JSON and `repr` write them.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        found = {form for secret in secrets if len(secret) >= SHORTEST for form in _forms(secret)}
        ordered = sorted(found, key=len, reverse=True)
        self._secrets = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def __call__(self, _: WrappedLogger, __: str, event: EventDict) -> EventDict:
        return {self._plain(str(key)): self.value(value) for key, value in event.items()}

    def value(self, value: Any, depth: int = 0) -> Any:
        """The value with nothing secret in it, and nothing but plain JSON."""
        if value is None or isinstance(value, bool | int | float):
            return value
        if depth < _DEEPEST:
            if isinstance(value, Mapping):
                return {
                    self._plain(str(key)): self.value(one, depth + 1) for key, one in value.items()
                }
            if isinstance(value, list | tuple | set | frozenset):
                return [self.value(one, depth + 1) for one in value]
        return self._plain(value.decode("utf-8", "replace") if isinstance(value, bytes) else value)

    def _plain(self, value: object) -> str:
        text = str(value)
        if self._secrets is not None:
            text = self._secrets.sub(HIDDEN, text)
        if len(text) > LONGEST:
            text = f"{text[:LONGEST]}…"
        return masked(text)


def _forms(secret: str) -> set[str]:
    forms = {secret, quote(secret, safe=""), quote_plus(secret), repr(secret)[1:-1]}
    return forms | {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
