"""What an observer is told of the work: spans, counts and durations, and never anybody's words.

One request bears one trace, from the webhook to the send. Its W3C `traceparent` lies in the rows
(inbox, turn, outgoing, case), so it survives the queue, a restart and another worker; in between it
is in a context variable, which the store hands on to its threads. Without an observer the ids are
made all the same: support's card shows them, and the log's lines carry them.
"""

import secrets
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar, Token
from dataclasses import dataclass, replace
from enum import StrEnum
from types import TracebackType
from typing import Final, Protocol


class Metric(StrEnum):
    """What is counted or measured; the comment names the labels, in their order.

    Labels are words of the code, names of tools and names of configured models: few, and never an
    id, a person or an account.
    """

    DELIVERIES = "deliveries"  # platform, kind, decision
    TURNS = "turns"  # end
    TURN_SECONDS = "turn_seconds"  # from entering it to its end
    WAITING_SECONDS = "waiting_seconds"  # from the first row's arrival to the turn
    MODEL_CALLS = "model_calls"  # model, outcome
    MODEL_SECONDS = "model_seconds"  # model
    MODEL_TOKENS = "model_tokens"  # model, kind (input, cached, output)
    TOOL_RUNS = "tool_runs"  # tool, phase (read, preview, act), outcome
    TOOL_SECONDS = "tool_seconds"  # tool
    SENDS = "sends"  # platform, outcome
    SEND_SECONDS = "send_seconds"  # platform
    STORE_SECONDS = "store_seconds"  # outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Here:
    """What the work under way belongs to. `trace` is a W3C traceparent; "" where there is none."""

    trace: str = ""
    conversation: str = ""
    turn: str = ""


_NOWHERE: Final = Here()
_here: ContextVar[Here] = ContextVar("handrail_here", default=_NOWHERE)


def here() -> Here:
    """What this task, or this store thread, works on."""
    return _here.get()


def trace_in_force() -> str | None:
    """The traceparent that a row made now is to keep."""
    return _here.get().trace or None


@contextmanager
def within(*, trace: str | None = None, conversation: str = "", turn: str = "") -> Iterator[None]:
    """What is done inside belongs to these; what is not given stays as it is."""
    now = _here.get()
    token = _here.set(
        Here(
            trace=trace or now.trace,
            conversation=conversation or now.conversation,
            turn=turn or now.turn,
        )
    )
    try:
        yield
    finally:
        _here.reset(token)


def enter_trace(trace: str) -> Token[Here]:
    """Puts a trace in force; for observers, which call `leave_trace` with what this returns."""
    return _here.set(replace(_here.get(), trace=trace))


def leave_trace(token: Token[Here]) -> None:
    _here.reset(token)


def new_trace() -> str:
    """A fresh traceparent, not sampled."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-00"


def trace_id(trace: str | None) -> str:
    """The 32 hex digits that people are shown; "" where there is no trace."""
    parts = (trace or "").split("-")
    return parts[1] if len(parts) == 4 else ""


class Span(Protocol):
    """A stretch of work. Values are words of the code, ids and numbers, never contents."""

    def set(self, name: str, value: str | int | float | bool | tuple[str, ...]) -> None: ...
    def link(self, trace: str | None) -> None:
        """The work is for another request too."""
        ...

    def failed(self, kind: str) -> None:
        """`kind` is the name of an error's type."""
        ...

    def drop(self) -> None:
        """Nobody needs this span: a request that was not ours, for one."""
        ...


class Telemetry(Protocol):
    """An observer. Nothing here raises, waits or changes what happens."""

    def span(self, name: str, *, parent: str | None = None) -> AbstractContextManager[Span]:
        """Work from here to the end of the block, with its own trace in force.

        `parent` None: inside what is in force, or a trace of its own where nothing is. "": a trace
        of its own. An error that leaves the block is noted by its type alone.
        """
        ...

    def count(self, metric: Metric, *labels: str, by: int = 1) -> None: ...
    def observe(self, metric: Metric, seconds: float, *labels: str) -> None: ...


class _Unseen:
    """A span that nobody looks at, inside a trace that is in force already."""

    def set(self, name: str, value: str | int | float | bool | tuple[str, ...]) -> None:
        """Nothing."""

    def link(self, trace: str | None) -> None:
        """Nothing."""

    def failed(self, kind: str) -> None:
        """Nothing."""

    def drop(self) -> None:
        """Nothing."""

    def __enter__(self) -> Span:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Nothing."""


class _UnseenTrace(_Unseen):
    """The same where the trace changes."""

    __slots__ = ("_token", "_trace")

    def __init__(self, trace: str) -> None:
        self._trace = trace

    def __enter__(self) -> Span:
        self._token = enter_trace(self._trace)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        leave_trace(self._token)


_UNSEEN: Final = _Unseen()


class Silent:
    """Nobody observes. The ids are made and carried all the same."""

    def span(self, name: str, *, parent: str | None = None) -> AbstractContextManager[Span]:
        if parent:
            return _UnseenTrace(parent)
        if parent is None and _here.get().trace:
            return _UNSEEN
        return _UnseenTrace(new_trace())

    def count(self, metric: Metric, *labels: str, by: int = 1) -> None:
        """Nothing."""

    def observe(self, metric: Metric, seconds: float, *labels: str) -> None:
        """Nothing."""


SILENT: Final = Silent()
