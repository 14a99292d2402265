"""The engine in memory: queues, one entry at a time for each key, and timers on a given clock."""

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from agent_core.attempts import TRIES, attempt_several
from agent_core.ports import Clock, EngineHandler, EngineKind, UnitOfWork

# Timers re-read state and may run beside each other; work on one conversation or thread may not.
_ONE_AT_A_TIME: Final = frozenset({EngineKind.TURN, EngineKind.DELIVER})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    kind: EngineKind
    key: str
    ref: str
    at: datetime | None


class MemoryEngine:
    """`ports.Engine`. A handler that raises is logged and tried again, `tries` times in all.

    Timers fire when `clock` has passed their time: at `tick()`, and every `poll_seconds` while
    started. `idle()` waits until nothing runs and nothing is due.
    """

    def __init__(self, clock: Clock, *, tries: int = TRIES, poll_seconds: float = 0.02) -> None:
        self._clock = clock
        self._tries = tries
        self._poll_seconds = poll_seconds
        self._handlers: Mapping[EngineKind, EngineHandler] = {}
        self._seen: set[tuple[EngineKind, str]] = set()
        self._later: list[_Entry] = []
        self._queues: dict[object, deque[_Entry]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._poller: asyncio.Task[None] | None = None
        self._started = False

    def submit(
        self, tx: UnitOfWork, *, kind: EngineKind, key: str, ref: str, at: datetime | None = None
    ) -> None:
        entry = _Entry(kind=kind, key=key, ref=ref, at=at)
        tx.after_commit(lambda: self._take(entry))

    async def start(self, handlers: Mapping[EngineKind, EngineHandler]) -> None:
        self._handlers = dict(handlers)
        self._started = True
        self._poller = asyncio.create_task(self._poll())
        self.tick()
        for line in list(self._queues):
            self._run_line(line)

    async def drain(self, seconds: float) -> None:
        """What has not begun stays in memory; what still runs after `seconds` is cancelled."""
        self._started = False
        if self._poller is not None:
            self._poller.cancel()
            await asyncio.gather(self._poller, return_exceptions=True)
            self._poller = None
        running = set(self._tasks)
        if running:
            _, late = await asyncio.wait(running, timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def idle(self) -> None:
        """Returns once nothing runs and no timer is due. For tests."""
        self.tick()
        while self._tasks:
            await asyncio.wait(set(self._tasks))
            await asyncio.sleep(0)
            self.tick()

    def tick(self) -> None:
        """Lets the timers fire that are due by now."""
        now = self._clock.now()
        due = [entry for entry in self._later if entry.at is not None and entry.at <= now]
        self._later = [entry for entry in self._later if entry not in due]
        for entry in sorted(due, key=lambda entry: entry.at or now):
            self._enqueue(entry)

    def _take(self, entry: _Entry) -> None:
        if (entry.kind, entry.ref) in self._seen:
            return
        self._seen.add((entry.kind, entry.ref))
        if entry.at is not None and entry.at > self._clock.now():
            self._later.append(entry)
        else:
            self._enqueue(entry)

    def _enqueue(self, entry: _Entry) -> None:
        alone = entry.kind in _ONE_AT_A_TIME
        line = (entry.kind, entry.key) if alone else (entry.kind, entry.key, entry.ref)
        waiting = self._queues.get(line)
        if waiting is not None:
            waiting.append(entry)
            return
        self._queues[line] = deque([entry])
        if self._started:
            self._run_line(line)

    def _run_line(self, line: object) -> None:
        task = asyncio.create_task(self._work_off(line))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _work_off(self, line: object) -> None:
        waiting = self._queues[line]
        while waiting and self._started:
            await self._handle(waiting[0])
            waiting.popleft()
        if not waiting:
            del self._queues[line]

    async def _handle(self, entry: _Entry) -> None:
        await attempt_several(
            f"{entry.kind} entry {entry.ref}",
            lambda: self._handlers[entry.kind](entry.key, entry.ref),
            tries=self._tries,
            pause_seconds=0.0,
        )

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(self._poll_seconds)
            self.tick()
