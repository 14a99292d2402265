"""Service processes that are started, killed, stopped, and started again when they end."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

ROOT = Path(__file__).parents[2]
START_SECONDS = 120.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(slots=True)
class Member:
    """One process of the service, under the name that it keeps over its restarts."""

    name: str
    role: str
    environ: Mapping[str, str]
    broken: tuple[str, ...] = ()
    port: int = field(default_factory=free_port)
    pid: int = 0
    starts: int = 0
    codes: list[int] = field(default_factory=list)
    kept: bool = True  # started again when it ends
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"


class Fleet:
    """All members, and the zygote that forks them."""

    def __init__(self, zygote: asyncio.subprocess.Process, folder: Path) -> None:
        self._zygote = zygote
        self._folder = folder
        self._forks: asyncio.Queue[int] = asyncio.Queue()
        self._order = asyncio.Lock()
        self._by_pid: dict[int, Member] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self.members: dict[str, Member] = {}
        self.session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5))

    # --- starting ---------------------------------------------------------------------------

    async def start(self, member: Member) -> None:
        """Forks the member; returns at once."""
        self.members[member.name] = member
        words = ["serve", "--port", str(member.port), "--role", member.role]
        order = {
            "environ": {**member.environ, "PATH": os.environ.get("PATH", "")},
            "words": words,
            "log": str(self.log(member)),
            "folder": str(self._folder),
            "broken": list(member.broken),
        }
        async with self._order:  # answers come in the order of the orders
            assert self._zygote.stdin is not None
            member.ended.clear()
            self._zygote.stdin.write(f"{json.dumps(order)}\n".encode())
            member.pid = await self._forks.get()
            member.starts += 1
            self._by_pid[member.pid] = member

    def log(self, member: Member) -> Path:
        return self._folder / f"{member.name}.log"

    async def until_ready(self, *names: str, seconds: float = START_SECONDS) -> None:
        """Until each of these, or of all, says that it is ready."""
        for name in names or tuple(self.members):
            member = self.members[name]
            try:
                async with asyncio.timeout(seconds):
                    while not await self.is_ready(member):  # noqa: ASYNC110
                        await asyncio.sleep(0.05)
            except TimeoutError:
                tail = self.log(member).read_text(errors="replace")[-3000:]
                raise AssertionError(f"{name} does not get ready {member.codes}:\n{tail}") from None

    async def is_ready(self, member: Member) -> bool:
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with self.session.get(f"{member.address}/readyz") as answer:
                return answer.status == 200
        return False

    # --- ending -----------------------------------------------------------------------------

    def signal(self, name: str, number: signal.Signals) -> None:
        """To a member that runs; one that has just ended is left alone."""
        member = self.members[name]
        if not member.ended.is_set():
            with contextlib.suppress(ProcessLookupError):
                os.kill(member.pid, number)

    def kill(self, name: str) -> None:
        self.signal(name, signal.SIGKILL)

    async def stop(self, name: str, seconds: float = 60.0) -> int:
        """SIGTERM, for good; its exit code."""
        member = self.members[name]
        member.kept = False
        self.signal(name, signal.SIGTERM)
        await asyncio.wait_for(member.ended.wait(), seconds)
        return member.codes[-1]

    async def close(self) -> None:
        for member in self.members.values():
            member.kept = False
            self.signal(member.name, signal.SIGCONT)
            self.kill(member.name)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        assert self._zygote.stdin is not None
        self._zygote.stdin.close()
        await self._zygote.wait()
        await self.session.close()

    def listen(self) -> None:
        """Begins to hear the zygote."""
        self._keep(self._hear())

    async def _hear(self) -> None:
        assert self._zygote.stdout is not None
        async for line in self._zygote.stdout:
            told = json.loads(line)
            if "pid" in told:
                self._forks.put_nowait(told["pid"])
            else:
                self._keep(self._bury(told["ended"], told["code"]))

    async def _bury(self, pid: int, code: int) -> None:
        while pid not in self._by_pid:  # noqa: ASYNC110 - it ended before its start was written down
            await asyncio.sleep(0.01)
        member = self._by_pid[pid]
        member.codes.append(code)
        member.ended.set()
        if member.kept:
            await asyncio.sleep(0.1)
            await self.start(member)

    def _keep(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


@asynccontextmanager
async def a_fleet(folder: Path) -> AsyncIterator[Fleet]:
    """Nothing of it runs afterwards, however it ends."""
    with (folder / "zygote.log").open("ab") as log:
        zygote = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.chaos.zygote",
            cwd=ROOT,
            env={"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(ROOT)},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
        )
    fleet = Fleet(zygote, folder)
    fleet.listen()
    try:
        yield fleet
    finally:
        await fleet.close()
