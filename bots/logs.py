"""How the service writes its log: one line an event, on standard error, without anybody's words."""

import logging
import sys
from collections.abc import Iterable
from typing import Final, TextIO

import structlog

from bots.sight.redaction import Redaction, belonging, told_by_place

# Their lines hold addresses with tokens, or say each request once more.
_QUIET: Final = ("aiohttp.access", "alembic", "httpx", "openai", "slack_bolt", "slack_sdk")


class _Lines(logging.StreamHandler[TextIO]):
    """A record that cannot be drawn is told by its place; the library would print what it held."""

    def handleError(self, record: logging.LogRecord) -> None:
        where = f"{record.name} at {record.filename}:{record.lineno}"
        self.stream.write(
            f'{{"level": "error", "event": "a line could not be written: {where}"}}\n'
        )


def set_up_logs(level: str, secrets: Iterable[str] = (), stream: TextIO | None = None) -> None:
    """`level`: debug, info, warning or error. JSON, or plain lines where a person looks on.

    `secrets` appear in no line, whoever writes them. `stream` None: standard error.
    """
    stream = stream or sys.stderr
    handler = _Lines(stream)
    handler.setFormatter(line_formatter(secrets, for_person=stream.isatty()))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def line_formatter(secrets: Iterable[str], *, for_person: bool) -> logging.Formatter:
    """What turns a record into its line."""
    drawn: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer() if for_person else structlog.processors.JSONRenderer()
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.ExtraAdder(),
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            belonging,
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            told_by_place,
            Redaction(secrets),
            drawn,
        ],
    )
