"""Removes what was kept long enough, a little each minute, beside the running service.

What is still open is never removed: a running turn, a proposal that waits, an open case, a message
on its way, an effect whose outcome nobody knows.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from agent_core.ports import Clock, Store, UnitOfWork
from agent_core.retention import Kept, Retention, Walked
from agent_core.rounds import Rounds

_log = logging.getLogger(__name__)

BATCH: Final = 250  # rows looked at in one transaction: milliseconds of SQLite's one writer
BATCHES: Final = 20  # of one kind in one sweep, as long as each finds something


class RetentionSweep:
    """Walks the tables in the order of their keys, some rows each minute, and begins anew.

    So a sweep costs the same however much is stored, needs no index of its own, and may be cut off
    anywhere. Several processes may run it: each row goes once.
    """

    def __init__(
        self,
        store: Store,
        *,
        clock: Clock,
        retention: Retention,
        every: timedelta = timedelta(minutes=1),
        also: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._retention = retention
        self._also = also
        self._rounds = Rounds("the retention job", every=every)
        self._places: dict[Kept, Any] = {}

    async def sweep(self) -> Mapping[Kept, int]:
        """One bounded look at every kind. How many rows of each were removed."""
        removed: dict[Kept, int] = {}
        for kind in Kept:
            days = self._retention.days(kind)
            if days is None:
                continue
            count = await self._walk(kind, self._clock.now() - timedelta(days=days))
            if count:
                removed[kind] = count
        if removed:
            counts = {kind.value: count for kind, count in removed.items()}
            _log.info("removed what was kept long enough", extra=counts)
        return removed

    async def run_forever(self) -> None:
        """Sweeps every minute until `stop`. A failed sweep is logged and redone."""
        await self._rounds.run(self._round)

    async def _round(self) -> None:
        await self.sweep()
        if self._also is not None:
            await self._also()

    @property
    def is_failing(self) -> bool:
        """Whether the last sweep failed."""
        return self._rounds.is_failing

    def stop(self) -> None:
        """`run_forever` returns after the sweep it is in."""
        self._rounds.stop()

    async def _walk(self, kind: Kept, before: datetime) -> int:
        removed = 0
        for _ in range(BATCHES):
            place = self._places.get(kind)
            walked = await self._store.run(partial(_expire, kind, before, place))
            self._places[kind] = walked.next
            removed += walked.removed
            if not walked.removed or walked.next is None:
                break
        return removed


def _expire(kind: Kept, before: datetime, place: Any, tx: UnitOfWork) -> Walked:
    return tx.upkeep.expire(kind, before, place, BATCH)
