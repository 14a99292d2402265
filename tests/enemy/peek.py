"""Reads whole tables of the memory adapters: what no port offers and a judge has to see."""

from typing import Any

from agent_core.conversation import Conversation, ConversationId
from agent_core.escalations import Escalation
from agent_core.messages import RoomRef
from agent_core.ports import UnitOfWork
from agent_core.proposals import LedgerEntry, Proposal, ProposalStatus
from tools.accounts.effects import Effect
from tools.accounts.memory_gateway import _EFFECT, MemoryStorage


def proposals(tx: UnitOfWork) -> list[Proposal]:
    return list(_rows(tx.proposals, "_proposals"))


def ledger(tx: UnitOfWork) -> list[LedgerEntry]:
    return list(_rows(tx.ledger, "_entries"))


def cases(tx: UnitOfWork) -> list[Escalation]:
    return list(_rows(tx.escalations, "_cases"))


def conversations(tx: UnitOfWork) -> dict[ConversationId, Conversation]:
    return {one.id: one for one in _rows(tx.conversations, "_conversations")}


def _rows(repository: Any, name: str) -> Any:
    return getattr(repository, name)


def waiting_proposals(tx: UnitOfWork) -> list[Proposal]:
    """Those that a yes could move, oldest first."""
    waits = (ProposalStatus.AWAITING_CONFIRMATION, ProposalStatus.AWAITING_APPROVAL)
    return [one for one in proposals(tx) if one.status in waits]


def place_of(tx: UnitOfWork, proposal: Proposal) -> tuple[RoomRef, str]:
    """The room and thread of the proposal's conversation."""
    conversation = tx.conversations.get(proposal.conversation_id)
    assert conversation is not None
    destination = tx.outgoing.destination(conversation.destination)
    thread = destination.address.thread_id if destination else None
    return conversation.room, thread or ""


def effects(storage: MemoryStorage) -> list[Effect]:
    """Every change that the account system knows of, by key."""
    return [_EFFECT.validate_json(text) for text in storage._unit.effects.values()]
