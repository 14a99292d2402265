"""Timers of proposals: when one fires it reads the state again, and acts only if it still holds."""

from agent_core.decisions import Decisions
from agent_core.errors import ConversationChanged
from agent_core.expiry import EXPIRES, deadline_ref, set_deadline
from agent_core.held import held_proposal
from agent_core.ports import Clock, Store, UnitOfWork
from agent_core.proposals import ProposalId, ProposalStatus

__all__ = ["EXPIRES", "Deadlines", "deadline_ref", "set_deadline"]

TRIES = 4


class Deadlines:
    """Expires proposals that nobody decided in time."""

    def __init__(self, *, store: Store, decisions: Decisions, clock: Clock) -> None:
        self._store = store
        self._decisions = decisions
        self._clock = clock

    async def expire(self, key: str) -> None:
        """The handler of `expire:` timers. Of an expiry and a yes, the first to commit counts."""
        for _ in range(TRIES - 1):
            try:
                await self._store.run(lambda tx: self._expire(tx, ProposalId(key)))
            except ConversationChanged:
                continue  # nothing of it was kept: look again
            return
        await self._store.run(lambda tx: self._expire(tx, ProposalId(key)))

    def _expire(self, tx: UnitOfWork, proposal_id: ProposalId) -> None:
        now = self._clock.now()
        proposal = held_proposal(tx, proposal_id)
        waits = (ProposalStatus.AWAITING_CONFIRMATION, ProposalStatus.AWAITING_APPROVAL)
        if proposal is None or proposal.status not in waits or proposal.expires_at > now:
            return
        self._decisions.expire(tx, proposal, now)
