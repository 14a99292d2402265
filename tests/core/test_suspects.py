"""A conversation whose turns end their process does not take its neighbours with it."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_core.ports import ModelReply, ModelRequest
from agent_core.suspects import Suspects
from tests.builders import a_conversation, a_thread
from tests.core.desk import Killed, World, ada, put_message


class Deadly:
    """Kills whoever works on the word "poison"; meanwhile nobody else is answered."""

    label = "deadly"
    is_language_model = False

    def __init__(self) -> None:
        self.died = asyncio.Event()
        self.deadly = False

    async def reply(self, request: ModelRequest) -> ModelReply:
        try:
            return await self._reply(request)
        except asyncio.CancelledError:
            raise Killed from None  # a dead process writes nothing more, also not that it stops

    async def _reply(self, request: ModelRequest) -> ModelReply:
        if "poison" in request.messages[-1].content:
            self.deadly = True
            for _ in range(50):  # the neighbour gets well into its turn
                await asyncio.sleep(0)
            self.died.set()
            await asyncio.Event().wait()  # nothing runs on in a dead process
        while self.deadly:  # noqa: ASYNC110 - a process that dies tells no event
            await asyncio.sleep(0)
        return ModelReply(text="You are on the Team plan.")

    async def close(self) -> None:
        return None


async def one_life(world: World, model: Deadly) -> bool:
    """A process works on both conversations until it is done (True) or dead."""
    model.died.clear()
    model.deadly = False
    driver = world.driver
    both = [asyncio.create_task(driver.run(name, "ref")) for name in ("con_1", "con_2")]
    death, done = asyncio.create_task(model.died.wait()), asyncio.gather(*both)
    await asyncio.wait((death, done), return_when=asyncio.FIRST_COMPLETED)
    for task in (death, *both):
        task.cancel()
    await asyncio.gather(done, return_exceptions=True)
    return not model.died.is_set()


async def test_the_neighbour_of_a_deadly_conversation_is_answered() -> None:
    model = Deadly()
    world = await World(model).set_up(ada())
    neighbour = a_conversation("con_2", destination=a_conversation().destination)
    await world.tx(lambda tx: tx.conversations.add(neighbour, a_thread("2")))
    await world.write("poison")
    await world.tx(lambda tx: put_message(tx, "which plan?", conversation="con_2"))
    lives = 1
    while not await one_life(world, model):
        lives += 1
        assert lives < 10
    assert lives == 4
    assert len(world.desk.cases) == 1
    assert "You are on the Team plan." in await world.texts()
    assert not await world.unfinished()


async def still() -> None:
    for _ in range(4):
        await asyncio.sleep(0)


@pytest.mark.parametrize(("waiting", "at_once"), [(1, 1), (2, 1), (63, 1), (64, 2), (500, 15)])
async def test_of_many_suspects_a_few_go_together_and_of_few_one(
    waiting: int, at_once: int
) -> None:
    suspects, may_end = Suspects(), asyncio.Event()
    going: list[int] = []

    async def work(number: int) -> None:
        async with suspects.turn():
            going.append(number)
            await may_end.wait()

    tasks = [asyncio.create_task(work(number)) for number in range(waiting)]
    await still()
    assert going == list(range(at_once))
    may_end.set()
    async with asyncio.timeout(10):
        await asyncio.gather(*tasks)
    assert going == list(range(waiting))


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.one_of(st.just("comes"), st.just("goes"), st.integers(0, 20), st.just("step")),
        max_size=60,
    )
)
def test_nobody_is_lost_and_no_leave_is_whatever_is_cancelled(moves: Sequence[str | int]) -> None:
    asyncio.run(_played(moves))


async def _played(moves: Sequence[str | int]) -> None:
    suspects = Suspects(each=4)
    inside: list[asyncio.Event] = []
    tasks: list[asyncio.Task[None]] = []

    async def work() -> None:
        async with suspects.turn():
            out = asyncio.Event()
            inside.append(out)
            try:
                await out.wait()
            finally:
                inside.remove(out)

    for move in moves:
        if move == "comes":
            tasks.append(asyncio.create_task(work()))
        elif move == "goes" and inside:
            inside[0].set()
        elif isinstance(move, int) and tasks:
            tasks[move % len(tasks)].cancel()
        elif move == "step":
            await still()
        assert len(inside) <= max(1, len(tasks) // 4)
    async with asyncio.timeout(10):
        while not all(task.done() for task in tasks):
            for out in inside:
                out.set()
            await asyncio.sleep(0)
    assert suspects._going == 0 and not suspects._waiting
    async with asyncio.timeout(10), suspects.turn():
        pass
