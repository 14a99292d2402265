"""Turns that were begun twice and never ended go one at a time, and keep nobody else waiting."""

import asyncio

import pytest

from agent_core.fair_turns import FairTurns, Shares
from agent_core.messages import DestinationId
from agent_core.ports import ModelReply, ModelRequest, UnitOfWork
from tests.builders import a_conversation, a_destination, a_thread
from tests.core.desk import Killed, World, ada, put_message
from tests.core.test_kill_points import Steady


class Deadly(Steady):
    """Kills the process, until it is slow instead; says hello to whoever is not stuck."""

    def __init__(self) -> None:
        self.kills = True
        self.asked: list[str] = []
        self.answers = asyncio.Event()

    async def reply(self, request: ModelRequest) -> ModelReply:
        last = request.messages[-1].content
        if "stuck" in last:
            self.asked.append(last)
            if self.kills:
                raise Killed
            await self.answers.wait()
        return ModelReply(text="Hello.")


async def suspects(model: Deadly, *others: str) -> World:
    """con_1 and con_2 were begun twice and never ended; `others` are new."""
    world = await World(model).set_up(ada())

    def open_more(tx: UnitOfWork) -> None:
        for name in ("con_2", *others):
            tx.conversations.add(a_conversation(name), a_thread(name))
            tx.outgoing.put_destination(a_destination(f"des_{name}"))
        put_message(tx, "stuck one")
        put_message(tx, "stuck two", conversation="con_2")
        for name in others:
            put_message(tx, "hello", conversation=name)

    await world.tx(open_more)
    for name in ("con_1", "con_2") * 2:
        with pytest.raises(Killed):
            await world.driver.run(name, "ref")
    model.kills = False
    model.asked.clear()
    return world


async def answered(world: World, name: str) -> None:
    place = DestinationId(f"des_{name}")
    while await world.tx(lambda tx: tx.outgoing.next_row(place)) is None:  # noqa: ASYNC110
        await asyncio.sleep(0.01)


async def test_suspects_that_wait_for_their_turn_take_up_no_places() -> None:
    model = Deadly()
    world = await suspects(model, "con_3", "con_4")
    turns = FairTurns(world.driver.run, Shares(world.store), places=2)
    tasks = [asyncio.create_task(turns.run(f"con_{n}", "ref")) for n in (1, 2)]
    while not model.asked:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    tasks += [asyncio.create_task(turns.run(f"con_{n}", "ref")) for n in (3, 4)]
    async with asyncio.timeout(5):
        await answered(world, "con_3")
        await answered(world, "con_4")
    assert len(model.asked) == 1  # the other one waits
    model.answers.set()
    await asyncio.gather(*tasks)
    assert len(model.asked) == 2 and turns.view().running == 0
    assert not await world.unfinished()


async def test_a_suspect_that_is_cut_off_while_it_waits_leaves_the_line_as_it_was() -> None:
    model = Deadly()
    world = await suspects(model)
    turns = FairTurns(world.driver.run, Shares(world.store), places=1)
    first = asyncio.create_task(turns.run("con_1", "ref"))
    while not model.asked:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    second = asyncio.create_task(turns.run("con_2", "ref"))
    await asyncio.sleep(0.05)
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    assert turns.view().running == 1
    model.answers.set()
    await first
    await turns.run("con_2", "ref")
    assert turns.view().running == turns.view().waiting == 0
    assert not await world.unfinished()
