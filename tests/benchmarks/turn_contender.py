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
OURS = ("ours, DBOS", "ours, engine in memory")
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


def peer(name: str, url: str) -> Work:
    turn = PEERS[name](url)

    async def checked() -> None:
        answer = await turn()
        if answer != ANSWER:
            raise AssertionError(f"{name} answered {answer!r}")

    return lambda turns: at_once(turns, checked)


def ours(house: OurHouse) -> Work:
    """From `receive` to the post; AT_ONCE messages are taken in, then awaited."""

    async def work(turns: int) -> None:
        for first in range(0, turns, AT_ONCE):
            before = len(house.platform.posts)
            count = min(AT_ONCE, turns - first)
            await asyncio.gather(*(house.receive() for _ in range(count)))
            await house.platform.until(before + count)
            await house.delivery.idle()
            if any(ANSWER not in post for post in house.platform.posts[before:]):
                raise AssertionError("a post is not the answer")

    return work


def taking_in(house: OurHouse) -> Work:
    """Intake alone, to be subtracted: no engine takes the work off."""
    return lambda turns: at_once(turns, house.receive)


@asynccontextmanager
async def our_work(url: str, *, durable: bool) -> Any:
    """Yields the whole way of a message, and its intake alone."""
    async with AsyncExitStack() as stack:
        houses = []
        for started in (True, False):
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            model = OpenAIModel(Endpoint(model=MODEL, base_url=url))
            stack.push_async_callback(model.close)
            house = await open_house(Path(folder), model, durable=durable)
            stack.push_async_callback(house.close, started=started)
            houses.append(house)
        await houses[0].start()
        yield ours(houses[0]), taking_in(houses[1])


async def main(name: str, url: str) -> None:
    async with AsyncExitStack() as stack:
        if name in OURS:
            durable = name == OURS[0]
            turns, intake = await stack.enter_async_context(our_work(url, durable=durable))
        else:
            turns, intake = peer(name, url), None

        async def measured(question: Json) -> Json:
            count = question["turns"]
            apart = await cpu_ms(intake, count) if intake else 0.0
            return {"intake": apart, "turn": await cpu_ms(turns, count) - apart}

        await serve_lines({"name": name}, measured)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
