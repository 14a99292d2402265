"""The live feed: numbered events, a bounded past, any number of listeners."""

import asyncio
import itertools
from collections import deque
from collections.abc import AsyncIterator

from playground.teams_api.state import Json, now

KEPT = 500


class Feed:
    """Publishes events to every listener; a listener that falls far behind is cut off."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._past: deque[Json] = deque(maxlen=KEPT)
        self._listeners: set[asyncio.Queue[Json | None]] = set()

    @property
    def last_seq(self) -> int:
        """The number of the newest event, 0 before the first."""
        return int(self._past[-1]["seq"]) if self._past else 0

    def publish(self, kind: str, **fields: object) -> None:
        """Tell everybody; `kind` and fields as in the package's docstring."""
        event = {"seq": next(self._numbers), "at": now().isoformat(), "kind": kind, **fields}
        self._past.append(event)
        for queue in list(self._listeners):
            if queue.full():
                self._listeners.discard(queue)
                queue.get_nowait()
                queue.put_nowait(None)
            else:
                queue.put_nowait(event)

    async def listen(self, since: int | None = None) -> AsyncIterator[Json]:
        """Events from now on, after those kept that are newer than `since`."""
        queue: asyncio.Queue[Json | None] = asyncio.Queue(maxsize=KEPT)
        past = [e for e in self._past if since is not None and e["seq"] > since]
        self._listeners.add(queue)
        try:
            if past and since is not None and past[0]["seq"] > since + 1:
                yield {"seq": since, "at": now().isoformat(), "kind": "gap"}
            for event in past:
                yield event
            while (event_or_end := await queue.get()) is not None:
                yield event_or_end
        finally:
            self._listeners.discard(queue)

    def close(self) -> None:
        """End every listener."""
        for queue in list(self._listeners):
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(None)
