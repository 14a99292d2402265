"""Asks the engine to look at a proposal again when it expires."""

from typing import Final

from agent_core.ports import Engine, EngineKind, UnitOfWork
from agent_core.proposals import Proposal

EXPIRES: Final = "expire:"


def deadline_ref(proposal: Proposal) -> str:
    """The timer's name, of its own for each time at which the proposal expires."""
    return f"{EXPIRES}{proposal.id}@{proposal.expires_at.isoformat()}"


def set_deadline(tx: UnitOfWork, engine: Engine, proposal: Proposal) -> None:
    """The proposal is looked at again when it expires. Idempotent by proposal and time."""
    engine.submit(
        tx,
        kind=EngineKind.TIMER,
        key=str(proposal.id),
        ref=deadline_ref(proposal),
        at=proposal.expires_at,
    )
