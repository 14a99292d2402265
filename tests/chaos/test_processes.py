"""Intake and workers apart, as processes on Postgres: who does what, and who relieves whom."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psycopg
import pytest

from agent_core.engine.slots import FIRST_WITHOUT_TURNS
from playground import people
from tests.chaos.broken import SLOW
from tests.chaos.fleet import Member
from tests.chaos.judge import Judge
from tests.chaos.runs import only_long
from tests.chaos.talks import Talk
from tests.chaos.town import Town, a_town

GLOBEX, GRETA = people.GLOBEX_ROOM.channel_id, people.GLOBEX_OWNER.user_id
ASKED = "what plan are we on?"
pytestmark = [pytest.mark.chaos, pytest.mark.postgres, pytest.mark.timeout(300)]


@pytest.fixture
async def town(tmp_path: Path, fresh_database: Callable[[], str]) -> AsyncIterator[Town]:
    """With its doors open, and no worker yet."""
    async with a_town(tmp_path, fresh_database()) as town:
        await town.serve("intake")
        yield town


@pytest.fixture
def judge(town: Town) -> Judge:
    return Judge(town)


async def add_worker(town: Town, number: int, *broken: str) -> Member:
    member = Member(f"worker-{number}", "worker", town.environ, broken)
    await town.fleet.start(member)
    await town.fleet.until_ready(member.name)
    return member


def ask(town: Town) -> Talk:
    message = town.slack.say(GRETA, GLOBEX, ASKED, mention=True)
    return Talk(town=town, kind="read", room=GLOBEX, ts=message["ts"], asked=[message["ts"]])


async def until_a_turn_runs(town: Town, judge: Judge) -> None:
    await town.until(
        lambda: judge.rows("SELECT count(*) FROM hr_turns WHERE status = 'running'")[0][0], 60
    )


def attempts(judge: Judge) -> int:
    return int(judge.rows("SELECT max(attempts) FROM hr_turns")[0][0])


def places(judge: Judge) -> set[int]:
    held = (
        "SELECT objid FROM pg_locks WHERE locktype = 'advisory' AND classid = 7217311"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    return {int(row[0]) for row in judge.rows(held)}


async def answered_once(talk: Talk, seconds: float) -> None:
    await talk.until(lambda: talk.shows("Business"), seconds)
    await talk.town.slack.settled()
    assert sum("Business" in str(message) for message in talk.ours()) == 1


@only_long
async def test_the_intake_runs_no_turn_and_loses_nothing(town: Town, judge: Judge) -> None:
    talks = [ask(town) for _ in range(3)]
    await town.slack.settled()
    waiting = "SELECT count(*) FROM hr_inbox WHERE status = 'new'"
    await town.until(lambda: judge.rows(waiting)[0][0] == 3, 60)
    assert not any(talk.ours() for talk in talks)
    await asyncio.gather(*(add_worker(town, n) for n in (1, 2, 3)))
    for talk in talks:
        await answered_once(talk, 60)
    assert judge.rows("SELECT count(*) FROM hr_turns")[0][0] == 3
    async with town.fleet.session.post(
        f"{town.fleet.members['worker-1'].address}/slack/events"
    ) as r:
        assert r.status == 404  # a worker has no doors
    codes = [await town.fleet.stop(name) for name in town.fleet.members]
    assert codes == [0, 0, 0, 0]


async def test_a_killed_workers_turn_is_taken_over_within_seconds(town: Town, judge: Judge) -> None:
    first = await add_worker(town, 1, f"{SLOW}:60")
    talk = ask(town)
    await until_a_turn_runs(town, judge)
    await add_worker(town, 2)
    # The doors stand apart: they would hide from the others what a dead worker has left.
    assert places(judge) == {0, 1, FIRST_WITHOUT_TURNS}
    first.kept = False
    town.fleet.kill(first.name)
    began = time.monotonic()
    await answered_once(talk, 60)
    assert time.monotonic() - began < 15
    assert attempts(judge) == 2


@only_long
async def test_a_worker_that_is_asked_to_stop_finishes_its_turn_and_takes_no_other(
    town: Town, judge: Judge
) -> None:
    first = await add_worker(town, 1, f"{SLOW}:4")
    running = ask(town)
    await until_a_turn_runs(town, judge)
    await add_worker(town, 2)
    stopping = asyncio.create_task(town.fleet.stop(first.name))
    await asyncio.sleep(1.0)
    later = [ask(town) for _ in range(4)]
    for talk in later:
        await answered_once(talk, 60)
    assert await stopping == 0
    await answered_once(running, 60)
    assert attempts(judge) == 1


@only_long
async def test_asked_twice_it_leaves_at_once_and_another_takes_over(
    town: Town, judge: Judge
) -> None:
    first = await add_worker(town, 1, f"{SLOW}:60")
    talk = ask(town)
    await until_a_turn_runs(town, judge)
    await add_worker(town, 2)
    stopping = asyncio.create_task(town.fleet.stop(first.name))
    await asyncio.sleep(1.0)
    town.fleet.signal(first.name, signal.SIGTERM)
    assert await asyncio.wait_for(stopping, 5) == 128 + signal.SIGTERM
    await answered_once(talk, 60)


@only_long
async def test_who_loses_the_lock_leaves_at_once(town: Town) -> None:
    worker = await add_worker(town, 1)
    for member in town.fleet.members.values():
        member.kept = False
    began = time.monotonic()
    with psycopg.connect(town.database_url, autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks"
            " WHERE locktype = 'advisory' AND classid = 7217311"
        )
    for member in town.fleet.members.values():
        await asyncio.wait_for(member.ended.wait(), 10)
    assert time.monotonic() - began < 5
    assert worker.codes == [70]


@only_long
async def test_a_worker_that_stood_still_is_relieved_and_does_nothing_twice(
    town: Town, judge: Judge
) -> None:
    first = await add_worker(town, 1, f"{SLOW}:5")
    talk = ask(town)
    await until_a_turn_runs(town, judge)
    await add_worker(town, 2)
    first.kept = False
    town.fleet.signal(first.name, signal.SIGSTOP)
    await answered_once(talk, 90)  # the server ends the silent session after half a minute
    assert attempts(judge) == 2
    town.fleet.signal(first.name, signal.SIGCONT)
    await asyncio.wait_for(first.ended.wait(), 10)
    assert first.codes == [70]
    await answered_once(talk, 10)
