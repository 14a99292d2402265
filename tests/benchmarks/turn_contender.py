"""One contender in a process of its own: does turns when asked, and says what CPU they cost."""

import asyncio
import gc
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from agent_core.models.openai_model import Endpoint, OpenAIModel
from tests.benchmarks.our_house import OurHouse, open_house
from tests.benchmarks.peers import PEERS
from tests.benchmarks.processes import Json, serve_lines
from tests.benchmarks.script import ANSWER, MODEL

AT_ONCE = 25
DURABLE = "ours, DBOS"
OURS = (DURABLE, "ours, engine in memory")
Work = Callable[[int], Awaitable[None]]  # does so many turns


async def cpu_ms(work: Work, turns: int) -> float:
    """CPU of this whole process, all threads, in milliseconds per turn."""
    gc.collect()
    began = time.process_time()
    await work(turns)
    return (time.process_time() - began) * 1000 / turns


async def at_once(turns: int, one: Callable[[], Awaitable[Any]]) -> None:
    """`one` so many times, AT_ONCE of them at a time."""
    left = iter(range(turns))

    async def some() -> None:
        for _ in left:
            await one()

    await asyncio.gather(*(some() for _ in range(min(AT_ONCE, turns))))


def checked(name: str, turn: Callable[[], Awaitable[str]]) -> Work:
    """Turns that must end with the answer. Posts of ours may open with the AI's disclosure."""

    async def one() -> None:
        answer = await turn()
        if ANSWER not in answer:
            raise AssertionError(f"{name} answered {answer!r}")

    return lambda turns: at_once(turns, one)


def ours(name: str, house: OurHouse) -> Work:
    """From `receive` to the end of the delivery."""
    turns = checked(name, house.turn)

    async def work(count: int) -> None:
        await turns(count)
        await house.delivery.idle()

    return work


def taking_in(house: OurHouse) -> Work:
    """Intake alone, to be subtracted: no engine takes the work off."""
    return lambda turns: at_once(turns, house.receive)


@asynccontextmanager
async def our_work(name: str, url: str) -> Any:
    """Yields the whole way of a message, and its intake alone."""
    async with AsyncExitStack() as stack:
        houses = []
        for started in (True, False):
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            model = OpenAIModel(Endpoint(model=MODEL, base_url=url))
            stack.push_async_callback(model.close)
            house = await open_house(Path(folder), model, durable=name == DURABLE)
            stack.push_async_callback(house.close, started=started)
            houses.append(house)
        await houses[0].start()
        yield ours(name, houses[0]), taking_in(houses[1])


async def main(name: str, url: str) -> None:
    async with AsyncExitStack() as stack:
        if name in OURS:
            turns, intake = await stack.enter_async_context(our_work(name, url))
        else:
            turns, intake = checked(name, PEERS[name](url, stack)), None

        async def measured(question: Json) -> Json:
            count = question["turns"]
            apart = await cpu_ms(intake, count) if intake else 0.0
            return {"intake": apart, "turn": await cpu_ms(turns, count) - apart}

        await serve_lines({"name": name}, measured)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
