"""One trouble at a time, under the same load and before the same judge."""

import asyncio
import resource
from collections.abc import Callable
from pathlib import Path

import pytest

from playground.faults import Fault, FaultKind
from tests.chaos.broken import (
    CLOCK,
    DEAD_MODEL,
    LOST_ROWS,
    NO_LEDGER_KEY,
    NO_LOOK_UP,
    POISON,
    SLOW,
)
from tests.chaos.judge import Judge
from tests.chaos.load import GLOBEX, GRETA, Load
from tests.chaos.runs import a_run, only_long
from tests.chaos.storm import Storm
from tests.chaos.talks import Talk
from tests.chaos.town import Town, a_town
from tests.fixtures.postgres import OwnPostgres

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900)]
GAP_SECONDS = 4.0


@only_long
@pytest.mark.postgres
async def test_postgres_goes_away_and_comes_back(tmp_path: Path, own_postgres: OwnPostgres) -> None:
    async def gaps(_town: Town, _storm: Storm, _load: Load) -> None:
        for _ in range(3):
            await asyncio.sleep(6)
            await asyncio.to_thread(own_postgres.stop)
            await asyncio.sleep(GAP_SECONDS)
            await asyncio.to_thread(own_postgres.start)

    verdict = await a_run(
        "Postgres away three times", tmp_path, gaps, database_url=own_postgres.url, workers=3
    )
    assert verdict.problems() == []


@only_long
async def test_the_disk_is_full(tmp_path: Path) -> None:
    """No file of the service may grow for some seconds, as on a full disk; then there is room."""

    async def full(town: Town, _storm: Storm, _load: Load) -> None:
        for _ in range(3):
            await asyncio.sleep(6)
            pid = town.fleet.members["doors"].pid
            before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (4096, before[1]))
            await asyncio.sleep(GAP_SECONDS)
            resource.prlimit(pid, resource.RLIMIT_FSIZE, before)

    verdict = await a_run("SQLite, disk full three times", tmp_path, full)
    assert verdict.problems() == []


@only_long
@pytest.mark.postgres
async def test_one_workers_clock_is_wrong(
    tmp_path: Path, fresh_database: Callable[[], str]
) -> None:
    """An hour ahead, as after a jump: the others' clocks are right."""

    async def ahead(town: Town, _storm: Storm, _load: Load) -> None:
        await asyncio.sleep(5)
        member = town.fleet.members["worker-1"]
        member.broken = (f"{CLOCK}:3600",)
        town.fleet.kill(member.name)
        await asyncio.sleep(20)

    verdict = await a_run(
        "Postgres, one clock an hour ahead",
        tmp_path,
        ahead,
        database_url=fresh_database(),
        workers=3,
    )
    assert verdict.problems() == []


@only_long
async def test_storms_of_rate_limits_and_of_repeated_events(tmp_path: Path) -> None:
    async def storms(town: Town, _storm: Storm, _load: Load) -> None:
        for _ in range(5):
            town.slack.faults.add(
                Fault(
                    server="slack",
                    kind=FaultKind.RATE_LIMITED,
                    method="chat.postMessage",
                    times=15,
                    retry_after_seconds=1,
                )
            )
            town.slack.lose_acks(10)
            for delivery in list(town.slack.courier.log)[-20:]:
                if delivery.kind == "events_api":
                    town.slack.redeliver(number=delivery.number, copies=10)
            await asyncio.sleep(4)

    verdict = await a_run("SQLite, storms of 429 and of repeated events", tmp_path, storms)
    assert verdict.problems() == []


@only_long
@pytest.mark.parametrize("broken", [f"{SLOW}:3", DEAD_MODEL])
async def test_the_model_is_slow_or_dead(tmp_path: Path, broken: str) -> None:
    """Slow: everything takes longer. Dead: everybody gets a person, with a sentence."""

    async def some_time(_town: Town, _storm: Storm, _load: Load) -> None:
        await asyncio.sleep(15)

    verdict = await a_run(
        f"SQLite, model: {broken}", tmp_path, some_time, broken=(broken,), patience_seconds=40.0
    )
    assert verdict.problems() == []
    if broken == DEAD_MODEL:
        assert verdict.figures["with a person"] > 0


@only_long
async def test_a_conversation_that_kills_its_worker_ends_with_a_person(tmp_path: Path) -> None:
    """Three attempts, three dead processes, then a case; everybody else is answered."""
    async with a_town(tmp_path) as town:
        await town.serve(broken=(POISON,))
        poisoned = town.slack.say(GRETA, GLOBEX, f"{POISON}: what plan are we on?", mention=True)
        bad = Talk(town=town, kind="poison", room=GLOBEX, ts=poisoned["ts"])
        message = town.slack.say(GRETA, GLOBEX, "what plan are we on?", mention=True)
        good = Talk(town=town, kind="read", room=GLOBEX, ts=message["ts"])
        await good.until(lambda: good.shows("Business"), 90)
        await bad.until(lambda: bad.shows("went wrong") and bad.shows("Case 1"), 90)
        assert town.fleet.members["doors"].codes == [139] * 3
        await town.slack.settled()
        judge = Judge(town)
        assert judge.rows("SELECT reason FROM hr_escalations") == [("tool_failure",)]
        judge.close()
        assert len(good.ours()) == 1


@only_long
@pytest.mark.parametrize(
    "broken, found",
    [
        ((NO_LEDGER_KEY,), "double_actions"),
        ((NO_LOOK_UP,), "double_posts"),
        ((LOST_ROWS, f"{SLOW}:1"), "left_alone"),  # slow: so that kills hit turns
    ],
)
async def test_a_service_that_is_broken_on_purpose_is_found_out(
    tmp_path: Path, broken: tuple[str, ...], found: str
) -> None:
    async def killed(town: Town, storm: Storm, _load: Load) -> None:
        pays = NO_LEDGER_KEY in broken
        method = "POST /v1/charges" if pays else "chat.postMessage"
        server = "payments" if pays else "slack"
        faults = town.payments.faults if pays else town.slack.faults
        for _ in range(6):
            # The effect happens, and its answer comes too late for the process that asked.
            faults.add(
                Fault(server=server, kind=FaultKind.SLOW_ANSWER, method=method, delay_seconds=3)
            )
            await asyncio.sleep(1.5)
            await storm.kill_one_by_one(storm.kills + 1)

    verdict = await a_run(
        f"broken: {broken[0]}", tmp_path, killed, broken=broken, patience_seconds=40.0
    )
    assert getattr(verdict, found) != []
