"""A job that comes round: what one round raises ends that round alone, and is told."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from agent_core.attempts import attempt


class Rounds:
    """Runs a job at once, and again `every` so long, until `stop`. A failed round is redone."""

    def __init__(self, what: str, *, every: timedelta) -> None:
        self._what = what
        self._every = every
        self._stopped = asyncio.Event()
        self._is_failing = False

    @property
    def is_failing(self) -> bool:
        """Whether the last round failed."""
        return self._is_failing

    async def run(self, work: Callable[[], Awaitable[None]]) -> None:
        """Returns after the round in which it is stopped."""
        while not self._stopped.is_set():
            self._is_failing = not await attempt(self._what, work)
            try:
                async with asyncio.timeout(self._every.total_seconds()):
                    await self._stopped.wait()
            except TimeoutError:
                continue

    def stop(self) -> None:
        """No further round begins."""
        self._stopped.set()
