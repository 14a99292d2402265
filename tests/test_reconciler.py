"""The reconciler asks again for what is open, and for nothing that somebody is doing."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from agent_core.clock import ManualClock
from agent_core.ids import SequenceIds
from agent_core.journal import InboxKind
from agent_core.outgoing import OutgoingStatus
from agent_core.ports import Engine, EngineKind, Store, UnitOfWork
from agent_core.reconciler import DueTimer, Reconciler, Swept
from agent_core.store.memory_store import MemoryStore
from tests.builders import (
    NOON,
    a_conversation,
    a_destination,
    a_participant,
    a_turn,
    an_outgoing_row,
)


@dataclass
class NotedEngine:
    """Notes what was submitted, with the caller's transaction."""

    submitted: list[tuple[EngineKind, str, str, datetime | None]] = field(default_factory=list)

    def submit(
        self, tx: UnitOfWork, *, kind: EngineKind, key: str, ref: str, at: datetime | None = None
    ) -> None:
        tx.after_commit(lambda: self.submitted.append((kind, key, ref, at)))

    async def start(self, handlers: object) -> None: ...
    async def drain(self, seconds: float) -> None: ...


@pytest.fixture
def store() -> Store:
    return MemoryStore()


@pytest.fixture
def engine() -> NotedEngine:
    return NotedEngine()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


def a_reconciler(
    store: Store, engine: NotedEngine, clock: ManualClock, **more: object
) -> Reconciler:
    known: Engine = engine
    return Reconciler(store, known, clock=clock, ids=SequenceIds(), **more)  # type: ignore[arg-type]


async def ask(store: Store, conversation: str = "con_1", at: datetime = NOON) -> None:
    await store.run(
        lambda tx: tx.inbox.add(
            a_conversation(conversation).id,
            InboxKind.MESSAGE,
            author=a_participant(),
            author_key="per_ada",
            at=at,
        )
    )


async def test_at_boot_everything_open_is_asked_for(
    store: Store, engine: NotedEngine, clock: ManualClock
) -> None:
    await ask(store)

    def deliver(tx: UnitOfWork) -> None:
        tx.outgoing.put_destination(a_destination())
        tx.outgoing.add(an_outgoing_row())

    await store.run(deliver)
    swept = await a_reconciler(store, engine, clock).sweep(at_boot=True)
    assert swept == Swept(turns=1, deliveries=1, timers=0)
    assert engine.submitted == [
        (EngineKind.TURN, "con_1", "con_1:sweep_0001", None),
        (EngineKind.DELIVER, "des_con_1", "des_con_1:sweep_0001", None),
    ]


async def test_each_sweep_has_refs_of_its_own(
    store: Store, engine: NotedEngine, clock: ManualClock
) -> None:
    await ask(store)
    reconciler = a_reconciler(store, engine, clock)
    for _ in range(2):
        await reconciler.sweep(at_boot=True)
    assert len({ref for _, _, ref, _ in engine.submitted}) == 2


async def test_young_rows_and_young_turns_are_left_alone(
    store: Store, engine: NotedEngine, clock: ManualClock
) -> None:
    await ask(store, "con_1")
    await ask(store, "con_2")
    clock.advance(timedelta(seconds=50))
    turn = a_turn("tur_2", "con_2", started_at=clock.now())
    await store.run(lambda tx: tx.turns.add(turn))
    reconciler = a_reconciler(store, engine, clock)
    assert (await reconciler.sweep()).turns == 0
    clock.advance(timedelta(seconds=20))
    await reconciler.sweep()
    assert [key for _, key, _, _ in engine.submitted] == ["con_1"]
    clock.advance(timedelta(seconds=60))
    await reconciler.sweep()
    assert [key for _, key, _, _ in engine.submitted] == ["con_1", "con_1", "con_2"]


async def test_what_is_done_is_not_asked_for(
    store: Store, engine: NotedEngine, clock: ManualClock
) -> None:
    await ask(store)

    def finish(tx: UnitOfWork) -> None:
        tx.inbox.finish([row.seq for row in tx.inbox.new_rows(a_conversation().id)])
        tx.outgoing.put_destination(a_destination())
        tx.outgoing.add(an_outgoing_row())
        tx.outgoing.save(replace(an_outgoing_row(), status=OutgoingStatus.SENT))

    await store.run(finish)
    swept = await a_reconciler(store, engine, clock).sweep(at_boot=True)
    assert swept == Swept(turns=0, deliveries=0, timers=0)


async def test_timers_keep_the_ref_they_had(
    store: Store, engine: NotedEngine, clock: ManualClock
) -> None:
    due = DueTimer(key="pro_1", ref="expire:pro_1", at=NOON + timedelta(hours=1))
    reconciler = a_reconciler(store, engine, clock, timers=[lambda tx: [due]])
    for _ in range(2):
        await reconciler.sweep()
    assert engine.submitted == [(EngineKind.TIMER, due.key, due.ref, due.at)] * 2


async def test_a_first_sweep_that_never_gets_through_grows_old_too(
    store: Store, engine: NotedEngine, clock: ManualClock
) -> None:
    tried = asyncio.Event()

    def source(tx: UnitOfWork) -> list[DueTimer]:
        tried.set()
        raise OSError("the database is away")

    reconciler = a_reconciler(store, engine, clock, timers=[source])
    assert reconciler.seconds_since_sweep is None
    running = asyncio.create_task(reconciler.run_forever())
    await asyncio.wait_for(tried.wait(), 10)
    assert reconciler.seconds_since_sweep is not None
    assert not reconciler.has_swept
    reconciler.stop()
    await asyncio.wait_for(running, 10)


@pytest.mark.parametrize("problem", [OSError("away"), KeyError("what nobody thought of")])
async def test_it_runs_until_it_is_stopped_also_after_a_failure(
    store: Store,
    engine: NotedEngine,
    clock: ManualClock,
    caplog: pytest.LogCaptureFixture,
    problem: Exception,
) -> None:
    swept = asyncio.Event()
    calls = 0

    def source(tx: UnitOfWork) -> list[DueTimer]:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise problem
        swept.set()
        return []

    every = timedelta(milliseconds=1)
    reconciler = a_reconciler(store, engine, clock, timers=[source], every=every)
    running = asyncio.create_task(reconciler.run_forever())
    await asyncio.wait_for(swept.wait(), 10)
    reconciler.stop()
    await asyncio.wait_for(running, 10)
    (record,) = (one for one in caplog.records if one.exc_info)
    assert "the reconciler's sweep" in record.getMessage()
