"""Timers of proposals: when one fires it reads the state again, and acts only if it still holds."""

from datetime import datetime

from agent_core.decisions import Decisions
from agent_core.errors import ConversationChanged
from agent_core.ports import Clock, Engine, EngineKind, Store, UnitOfWork
from agent_core.proposals import Proposal, ProposalId, ProposalStatus

EXPIRES = "expire:"


def set_deadline(tx: UnitOfWork, engine: Engine, proposal: Proposal) -> None:
    """The proposal is looked at again when it expires. Idempotent by proposal and time."""
    at = proposal.expires_at
    ref = f"{EXPIRES}{proposal.id}@{at.isoformat()}"
    engine.submit(tx, kind=EngineKind.TIMER, key=str(proposal.id), ref=ref, at=at)


class Deadlines:
    """Expires proposals that nobody decided in time."""

    def __init__(self, *, store: Store, decisions: Decisions, clock: Clock) -> None:
        self._store = store
        self._decisions = decisions
        self._clock = clock

    async def expire(self, key: str) -> None:
        """The handler of `expire:` timers."""
        await self._store.run(lambda tx: self._expire(tx, ProposalId(key), self._clock.now()))

    def _expire(self, tx: UnitOfWork, proposal_id: ProposalId, now: datetime) -> None:
        proposal = tx.proposals.get(proposal_id)
        waits = (ProposalStatus.AWAITING_CONFIRMATION, ProposalStatus.AWAITING_APPROVAL)
        if proposal is None or proposal.status not in waits or proposal.expires_at > now:
            return
        try:
            self._decisions.expire(tx, proposal, now)
        except ConversationChanged:
            return  # somebody decided in the same moment, and theirs counts
