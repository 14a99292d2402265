"""The engine's contract in memory and on DBOS, the latter with SQLite and with Postgres."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from agent_core.clock import ManualClock, SystemClock
from agent_core.engine.dbos_engine import DbosEngine
from agent_core.engine.memory_engine import MemoryEngine
from agent_core.fair_turns import FairTurns, Shares
from agent_core.ports import Engine, EngineKind, Store
from agent_core.store.memory_store import MemoryStore
from agent_core.store.migrations import differences, migrate
from agent_core.store.sql_store import SqlStore
from agent_core.store.sql_store import make_engine as make_sql_engine
from tests.contracts.engine_suite import EngineContract, Seen, Submit


def make_engine(url: str, **changes: object) -> DbosEngine:
    quick: dict[str, object] = {
        "poll_seconds": 0.05,
        "slow_poll_seconds": 0.05,
        "sweep_seconds": 0.2,
        "retry_seconds": 0.01,
    }
    return DbosEngine(url, clock=SystemClock(), **(quick | changes))  # type: ignore[arg-type]


class TestMemoryEngine(EngineContract):
    @pytest.fixture
    def store(self) -> Store:
        return MemoryStore()

    @pytest.fixture
    def engine(self) -> Engine:
        return MemoryEngine(SystemClock(), poll_seconds=0.01)

    async def test_timers_follow_the_clock_that_is_given(self, store: Store) -> None:
        clock, seen = ManualClock(), Seen()
        engine = MemoryEngine(clock)
        await engine.start(seen.handlers())
        at = clock.now() + timedelta(hours=1)
        await store.run(
            lambda tx: engine.submit(tx, kind=EngineKind.TIMER, key="k", ref="r", at=at)
        )
        await engine.idle()
        assert seen.calls == []
        clock.advance(timedelta(hours=1))
        await engine.idle()
        assert seen.calls == [("k", "r")]
        await engine.drain(1)

    async def test_what_was_submitted_before_the_start_runs_after_it(
        self, store: Store, engine: Engine, submit: Submit
    ) -> None:
        seen = Seen()
        await submit(EngineKind.TURN, "con_1", "early")
        await engine.start(seen.handlers())
        await seen.count(1)
        await engine.drain(1)


class DbosContract(EngineContract):
    """More than a memory engine can promise: what is left is there for the next process."""

    @pytest.fixture
    def engine(self, url: str) -> Engine:
        return make_engine(url)

    @pytest.fixture
    async def store(self, url: str) -> AsyncIterator[Store]:
        store = SqlStore(url)
        yield store
        await store.close()

    async def test_the_next_engine_does_what_this_one_left(
        self, engine: Engine, url: str, store: Store, submit: Submit
    ) -> None:
        stuck, seen = Seen(), Seen()
        stuck.gate.clear()
        await engine.start(stuck.handlers())
        await submit(EngineKind.TURN, "con_1", "con_1:1", "con_1:2")
        await stuck.count(1)
        await engine.drain(0)
        following = make_engine(url)
        await following.start(seen.handlers())
        await seen.count(2)
        await following.drain(5)
        assert seen.calls == [("con_1", "con_1:1"), ("con_1", "con_1:2")]

    async def test_a_turn_begins_when_it_is_committed_and_when_the_one_before_it_ends(
        self, url: str, store: Store
    ) -> None:
        engine, seen = make_engine(url, poll_seconds=3_600.0, slow_poll_seconds=3_600.0), Seen()

        async def commit(ref: str) -> None:
            await store.run(
                lambda tx: engine.submit(tx, kind=EngineKind.TURN, key="con_1", ref=ref)
            )

        await engine.start(seen.handlers())
        seen.gate.clear()
        await commit("con_1:1")
        await seen.count(1)
        await commit("con_1:2")
        seen.gate.set()
        await seen.count(2)
        await engine.drain(5)

    async def test_who_is_sent_away_from_the_line_is_left_to_the_next_engine(
        self, engine: Engine, url: str, store: Store, submit: Submit
    ) -> None:
        stuck, seen = Seen(), Seen()
        stuck.gate.clear()
        turns = FairTurns(stuck, Shares(MemoryStore()), places=1)
        await engine.start({**stuck.handlers(), EngineKind.TURN: turns.run})
        for key in ("con_1", "con_2"):
            await submit(EngineKind.TURN, key, f"{key}:1")
        async with asyncio.timeout(10):
            while not turns.view().waiting:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        turns.send_away()
        await asyncio.sleep(0.2)  # if it were taken for done, it would be written down by now
        await engine.drain(0)
        following = make_engine(url)
        await following.start(seen.handlers())
        await seen.count(2)
        await following.drain(5)
        assert sorted(seen.calls) == [("con_1", "con_1:1"), ("con_2", "con_2:1")]

    async def test_finished_entries_are_forgotten_and_the_loop_keeps_its_threads(
        self, url: str, store: Store
    ) -> None:
        seen, engine = Seen(), make_engine(url, keep_finished=timedelta(0))
        await engine.start(seen.handlers())
        for number in (1, 2):
            await store.run(
                lambda tx: engine.submit(tx, kind=EngineKind.TURN, key="con_1", ref="again")
            )
            await seen.count(number)
            async with asyncio.timeout(10):
                while await self.rows(url):
                    await engine.delete_finished()
        await engine.drain(5)
        assert await asyncio.to_thread(lambda: 7) == 7

    async def test_our_tables_and_the_engines_live_side_by_side(
        self, engine: Engine, url: str
    ) -> None:
        await engine.start(Seen().handlers())
        await engine.drain(1)
        migrate(url)
        assert differences(url) == []

    async def test_an_entry_whose_end_was_not_written_down_does_not_block_its_key(
        self, engine: Engine, url: str, store: Store, submit: Submit
    ) -> None:
        seen = Seen()
        await engine.start(seen.handlers())
        await submit(EngineKind.TURN, "con_1", "con_1:1")
        await seen.count(1)
        async with asyncio.timeout(10):
            while not await asyncio.to_thread(self.forget_the_end, url):  # noqa: ASYNC110
                await asyncio.sleep(0)
        await submit(EngineKind.TURN, "con_1", "con_1:2")
        await seen.count(3)
        await engine.drain(5)
        assert sorted(ref for _, ref in seen.calls) == ["con_1:1", "con_1:1", "con_1:2"]

    @staticmethod
    def forget_the_end(url: str) -> int:
        """As if the disk had been full when the entry ended; how many there are."""
        name = "workflow_status" if url.startswith("sqlite") else "dbos.workflow_status"
        sql = make_sql_engine(url)
        try:
            with sql.begin() as connection:
                change = f"UPDATE {name} SET status = 'PENDING' WHERE status = 'SUCCESS'"
                return connection.execute(sa.text(change)).rowcount
        finally:
            sql.dispose()

    @staticmethod
    async def rows(url: str) -> int:
        sql = make_sql_engine(url)
        name = "workflow_status" if url.startswith("sqlite") else "dbos.workflow_status"
        try:
            with sql.begin() as connection:
                return int(connection.execute(sa.text(f"SELECT count(*) FROM {name}")).scalar_one())
        finally:
            sql.dispose()


class TestDbosEngineOnSqlite(DbosContract):
    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        url = f"sqlite:///{tmp_path / 'handrail.db'}"
        migrate(url)
        return url


@pytest.mark.postgres
class TestDbosEngineOnPostgres(DbosContract):
    @pytest.fixture
    def url(self, fresh_database: Callable[[], str]) -> str:
        url = fresh_database()
        migrate(url)
        return url
