"""How the service writes its log: one line an event, on standard error, without anybody's words."""

import logging
import sys
from typing import Final

import structlog

# Their lines hold addresses with tokens, or say each request once more.
_QUIET: Final = ("aiohttp.access", "alembic", "httpx", "openai", "slack_bolt", "slack_sdk")


def set_up_logs(level: str) -> None:
    """`level`: debug, info, warning or error. JSON, or plain lines where a person looks on."""
    person = sys.stderr.isatty()
    drawn: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer() if person else structlog.processors.JSONRenderer()
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.ExtraAdder(),
            structlog.processors.TimeStamper(fmt="iso", utc=True),
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            drawn,
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
