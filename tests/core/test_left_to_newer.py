"""A turn that a newer version has written in: left to that one, and given up once it is gone."""

from dataclasses import replace
from typing import Any

import pytest

from agent_core.errors import StoreError
from agent_core.journal import JournalEntry
from agent_core.limits import Limits
from agent_core.ports import ModelReply, ModelRequest, UnitOfWork
from agent_core.turn_state import Kind, salvaged
from tests.core.desk import Killed, World, ada
from tests.core.test_kill_points import Steady
from tests.core.test_turn import Journal

STRANGE: tuple[str, dict[str, Any]] = ("pondered", {})
DRAFTED = {"call": "c1", "content": {}, "failed": False, "told": False, "run": None, "draft": "Add"}
DREAMT = {"rows": [{"seq": 9, "kind": "dream", "transcript": None, "proposal": None}], "upto": 1}


class Dead(Steady):
    async def reply(self, request: ModelRequest) -> ModelReply:
        raise Killed


async def begun(*news: tuple[str, dict[str, Any]], limits: Limits | None = None) -> World:
    """Its process died, and `news` stand in its journal."""
    world = await World(Dead(), limits).set_up(ada())
    await world.write("hello?")
    with pytest.raises(Killed):
        await world.run()
    await add(world, *news)
    return world


async def add(world: World, *news: tuple[str, dict[str, Any]]) -> None:
    def write(tx: UnitOfWork) -> None:
        [turn] = [tx.turns.running(one) for one in tx.inbox.unfinished()]
        assert turn is not None
        first, *rest = tx.turns.journal(turn.id)
        entries: list[JournalEntry] = []
        for place, (kind, body) in enumerate(news, start=1 + len(rest)):
            at = world.clock.now()
            entries.append(replace(first, kind=kind, position=place, body=body, at=at))
        tx.turns.append(turn.id, turn.token, entries)

    await world.tx(write)


async def is_left(world: World) -> bool:
    with pytest.raises(StoreError, match="newer version"):
        await world.run()
    return world.desk.cases == []


async def ends_with_a_person(world: World) -> bool:
    await world.run()
    assert [case["asked"] for case in world.desk.cases] == ["hello?"]
    assert (await world.texts())[-1].startswith("Sorry")
    return not await world.unfinished()


async def test_a_turn_that_only_a_newer_version_could_go_on_with_ends_with_a_person() -> None:
    """As after an upgrade that was taken back: nobody else comes for it any more."""
    world = await begun(STRANGE)
    assert await is_left(world)
    world.later(minutes=20)
    assert await ends_with_a_person(world)


async def test_it_is_left_to_the_newer_version_for_as_long_as_a_turn_may_take() -> None:
    world = await begun(STRANGE, limits=Limits(turn_seconds=3600))
    world.later(minutes=50)
    assert await is_left(world)
    world.later(minutes=20)
    assert await ends_with_a_person(world)


async def test_the_time_counts_from_the_last_begin() -> None:
    world = await begun(STRANGE)
    world.later(minutes=14)
    await add(world, (Kind.RESUMED.value, {"attempt": 2}))
    world.later(minutes=14)
    assert await is_left(world)
    world.later(minutes=2)
    assert await ends_with_a_person(world)


@pytest.mark.parametrize(
    "news",
    [
        [STRANGE, (Kind.RESULT.value, DRAFTED)],  # of a reply that is told in a kind of its own
        [(Kind.JOINED.value, DREAMT)],
        [STRANGE, (Kind.TOLD.value, {"proposal": "pro_1"})],
        [(Kind.REPLY.value, {})],
        [(Kind.JOINED.value, {"rows": 1})],
    ],
)
async def test_whatever_the_journal_holds_giving_up_goes_through(news: list[Any]) -> None:
    world = await begun(*news)
    world.later(minutes=20)
    assert await ends_with_a_person(world)


def test_what_can_be_read_beside_it_is_read() -> None:
    journal = Journal("dream", "decision", "undo").result("c1", draft="Add", run="pro_9")
    state = salvaged(journal.entries)
    assert state.decisions == ["pro_1", "pro_9"]
    assert [one.key for one in state.undos] == ["pro_2"]
