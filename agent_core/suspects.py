"""Turns that were begun twice and never ended: one of them may end every process that works on it.

Alone, it takes nobody along. But a machine that failed twice leaves hundreds behind that are
innocent, and one after the other the last of them would wait for an hour. So of many a few go
together: whoever shares a process with the deadly one then is given to a person, as it is.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

EACH: Final = 32  # of so many that wait, one more goes at a time


class Suspects:
    """Lets them go in the order in which they came: one at a time, up to `each` of them."""

    def __init__(self, *, each: int = EACH) -> None:
        self._each = each
        self._going = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Inside, it may be worked on."""
        admitted = asyncio.get_running_loop().create_future()
        self._waiting.append(admitted)
        self._admit()
        try:
            await admitted
        except asyncio.CancelledError:
            if not admitted.cancelled():
                self._end()  # let in, and cancelled, in the same step
            elif admitted in self._waiting:
                self._waiting.remove(admitted)
            raise
        try:
            yield
        finally:
            self._end()

    def _end(self) -> None:
        self._going -= 1
        self._admit()

    def _admit(self) -> None:
        while self._waiting and self._going < self._most():
            first = self._waiting.popleft()
            if not first.cancelled():
                self._going += 1
                first.set_result(None)

    def _most(self) -> int:
        return max(1, (self._going + len(self._waiting)) // self._each)
