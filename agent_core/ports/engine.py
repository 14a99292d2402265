"""Queues, timers and recovery, and this process among others."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from agent_core.ports.store import UnitOfWork


class EngineKind(StrEnum):
    """What an engine entry asks for. It carries ids only, never a message."""

    TURN = "turn"  # conversation `key` has work; one at a time per key
    DELIVER = "deliver"  # destination `key` has rows
    TIMER = "timer"  # `ref` is due; whoever handles it re-reads the state


EngineHandler = Callable[[str, str], Awaitable[None]]  # (key, ref)


class Engine(Protocol):
    """Queues, one-at-a-time, recovery and timers. Its state is disposable."""

    def submit(
        self, tx: UnitOfWork, *, kind: EngineKind, key: str, ref: str, at: datetime | None = None
    ) -> None:
        """Inside the caller's transaction; idempotent by (kind, ref)."""
        ...

    async def start(self, handlers: Mapping[EngineKind, EngineHandler]) -> None: ...
    async def drain(self, seconds: float) -> None:
        """Takes no new work, waits for the running, then stops."""
        ...


class Held(Protocol):
    """A dead process's place, held while what it left is moved."""

    def release(self) -> None: ...


class Presence(Protocol):
    """This process among others on one database. `name` is its place, after `enter`."""

    @property
    def name(self) -> str: ...
    def holds(self) -> bool:
        """False where others may take this process for dead: it then sends nothing more."""
        ...

    async def enter(self) -> None: ...
    async def leave(self) -> None: ...
    async def dead(self, name: str) -> Held | None:
        """Another's place, if that other is gone. Raises StoreError. Blocking: `Held.release`."""
        ...
