"""Runs what is measured in a process of its own, asks it by lines, and ends it by itself."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

Json = dict[str, Any]
LINE_BYTES = 16 * 1024 * 1024  # an answer is one line, with a minute's posts in it


class Child:
    """A process that answers each line with a line of JSON. `hello` is its first line."""

    def __init__(self, process: asyncio.subprocess.Process, name: str) -> None:
        self.hello: Json = {}
        self._process = process
        self._name = name

    async def ask(self, **question: Any) -> Json:
        """Raises RuntimeError where the process has ended."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(question).encode() + b"\n")
        return await self.answer()

    async def answer(self) -> Json:
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line:
            code = await self._process.wait()
            raise RuntimeError(f"{self._name} ended with {code}; its last words are above")
        answer: Json = json.loads(line)
        return answer


@asynccontextmanager
async def child(module: str, *arguments: str) -> AsyncIterator[Child]:
    """`python -m module arguments`, once it has said hello. It ends when its input does."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-W",
        "ignore",
        "-m",
        module,
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=LINE_BYTES,
    )
    one = Child(process, " ".join((module, *arguments)))
    try:
        one.hello = await one.answer()
        yield one
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), 30)
        except TimeoutError:
            process.kill()
            await process.wait()


async def serve_lines(hello: Json, answer: Callable[[Json], Awaitable[Json]]) -> None:
    """The child's side: says hello, then answers lines until its input ends."""
    loop = asyncio.get_running_loop()
    print(json.dumps(hello), flush=True)
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        print(json.dumps(await answer(json.loads(line))), flush=True)
