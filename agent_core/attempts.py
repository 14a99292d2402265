"""Runs a piece of work: what it raises is told in the log, and stops no queue and no job."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

_log = logging.getLogger(__name__)
TRIES: Final = 3


async def attempt(what: str, work: Callable[[], Awaitable[None]]) -> bool:
    """True if `work` returned, false if it raised. Cancellation passes through."""
    try:
        await work()
    except Exception:  # noqa: BLE001
        # The fourth place that catches everything: nobody stands above a queue, nor above a job
        # that comes round. The work itself is not lost, because its rows are not done: the
        # reconciler asks for it again, or the next round does.
        _log.exception("work failed: %s", what)
        return False
    return True


async def attempt_several(
    what: str, work: Callable[[], Awaitable[None]], *, tries: int, pause_seconds: float
) -> bool:
    """Tries `work` at most `tries` times, with growing pauses between."""
    for number in range(1, tries + 1):
        if await attempt(f"{what}, attempt {number} of {tries}", work):
            return True
        if number < tries:
            await asyncio.sleep(pause_seconds * number)
    return False
