"""Turns for the profiler to look at, in a process that does nothing else."""

import asyncio
import sys
from contextlib import AsyncExitStack

from tests.benchmarks.turn_contender import DURABLE, our_work


async def main(url: str, turns: int) -> None:
    async with AsyncExitStack() as stack:
        work, _ = await stack.enter_async_context(our_work(DURABLE, url))
        await work(turns)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
