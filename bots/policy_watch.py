"""Takes a changed policy.yaml up while the service runs, and tells of it in the audit log."""

import asyncio
import logging
from datetime import datetime
from typing import Protocol

from agent_core.audit import AuditKind
from agent_core.audit_notes import note_operation
from agent_core.errors import HandrailError
from agent_core.policy import Policy
from agent_core.ports import Clock, Store

log = logging.getLogger(__name__)


class Refreshing(Protocol):
    """A policy source that can look at its file again."""

    def current(self) -> Policy: ...
    def refresh(self) -> bool:
        """True where another policy is in force now. A broken file changes nothing."""
        ...


class PolicyWatch:
    """Looks at the file every second. Each decision is made with one policy, the old or the new."""

    def __init__(
        self, source: Refreshing, store: Store, *, clock: Clock, every_seconds: float = 1.0
    ) -> None:
        self._source = source
        self._store = store
        self._clock = clock
        self._every = every_seconds
        self._stopped = asyncio.Event()

    async def run_forever(self) -> None:
        """Until `stop`."""
        while not self._stopped.is_set():
            await self.look()
            try:
                async with asyncio.timeout(self._every):
                    await self._stopped.wait()
            except TimeoutError:
                continue

    async def look(self) -> bool:
        """One look. True where another policy is in force now."""
        try:
            changed = await asyncio.to_thread(self._source.refresh)
            if changed:
                await self._note(self._source.current().version, self._clock.now())
        except (HandrailError, OSError):
            log.exception("a change of the policy could not be taken up or noted")
            return False
        return changed

    def stop(self) -> None:
        """`run_forever` returns after the look it is in."""
        self._stopped.set()

    async def _note(self, version: str, at: datetime) -> None:
        await self._store.run(lambda tx: note_operation(tx, AuditKind.POLICY_CHANGED, version, at))
