"""The card of a plan that stopped, as it stands later: what is being undone, and what can be."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from agent_core.conversation import Conversation, ConversationStatus
from agent_core.messages import OutboundMessage, OutgoingId
from agent_core.plan_cards import stopped_card
from agent_core.plans import Plan, read_plan
from agent_core.ports import UnitOfWork
from agent_core.proposals import LedgerEntry, Proposal, ProposalStatus

CLOSINGS: Final = {
    "nothing": "No step was done, so nothing has changed. You can ask for it again.",
    "undo": "What was done before is being undone now; a receipt follows for each.",
    "offer": "What was done stays, unless you undo it here.",
    "people": "A person of the support team takes over from here. They see exactly what was done "
    "and what was not.",
    "undone": "The receipts say what was undone.",
    "stays": "What was done stays.",
}


def stopped_now(
    tx: UnitOfWork, step: Proposal, conversation: Conversation, at: datetime
) -> tuple[OutgoingId, OutgoingId, OutboundMessage] | None:
    """The card of this step's plan as of now: the row to update, that update's own id, the card.

    None where the plan did not stop.
    """
    if step.plan_id is None:
        return None
    card = OutgoingId(f"stopped:{step.plan_id}")
    if tx.outgoing.get(card) is None:
        return None
    plan = read_plan(tx, step.plan_id)
    with_agent = conversation.status is ConversationStatus.WITH_AGENT
    offers = _offers(tx, plan, at) if with_agent else ()
    way = _way(tx, plan, offers, with_agent=with_agent)
    message = stopped_card(
        plan,
        conversation_id=conversation.id,
        offers=offers,
        closing=CLOSINGS[way],
        ask_support=with_agent,
    )
    return card, OutgoingId(f"{card}:{plan.standing}:{way}"), message


def _way(tx: UnitOfWork, plan: Plan, offers: Sequence[LedgerEntry], *, with_agent: bool) -> str:
    if any(_is_being_undone(tx, entry) for entry in plan.done):
        return "undo"
    if not with_agent:
        return "people"
    if plan.undone:
        return "undone"
    return "offer" if offers else "stays"


def _offers(tx: UnitOfWork, plan: Plan, at: datetime) -> tuple[LedgerEntry, ...]:
    return tuple(
        entry
        for entry in plan.done
        if entry.undo_until is not None
        and entry.undo_until > at
        and not _is_being_undone(tx, entry)
    )


def _is_being_undone(tx: UnitOfWork, entry: LedgerEntry) -> bool:
    """It is decided, or has begun and nobody knows the outcome yet."""
    for undo in tx.proposals.undoing(entry.key):
        if undo.status is ProposalStatus.DECIDED:
            return True
        if undo.status is ProposalStatus.CONSUMED:
            begun = tx.ledger.get(undo.id)
            if begun is None or begun.outcome is None:
                return True
    return False
