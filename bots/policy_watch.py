"""Takes a changed policy.yaml up while the service runs, and tells of it in the audit log."""

import asyncio
from datetime import datetime, timedelta
from typing import Protocol

from agent_core.audit import AuditKind
from agent_core.audit_notes import note_operation
from agent_core.policy import Policy
from agent_core.ports import Clock, Store
from agent_core.rounds import Rounds


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
        self._rounds = Rounds(
            "the look for a changed policy", every=timedelta(seconds=every_seconds)
        )

    async def run_forever(self) -> None:
        """Until `stop`. A look that fails is told in the log, and made again."""
        await self._rounds.run(self._round)

    async def _round(self) -> None:
        await self.look()

    async def look(self) -> bool:
        """One look. True where another policy is in force now. Raises what the looking raises."""
        changed = await asyncio.to_thread(self._source.refresh)
        if changed:
            await self._note(self._source.current().version, self._clock.now())
        return changed

    @property
    def is_failing(self) -> bool:
        """Whether the last look failed."""
        return self._rounds.is_failing

    def stop(self) -> None:
        """`run_forever` returns after the look it is in."""
        self._rounds.stop()

    async def _note(self, version: str, at: datetime) -> None:
        await self._store.run(lambda tx: note_operation(tx, AuditKind.POLICY_CHANGED, version, at))
