"""Asks again for work that is written down and that nobody seems to do: at boot and each minute.

The engine's own state is disposable because of this: rows say what is open, entries only hurry.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic

from agent_core.conversation import ConversationId
from agent_core.ports import Clock, Engine, EngineKind, Ids, Store, UnitOfWork
from agent_core.rounds import Rounds


@dataclass(frozen=True, slots=True, kw_only=True)
class DueTimer:
    """A timer that must exist: the same `ref` as when it was first submitted, so it fires once."""

    key: str
    ref: str
    at: datetime


# Asked in each sweep, inside its transaction: timers of open proposals, open cases and the like.
TimerSource = Callable[[UnitOfWork], Iterable[DueTimer]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """What one sweep asked for."""

    turns: int
    deliveries: int
    timers: int


class Reconciler:
    """Re-submits unfinished inbox rows, unsent outgoing rows and the timers that sources name.

    Rows younger than `patience` are left to the entry that was committed with them, and so is a
    turn that began within `patience`; at boot nothing is, since whoever did it may be gone.
    An entry too many does no harm: it finds nothing to do.
    """

    def __init__(
        self,
        store: Store,
        engine: Engine,
        *,
        clock: Clock,
        ids: Ids,
        timers: Sequence[TimerSource] = (),
        every: timedelta = timedelta(minutes=1),
        patience: timedelta = timedelta(minutes=1),
    ) -> None:
        self._store = store
        self._engine = engine
        self._clock = clock
        self._ids = ids
        self._timers = tuple(timers)
        self._patience = patience
        self._rounds = Rounds("the reconciler's sweep", every=every)
        self._since: float | None = None
        self._has_swept = False

    async def sweep(self, *, at_boot: bool = False) -> Swept:
        """One look at everything that is open."""
        mark = self._ids.new("sweep")
        since = None if at_boot else self._clock.now() - self._patience
        return await self._store.run(lambda tx: self._sweep(tx, mark, since))

    async def run_forever(self) -> None:
        """Sweeps at once, then every minute, until `stop`. A failed sweep is logged and redone."""
        self._since = monotonic()
        await self._rounds.run(self._round)

    async def _round(self) -> None:
        await self.sweep(at_boot=not self._has_swept)
        self._since, self._has_swept = monotonic(), True

    @property
    def seconds_since_sweep(self) -> float | None:
        """Since the last sweep that went through, or else since the first began; None before."""
        return None if self._since is None else monotonic() - self._since

    @property
    def has_swept(self) -> bool:
        """Whether a sweep of `run_forever` has gone through."""
        return self._has_swept

    def stop(self) -> None:
        """`run_forever` returns after the sweep it is in."""
        self._rounds.stop()

    def _sweep(self, tx: UnitOfWork, mark: str, since: datetime | None) -> Swept:
        turns = [
            conversation
            for conversation in tx.inbox.unfinished()
            if since is None or not self._is_young(tx, conversation, since)
        ]
        for conversation in turns:
            ref = f"{conversation}:{mark}"
            self._engine.submit(tx, kind=EngineKind.TURN, key=conversation, ref=ref)
        deliveries = tx.outgoing.waiting()
        for destination in deliveries:
            ref = f"{destination}:{mark}"
            self._engine.submit(tx, kind=EngineKind.DELIVER, key=destination, ref=ref)
        timers = [timer for source in self._timers for timer in source(tx)]
        for timer in timers:
            self._engine.submit(
                tx, kind=EngineKind.TIMER, key=timer.key, ref=timer.ref, at=timer.at
            )
        return Swept(turns=len(turns), deliveries=len(deliveries), timers=len(timers))

    def _is_young(self, tx: UnitOfWork, conversation: ConversationId, since: datetime) -> bool:
        """Whether its turn, or else its oldest new row, began after `since`."""
        turn = tx.turns.running(conversation)
        if turn is not None:
            return turn.started_at > since
        rows = tx.inbox.new_rows(conversation, limit=1)
        return bool(rows) and rows[0].received_at > since
