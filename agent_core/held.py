"""Reads what belongs to a conversation while holding the conversation.

Reading a conversation locks it until the commit; cases and proposals are read without a lock and
changed under their conversation's. Everybody takes that lock first, so nobody waits in a circle.
"""

from agent_core.escalations import Escalation, EscalationId
from agent_core.ports import UnitOfWork
from agent_core.proposals import Proposal, ProposalId


def held_case(tx: UnitOfWork, case_id: EscalationId) -> Escalation | None:
    """The case as it is now, and stays until the commit."""
    case = tx.escalations.get(case_id)
    if case is None:
        return None
    tx.conversations.get(case.conversation_id)
    return tx.escalations.get(case_id)


def held_proposal(tx: UnitOfWork, proposal_id: ProposalId) -> Proposal | None:
    """The proposal as it is now, and stays until the commit."""
    proposal = tx.proposals.get(proposal_id)
    if proposal is None:
        return None
    tx.conversations.get(proposal.conversation_id)
    return tx.proposals.get(proposal_id)
