"""Workers killed with SIGKILL: what they had taken on is done by the next, or by another."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import psycopg
import pytest

from agent_core.engine.dbos_engine import DbosEngine, plain_url
from agent_core.engine.presence import Presence
from agent_core.engine.slots import Slots, slot_name, slot_number
from agent_core.errors import StoreError
from agent_core.ports import EngineKind, Store
from agent_core.store.migrations import migrate
from agent_core.store.sql_store import SqlStore
from tests.contracts.engine_suite import Seen
from tests.engine.test_engines import make_engine

ROOT = Path(__file__).parents[2]
ROUNDS = int(os.environ.get("HANDRAIL_CHAOS_ROUNDS", "1"))


class Worker:
    """A started worker process. `hears` waits for a line of its output."""

    def __init__(self, url: str, mode: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.engine.worker", url, mode],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
        )

    def hears(self, beginning: str) -> str:
        output = self.process.stdout
        assert output is not None
        return self._line(output, beginning)

    @staticmethod
    def _line(output: IO[str], beginning: str) -> str:
        for line in output:
            if line.startswith(beginning):
                return line.strip()
        pytest.fail(f"the worker ended before it said {beginning!r}")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


@contextmanager
def a_worker(url: str, mode: str) -> Iterator[Worker]:
    worker = Worker(url, mode)
    try:
        yield worker
    finally:
        worker.kill()


async def wait_for_line(worker: Worker, beginning: str) -> str:
    return await asyncio.wait_for(asyncio.to_thread(worker.hears, beginning), 30)


@pytest.mark.chaos
@pytest.mark.parametrize("mode, line", [("enqueue", "enqueued"), ("run", "running")])
@pytest.mark.parametrize("number", range(ROUNDS))
async def test_the_next_process_runs_what_the_killed_one_took(
    tmp_path: Path, mode: str, line: str, number: int
) -> None:
    url = f"sqlite:///{tmp_path / 'handrail.db'}"
    migrate(url)
    with a_worker(url, mode) as worker:
        await wait_for_line(worker, line)
    seen, engine = Seen(), make_engine(url)
    await engine.start(seen.handlers())
    await seen.count(1)
    await engine.drain(5)
    assert seen.calls == [("con_1", "con_1:1")]


@pytest.fixture
def url(fresh_database: Callable[[], str]) -> str:
    url = fresh_database()
    migrate(url)
    return url


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    store = SqlStore(url)
    yield store
    await store.close()


@pytest.mark.postgres
@pytest.mark.chaos
@pytest.mark.parametrize("number", range(ROUNDS))
async def test_another_worker_takes_over_and_the_key_is_free_again(
    url: str, store: Store, number: int
) -> None:
    with a_worker(url, "run") as worker:
        said = await wait_for_line(worker, "running")
        seen, engine = Seen(), make_engine(url)
        await engine.start(seen.handlers())
        assert said == "running slot-0"
        assert engine.executor_id == "slot-1"
        await store.run(
            lambda tx: engine.submit(tx, kind=EngineKind.TURN, key="con_1", ref="con_1:2")
        )
        await engine.sweep()
        assert seen.calls == []  # its worker lives, however long it takes
    await seen.count(2)
    await engine.drain(5)
    assert seen.calls == [("con_1", "con_1:1"), ("con_1", "con_1:2")]


@pytest.mark.postgres
@pytest.mark.chaos
async def test_a_process_with_doors_alone_takes_no_dead_workers_place(
    url: str, store: Store
) -> None:
    with a_worker(url, "run") as worker:
        await wait_for_line(worker, "running")
    probe, held = Slots(plain_url(url)), None
    while held is None:  # the server notices the closed connection a moment later
        held = probe.dead(0)
    held.release()
    probe.close()
    doors = Presence(plain_url(url), runs_turns=False)
    await doors.enter()
    seen, engine = Seen(), make_engine(url)
    await engine.start(seen.handlers())
    await store.run(lambda tx: engine.submit(tx, kind=EngineKind.TURN, key="con_1", ref="con_1:2"))
    await seen.count(2)
    await engine.drain(5)
    await doors.leave()
    assert seen.calls == [("con_1", "con_1:1"), ("con_1", "con_1:2")]


@pytest.mark.postgres
async def test_a_worker_that_loses_its_lock_connection_is_told(url: str) -> None:
    lost = asyncio.Event()
    loop = asyncio.get_running_loop()
    engine: DbosEngine = make_engine(url, lost_lock=lambda: loop.call_soon_threadsafe(lost.set))
    await engine.start(Seen().handlers())
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks"
            " WHERE locktype = 'advisory' AND classid = 7217311"
        )
    await asyncio.wait_for(lost.wait(), 20)
    await engine.drain(1)


@pytest.mark.postgres
async def test_a_place_that_is_found_lost_by_another_question_is_told_too(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it would live on, send nothing, and go on taking turns in another's name."""
    lost = asyncio.Event()
    presence = Presence(plain_url(url), check_seconds=0.02, lost=lost.set)
    await presence.enter()

    def closed(_: Slots) -> int:
        raise psycopg.OperationalError("the connection is lost")

    monkeypatch.setattr(Slots, "descriptor", property(closed))
    await asyncio.wait_for(lost.wait(), 5)
    await presence.leave()


@pytest.mark.postgres
async def test_a_place_that_cannot_be_asked_about_ends_nobodys_looking(url: str) -> None:
    presence = Presence(plain_url(url), check_seconds=60, lost=lambda: None)
    await presence.enter()
    held = await presence.dead("slot-8")
    assert held is not None
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks"
            " WHERE locktype = 'advisory' AND classid = 7217311"
        )
    with pytest.raises(StoreError):  # what whoever looks around is ready for
        for _ in range(50):
            await presence.dead("slot-7")
    held.release()
    await presence.leave()


@pytest.mark.postgres
def test_slots_are_taken_once_and_free_after_their_holder(url: str) -> None:
    first, second = Slots(url), Slots(url)
    assert (first.take_own(), second.take_own()) == ("slot-0", "slot-1")
    assert second.dead(0) is None
    assert second.dead(1) is None  # its own
    first.close()
    held = None
    while held is None:  # the server notices the closed connection a moment later
        held = second.dead(0)
    third = Slots(url)
    assert third.take_own() == "slot-2"  # slot-0 is held while its work is moved
    held.release()
    fourth = Slots(url)
    assert fourth.take_own() == "slot-0"
    for slots in (second, third, fourth):
        slots.close()


def test_only_slots_have_numbers() -> None:
    assert slot_number(slot_name(17)) == 17
    assert [slot_number(name) for name in ("local", "slot-x", "", None)] == [None] * 4
