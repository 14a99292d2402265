"""A process that belongs to the demo: started, heard, stopped, and its log."""

import asyncio
import contextlib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from bots.demo.child import GRACE_SECONDS
from bots.demo.options import DemoFailed

FIRST_LINE_SECONDS: Final = 60.0
_TAIL_LINES: Final = 15


class Child:
    """One process. Its output goes to `log`; its first line on standard output can be awaited."""

    def __init__(self, name: str, log: Path, process: asyncio.subprocess.Process) -> None:
        self.name = name
        self.log = log
        self.process = process
        self._first: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._copying = asyncio.create_task(self._copy())

    @classmethod
    async def start(
        cls, name: str, words: Sequence[str], *, environ: Mapping[str, str], folder: Path
    ) -> "Child":
        """Runs `words` (see bots/demo/child.py) in `folder`; logs to `logs/NAME.log` below it."""
        log = folder / "logs" / f"{name}.log"
        with log.open("ab") as errors:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "bots.demo.child",
                *words,
                env=environ,
                cwd=folder,
                # Its end is the demo's end, however that comes about.
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                # Ctrl-C in the terminal is for the demo alone, which then stops its children.
                start_new_session=True,
            )
        return cls(name, log, process)

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def has_ended(self) -> bool:
        return self.process.returncode is not None

    async def first_line(self) -> str:
        """What it says once it listens. Raises DemoFailed where it ends before."""
        try:
            async with asyncio.timeout(FIRST_LINE_SECONDS):
                return await asyncio.shield(self._first)
        except TimeoutError:
            raise DemoFailed(f"The {self.name} does not start. {self.tail()}") from None

    async def ended(self) -> int:
        """Waits for its end and returns the exit code; negative: the signal's number."""
        return await self.process.wait()

    async def stop(self) -> None:
        """Asks it to stop, and ends it where it does not within a few seconds."""
        if not self.has_ended:
            with contextlib.suppress(ProcessLookupError):
                self.process.terminate()
            try:
                async with asyncio.timeout(GRACE_SECONDS):
                    await self.process.wait()
            except TimeoutError:
                self.kill()
                await self.process.wait()
        await self._copying

    def kill(self) -> None:
        """`kill -9`. Whoever waits in `ended` sees it."""
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()

    def tail(self) -> str:
        """The end of its log, in words for whoever has to find out."""
        try:
            lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            lines = []
        if not lines:
            return "It said nothing."
        return "\n".join(["It said:", *(f"  {line}" for line in lines[-_TAIL_LINES:])])

    async def _copy(self) -> None:
        """Takes standard output to the log, so that the process never waits for a reader."""
        assert self.process.stdout is not None
        with self.log.open("ab") as log:
            while line := await self.process.stdout.readline():
                if not self._first.done():
                    self._first.set_result(line.decode(errors="replace").strip())
                log.write(line)
                log.flush()
        if not self._first.done():
            self._first.set_exception(DemoFailed(f"The {self.name} ended. {self.tail()}"))
            self._first.exception()  # nobody has to ask for it
