"""This process among the others on one Postgres database: its slot, watched and given back."""

import asyncio
import logging
import os
from collections.abc import Callable
from time import monotonic
from typing import Final

import psycopg

from agent_core.engine.slots import FIRST_WITHOUT_TURNS, DeadSlot, Slots, slot_number
from agent_core.errors import ConfigurationError, StoreError

_log = logging.getLogger(__name__)
LOST_LOCK_EXIT: Final = 70
CHECK_SECONDS: Final = 2.5
# The server ends a connection that is silent for longer than `slots.SILENT_SECONDS`, and with it
# the lock: whoever hung for as long is taken for dead. Before that it trusts itself no more.
TRUST_SECONDS: Final = 15.0


def leave_the_process() -> None:
    """Another worker may own the slot by now: what we still did would be fenced off anyway."""
    os._exit(LOST_LOCK_EXIT)


class Presence:
    """Holds a slot from `enter` to `leave`. `lost` is called once the connection behind it is gone.

    Everybody who sends or runs turns has one, so that what the dead left is found within seconds.
    `runs_turns` False: one that is never a worker's, since turns are found again by their slot.
    """

    def __init__(
        self,
        url: str,
        *,
        runs_turns: bool = True,
        check_seconds: float = CHECK_SECONDS,
        lost: Callable[[], None] = leave_the_process,
    ) -> None:
        self._url = url
        self._first = 0 if runs_turns else FIRST_WITHOUT_TURNS
        self._check_seconds = check_seconds
        self._lost = lost
        self._slots: Slots | None = None
        self._watching: asyncio.Task[None] | None = None
        self._seen = 0.0
        self._name = ""

    @property
    def name(self) -> str:
        """The slot's; empty before `enter`."""
        return self._name

    def holds(self) -> bool:
        """False where the slot may be somebody else's by now, as after this process stood still."""
        return self._slots is not None and monotonic() - self._seen < TRUST_SECONDS

    async def enter(self) -> None:
        """Takes a slot and watches it. Raises ConfigurationError where the server does not answer
        or no slot is free."""
        self._seen = monotonic()
        try:
            self._slots = await asyncio.to_thread(Slots, self._url)
            self._name = await asyncio.to_thread(self._slots.take_own, self._first)
        except psycopg.Error as problem:
            said = str(problem).strip().partition("\n")[0]
            raise ConfigurationError([f"no worker slot can be had of Postgres ({said})"]) from None
        self._watching = asyncio.create_task(self._watch(self._slots))

    async def leave(self) -> None:
        """Gives the slot back: from here on others take what is left. Does nothing twice."""
        watching, self._watching = self._watching, None
        if watching is not None:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
        slots, self._slots = self._slots, None
        if slots is not None:
            await asyncio.to_thread(slots.close)

    async def dead(self, name: str) -> DeadSlot | None:
        """Another's slot, taken, if that other is gone; None while it lives, and for no slot.

        Raises StoreError where the server does not say."""
        number = slot_number(name)
        if self._slots is None or number is None:
            return None
        try:
            return await asyncio.to_thread(self._slots.dead, number)
        except psycopg.Error as problem:
            raise StoreError(f"a slot cannot be asked about: {type(problem).__name__}") from None

    async def _watch(self, slots: Slots) -> None:
        try:
            while True:
                began = monotonic()
                async with asyncio.timeout(TRUST_SECONDS):
                    await asyncio.to_thread(slots.check)
                self._seen = began
                await self._until_the_server_speaks(slots)
        except (psycopg.Error, OSError, ValueError):  # it takes too long, or has no socket any more
            _log.critical("the connection that holds this worker's slot is lost")
            self._lost()

    async def _until_the_server_speaks(self, slots: Slots) -> None:
        """It says nothing by itself but that it ends the connection: noticed at once."""
        loop, stirred = asyncio.get_running_loop(), asyncio.Event()
        descriptor = slots.descriptor
        loop.add_reader(descriptor, stirred.set)
        try:
            async with asyncio.timeout(self._check_seconds):
                await stirred.wait()
        except TimeoutError:
            return
        finally:
            loop.remove_reader(descriptor)
