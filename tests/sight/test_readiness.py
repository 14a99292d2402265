"""readyz means it: every check is seen to fail, and to be well again."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from prometheus_client import CollectorRegistry

from agent_core.breaker import BreakerState, BreakerView
from agent_core.delivery import Delivery
from agent_core.errors import StoreError
from agent_core.retention_sweep import RetentionSweep
from agent_core.store.health import version_problem
from agent_core.store.migrations import migrate
from bots.sight.checks import (
    disk_checks,
    model_check,
    others_check,
    policy_check,
    work_check,
)
from bots.sight.loop_watch import LoopWatch
from bots.sight.readiness import Check, Readiness
from tests.scenarios.wire import Wire, wired


class Clockwork:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Swept:
    def __init__(self, since: float | None, *, once: bool = True) -> None:
        self.seconds_since_sweep = since
        self.has_swept = once and since is not None


def view(state: BreakerState) -> BreakerView:
    return BreakerView(
        name="model:1:m", state=state, failures=0, calls=0, retry_in=0.0, opened=0, turned_away=0
    )


async def asked(wire: Wire) -> tuple[int, dict[str, Any]]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{wire.address}/readyz") as response,
    ):
        return response.status, await response.json()


@pytest.fixture
async def wire(tmp_path: Path) -> AsyncIterator[Wire]:
    async with wired(tmp_path) as wire:
        yield wire


async def test_ready_then_behind_then_ready(wire: Wire, tmp_path: Path) -> None:
    await wire.until_worked_off()
    assert (await asked(wire))[0] == 200
    path = wire.settings.database_url.get_secret_value().partition(":///")[2]
    with sqlite3.connect(path, timeout=20) as other:
        kept = other.execute("SELECT version_num FROM hr_alembic_version").fetchone()[0]
        other.execute("UPDATE hr_alembic_version SET version_num = '0001'")
    url = wire.settings.database_url.get_secret_value()
    assert "handrail migrate" in str(version_problem(url))
    with sqlite3.connect(path, timeout=20) as other:
        other.execute("UPDATE hr_alembic_version SET version_num = ?", (kept,))
    assert version_problem(url) is None


async def test_a_stopped_reconciler_is_not_ready(wire: Wire) -> None:
    wire.service.reconciler.stop()
    task = wire.service._sweeping
    assert task is not None
    await asyncio.wait([task])
    readiness = wire.service.readiness
    assert readiness is not None
    for kept in readiness._kept:
        kept._looked_at = float("-inf")
    status, told = await asked(wire)
    assert status == 503
    assert told["ready"] is False
    assert "The engine does not take work" in str(told["problems"])


async def test_a_job_that_a_defect_ends_is_told_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(_: RetentionSweep) -> None:
        raise OverflowError("what nobody thought of")

    monkeypatch.setattr(RetentionSweep, "run_forever", broken)
    async with wired(tmp_path):
        (record,) = (one for one in caplog.records if "ended by a defect" in one.message)
    assert record.exc_info and record.__dict__["job"] == "retention"


async def test_a_job_whose_rounds_fail_by_a_defect_goes_on_and_degrades(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: object) -> None:
        raise OverflowError("what nobody thought of")

    monkeypatch.setattr(RetentionSweep, "sweep", broken)
    monkeypatch.setattr(Delivery, "attend", broken)
    async with wired(tmp_path) as wire:
        service = wire.service
        await wire.until(lambda: service.reconciler.has_swept and len(service.failing) == 2)
        status, told = await asked(wire)
        for job in (service._expiring, service._attending):
            assert job is not None and not job.done()
    assert status == 200
    assert "retention, messages of dead workers" in str(told["degraded"])
    assert all(one.exc_info for one in caplog.records if "work failed" in one.message)


async def test_a_locked_database_is_not_ready_and_the_answer_comes(wire: Wire) -> None:
    path = wire.settings.database_url.get_secret_value().partition(":///")[2]
    readiness = wire.service.readiness
    assert readiness is not None
    await readiness.report()
    with sqlite3.connect(path, timeout=20, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        for kept in readiness._kept:
            kept._looked_at = float("-inf")
        status, told = await asked(wire)
        other.execute("ROLLBACK")
    assert status == 503
    assert "The database does not answer" in str(told["problems"])


async def test_a_database_without_tables_says_what_to_run(tmp_path: Path) -> None:
    empty = tmp_path / "empty.db"
    sqlite3.connect(empty).close()
    assert "handrail migrate" in str(version_problem(f"sqlite:///{empty}"))
    with pytest.raises(StoreError):
        version_problem(f"sqlite:///{tmp_path / 'none.db'}")
    migrate(f"sqlite:///{empty}")
    assert version_problem(f"sqlite:///{empty}") is None


@pytest.mark.parametrize(
    ("states", "words"),
    [
        ((BreakerState.CLOSED,), None),
        ((BreakerState.OPEN,), "No model answers"),
        ((BreakerState.OPEN, BreakerState.CLOSED), "another one stands in"),
    ],
)
async def test_a_dead_model_degrades_and_does_not_take_the_process_out(
    states: tuple[BreakerState, ...], words: str | None
) -> None:
    check = model_check(lambda: tuple(view(state) for state in states))
    report = await Readiness([check]).report()
    assert report.problems == ()
    assert (words is None) == (report.degraded == ())
    assert words is None or words in report.degraded[0]


async def test_an_outage_elsewhere_degrades_and_is_named() -> None:
    shut = replace(view(BreakerState.OPEN), name="payments")
    found = (view(BreakerState.CLOSED), shut)
    report = await Readiness([model_check(lambda: found), others_check(lambda: found)]).report()
    assert report.problems == ()
    assert len(report.degraded) == 1 and "payments" in report.degraded[0]


async def test_a_broken_policy_degrades() -> None:
    report = await Readiness([policy_check(lambda: ("line 3: …",))]).report()
    assert report.problems == () and "policy check" in report.degraded[0]


@pytest.mark.parametrize(
    ("swept", "said"),
    [
        (Swept(None), "wait a moment"),
        (Swept(5.0, once=False), "wait a moment"),
        (Swept(1000.0, once=False), "see its errors in the log"),
        (Swept(1000.0), "see its errors in the log"),
    ],
)
async def test_work_that_is_not_looked_for(swept: Swept, said: str) -> None:
    report = await Readiness([work_check(lambda: True, swept)]).report()
    assert len(report.problems) == 1 and said in report.problems[0]
    assert (await Readiness([work_check(lambda: True, Swept(5.0))]).report()).problems == ()


@pytest.mark.parametrize(
    ("left", "problems", "degraded"), [(2**31, 0, 0), (2**29, 0, 1), (2**20, 1, 0)]
)
async def test_a_full_disk(
    left: int, problems: int, degraded: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Usage:
        free = left

    monkeypatch.setattr("bots.sight.checks.shutil.disk_usage", lambda _: Usage())
    report = await Readiness(disk_checks(tmp_path)).report()
    assert (len(report.problems), len(report.degraded)) == (problems, degraded)
    assert str(tmp_path) not in str(report)


async def test_asking_often_looks_seldom() -> None:
    looked, seconds = [], Clockwork()

    async def look() -> str | None:
        looked.append(seconds.now)
        return None

    check = Check(name="x", look=look, unanswered="?", severe=True, every_seconds=2.0)
    readiness = Readiness([check], seconds=seconds)
    await asyncio.gather(*(readiness.report() for _ in range(50)))
    await readiness.report()
    assert looked == [0.0]
    seconds.now = 2.5
    await readiness.report()
    assert looked == [0.0, 2.5]


async def test_a_look_that_breaks_is_a_sentence_and_no_error() -> None:
    async def look() -> str | None:
        raise StoreError("the database refused: secret words")

    report = await Readiness([Check(name="x", look=look, unanswered="No.", severe=True)]).report()
    assert report.problems == ("No.",)


@pytest.mark.parametrize("waits", [True, False])
async def test_a_look_with_a_defect_is_not_taken_for_a_good_one(
    waits: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async def look() -> str | None:
        raise KeyError("what nobody thought of")

    check = Check(name="x", look=look, unanswered="No.", severe=True, waits=waits)
    readiness = Readiness([check])
    await readiness.report()
    task = readiness._kept[0].task
    assert task is not None
    await asyncio.wait([task])
    assert (await readiness.report()).problems == ("No.",)
    assert len([one for one in caplog.records if one.exc_info]) == 1


async def test_a_platform_is_asked_beside_the_question() -> None:
    answer = asyncio.Event()

    async def look() -> str | None:
        await answer.wait()
        return "Refused."

    check = Check(name="x", look=look, unanswered="?", every_seconds=300.0, waits=False)
    readiness = Readiness([check])
    assert (await readiness.report()).degraded == ()
    answer.set()
    task = readiness._kept[0].task
    assert task is not None
    await task
    assert (await readiness.report()).degraded == ("Refused.",)


async def test_a_loop_that_stands_still_is_told_with_its_place(
    caplog: pytest.LogCaptureFixture,
) -> None:
    watch = LoopWatch(CollectorRegistry(), stall_seconds=0.2)
    watch.start()
    await asyncio.sleep(0)
    standing_still(lambda: any("stands still" in one.message for one in caplog.records))
    await watch.stop()
    record = next(one for one in caplog.records if "stands still" in one.message)
    assert "standing_still" in str(record.__dict__["at"])


def standing_still(until: Any) -> None:
    """Holds the loop, as code does that forgets to wait."""
    for _ in range(100_000_000):
        if until():
            return
    raise AssertionError("nobody noticed")
