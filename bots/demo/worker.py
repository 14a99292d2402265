"""The service's process in the demo: started, started again when it ends, and killed on demand."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Final

import aiohttp

from bots.demo.child import NEXT
from bots.demo.children import Child
from bots.demo.options import DemoFailed

_SERVE: Final = ("bots.cli", "serve", "--host", "127.0.0.1", "--port")
_PREPARE: Final = ("bots.demo.prepare", NEXT)
_MISCONFIGURED: Final = 2
_QUICK_SECONDS: Final = 5.0
_QUICK_ENDS: Final = 3
_PROBE_SECONDS: Final = 0.05


class WorkerState(StrEnum):
    """What the service's process is doing; DOWN: it will not be started again."""

    STARTING = "starting"
    RUNNING = "running"
    DOWN = "down"


class Worker:
    """Keeps one service process running on one port. `restarts` counts those after the first."""

    def __init__(self, folder: Path, environ: Mapping[str, str], port: int) -> None:
        self._folder = folder
        self._environ = environ
        self._port = port
        self._child: Child | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._changed = asyncio.Condition()
        self._has_run = False
        self.state = WorkerState.STARTING
        self.restarts = 0
        self.problem = ""

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child and not self._child.has_ended else None

    async def start(self, on_down: Callable[[str], None]) -> None:
        """Starts it, the first time with the sample company's data. `on_down` gets the reason."""
        self._child = await self._spawn()
        self._keeping = asyncio.create_task(self._keep(on_down))

    async def until_running(self) -> None:
        """Returns once it answers. Raises DemoFailed where it is down."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.state is not WorkerState.STARTING)
        if self.state is WorkerState.DOWN:
            raise DemoFailed(self.problem)

    async def kill(self) -> None:
        """`kill -9`; returns once the next process answers. Raises DemoFailed where none does."""
        killed = self._child
        if killed is not None:
            killed.kill()
        async with self._changed:
            await self._changed.wait_for(
                lambda: (
                    self.state is WorkerState.DOWN
                    or (self.state is WorkerState.RUNNING and self._child is not killed)
                )
            )
        if self.state is WorkerState.DOWN:
            raise DemoFailed(self.problem)

    async def stop(self) -> None:
        """Stops it for good."""
        if self._keeping is not None:
            self._keeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeping
        if self._child is not None:
            await self._child.stop()

    async def _spawn(self) -> Child:
        before = () if self._has_run else _PREPARE
        words = (*before, *_SERVE, str(self._port))
        return await Child.start("service", words, environ=self._environ, folder=self._folder)

    async def _keep(self, on_down: Callable[[str], None]) -> None:
        quick_ends = 0
        while self._child is not None:
            started = time.monotonic()
            answering = asyncio.create_task(self._watch_start(self._child))
            try:
                code = await self._child.ended()
            finally:
                answering.cancel()
            quick = time.monotonic() - started < _QUICK_SECONDS
            quick_ends = quick_ends + 1 if quick and code > 0 else 0
            hopeless = code > 0 and not self._has_run
            if hopeless or code == _MISCONFIGURED or quick_ends >= _QUICK_ENDS:
                await self._child.stop()
                self.problem = f"The service ended with code {code}. {self._child.tail()}"
                await self._become(WorkerState.DOWN)
                on_down(self.problem)
                return
            await self._become(WorkerState.STARTING)
            self.restarts += 1
            self._child = await self._spawn()

    async def _watch_start(self, child: Child) -> None:
        """RUNNING once this process answers on its port."""
        async with aiohttp.ClientSession() as session:
            while not child.has_ended:
                with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                    async with session.get(f"{self.address}/readyz") as answer:
                        if answer.status == 200:
                            self._has_run = True
                            await self._become(WorkerState.RUNNING)
                            return
                await asyncio.sleep(_PROBE_SECONDS)

    async def _become(self, state: WorkerState) -> None:
        async with self._changed:
            self.state = state
            self._changed.notify_all()
