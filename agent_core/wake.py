"""Tells the engine that a conversation has work."""

from datetime import datetime

from agent_core.journal import InboxKind, InboxRow
from agent_core.messages import Participant
from agent_core.ports import Engine, EngineKind, UnitOfWork
from agent_core.proposals import Proposal


def wake(tx: UnitOfWork, engine: Engine, row: InboxRow) -> None:
    """One entry for each inbox row; the padded number keeps them in order."""
    ref = f"{row.conversation_id}:{row.seq:012d}"
    engine.submit(tx, kind=EngineKind.TURN, key=row.conversation_id, ref=ref)


def wake_for(tx: UnitOfWork, engine: Engine, proposal: Proposal, at: datetime) -> None:
    """The proposal's own conversation gets a turn for its requester, which runs it or asks after
    it."""
    row = tx.inbox.add(
        proposal.conversation_id,
        InboxKind.DECISION,
        author=Participant(identity=proposal.requester, name=proposal.requester_name),
        author_key=proposal.requester_key,
        at=at,
        proposal_id=proposal.id,
    )
    wake(tx, engine, row)
