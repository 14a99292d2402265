"""A line with several places at its head, which shares take in turn: no share can starve another.

For one event loop. A share is any text: an account, or a room.
"""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial


@dataclass(frozen=True, slots=True, kw_only=True)
class LineView:
    """How a line stands: how many have a place, how many wait for one, of how many shares."""

    places: int
    running: int
    waiting: int
    shares_waiting: int


class Place:
    """A place in a line. Whoever waits for something else may leave it meanwhile."""

    def __init__(self, take: Callable[[], Awaitable[None]], leave: Callable[[], None]) -> None:
        self._take = take
        self._leave = leave
        self._is_held = False

    async def take(self) -> None:
        """Waits at the end of the line."""
        await self._take()
        self._is_held = True

    def leave(self) -> None:
        """Does nothing where it is not held."""
        if self._is_held:
            self._is_held = False
            self._leave()


class FairLine:
    """At most `places` at once.

    Shares that wait are served one after the other, each with its oldest first. While others wait,
    a share gets no more than `part` of the places. So of k shares that wait, each that has less
    than its part is served within the next k places that become free, however many wait of another.
    """

    def __init__(self, places: int, *, part: float = 0.5) -> None:
        if places < 1:
            raise ValueError("a line needs at least one place")
        self._places = places
        self._most = max(1, int(places * part))
        self._running: Counter[str] = Counter()
        self._taken = 0
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    def view(self) -> LineView:
        """How it stands now."""
        return LineView(
            places=self._places,
            running=self._taken,
            waiting=sum(map(len, self._waiting.values())),
            shares_waiting=len(self._waiting),
        )

    @asynccontextmanager
    async def place(self, share: str) -> AsyncIterator["Place"]:
        """Waits for a place of this share, and has it until the end of the block."""
        place = Place(partial(self._take, share), partial(self._leave, share))
        await place.take()
        try:
            yield place
        finally:
            place.leave()

    def send_away(self) -> None:
        """Cancels all who wait now. Who has a place keeps it."""
        waiting = list(self._waiting.values())
        self._waiting.clear()
        for line in waiting:
            for one in line:
                one.cancel()

    async def _take(self, share: str) -> None:
        if self._taken < self._places and not self._waiting:
            self._count(share)
            return
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(share, deque()).append(mine)
        self._serve()
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():
                self._leave(share)  # it was served in the very moment
            else:
                self._forget(share, mine)
            raise

    def _leave(self, share: str) -> None:
        self._taken -= 1
        self._running[share] -= 1
        if not self._running[share]:
            del self._running[share]
        self._serve()

    def _serve(self) -> None:
        while self._taken < self._places and self._waiting:
            share = self._next_share()
            line = self._waiting[share]
            one = line.popleft()
            if line:
                self._waiting.move_to_end(share)
            else:
                del self._waiting[share]
            if not one.done():
                self._count(share)
                one.set_result(None)

    def _next_share(self) -> str:
        """The share that waited longest for its turn, of those below their part; else of all."""
        below = (one for one in self._waiting if self._running[one] < self._most)
        return next(below, next(iter(self._waiting)))

    def _count(self, share: str) -> None:
        self._taken += 1
        self._running[share] += 1

    def _forget(self, share: str, one: asyncio.Future[None]) -> None:
        line = self._waiting.get(share)
        if line is not None and one in line:
            line.remove(one)
            if not line:
                del self._waiting[share]
