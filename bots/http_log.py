"""What the HTTP server logs: that something failed and where, and never what was sent."""

import logging
import traceback
from typing import Any, Final

from aiohttp.http_exceptions import HttpProcessingError

_log: Final = logging.getLogger(__name__)


class HttpLog:
    """Stands in for aiohttp's own logger, which writes tracebacks with what came in.

    A stranger's broken HTTP is no failure of ours and wakes nobody; an error of ours is told by its
    kind and place, since its words may hold what somebody wrote.
    """

    def debug(self, message: str, *values: Any, **_: Any) -> None:
        _log.debug("connection: %s", message.partition(" from ")[0])

    def warning(self, message: str, *values: Any, **_: Any) -> None:
        _log.warning("connection: %s", message.partition(" from ")[0])

    def exception(self, message: str, *values: Any, exc_info: Any = None, **_: Any) -> None:
        # Or who asked has hung up before the answer: a platform then delivers again.
        if isinstance(exc_info, HttpProcessingError | ConnectionError):
            _log.debug("no request to the end: %s", type(exc_info).__name__)
            return
        found = exc_info if isinstance(exc_info, BaseException) else None
        frames = traceback.extract_tb(found.__traceback__) if found is not None else []
        where = f"{frames[-1].name}:{frames[-1].lineno}" if frames else "unknown"
        _log.error("request failed: %s in %s", type(found).__name__, where)
