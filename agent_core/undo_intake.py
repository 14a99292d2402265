"""A press on Undo: refused in private where it cannot be, else a wish that gets its own turn."""

from datetime import datetime

from agent_core.conversation import Conversation, ConversationStatus
from agent_core.journal import InboxKind
from agent_core.messages import ButtonPressed
from agent_core.people import Requester
from agent_core.policy import has_standing
from agent_core.ports import Answer, Engine, UnitOfWork
from agent_core.proposals import LedgerEntry, Outcome, ProposalId, ProposalStatus
from agent_core.receipts import until_text
from agent_core.wake import wake

GONE = "This can no longer be undone from here."
_WITH_PEOPLE = (ConversationStatus.WAITING_FOR_SUPPORT, ConversationStatus.WITH_SUPPORT)


def undo_pressed(
    tx: UnitOfWork, engine: Engine, event: ButtonPressed, who: Requester, now: datetime
) -> Answer:
    """Decided from what is stored. The account is looked at, and policy asked, in the turn."""
    entry = tx.ledger.get(ProposalId(event.value))
    conversation = tx.conversations.get(entry.conversation_id) if entry is not None else None
    if entry is None or conversation is None or conversation.room != event.card.room:
        return Answer(notice=GONE)
    why = _why_not(tx, entry, conversation, who, now)
    if why is not None:
        return Answer(notice=why)
    if not tx.inbox.take(f"press:{event.press_id}", now):
        return Answer()
    if conversation.status is ConversationStatus.RESOLVED:
        opened = conversation.moved(ConversationStatus.WITH_AGENT)
        tx.conversations.save(opened, expected_epoch=conversation.epoch)
    row = tx.inbox.add(
        conversation.id,
        InboxKind.UNDO,
        author=event.by,
        author_key=who.key,
        at=now,
        proposal_id=entry.key,
    )
    wake(tx, engine, row)
    return Answer()


def _why_not(
    tx: UnitOfWork, entry: LedgerEntry, conversation: Conversation, who: Requester, now: datetime
) -> str | None:
    if entry.outcome is not Outcome.SUCCEEDED or entry.undo_until is None:
        return GONE
    if not has_standing(who, who.role_in(entry.account_id), conversation.audience):
        return "Only people of the account can undo this."
    if (standing := _under_way(tx, entry)) is not None:
        return standing
    if now >= entry.undo_until:
        return f"This {until_text(entry)}."
    if conversation.status in _WITH_PEOPLE:
        return "The support team has this conversation now: tell them that it should be undone."
    return None


def _under_way(tx: UnitOfWork, entry: LedgerEntry) -> str | None:
    """What an earlier press came to, where that settles it."""
    for proposal in tx.proposals.undoing(entry.key):
        match proposal.status:
            case ProposalStatus.AWAITING_APPROVAL:
                return "Undoing it is asked for already, and waits for approval."
            case ProposalStatus.DECIDED:
                return "It is being undone."
            case ProposalStatus.CONSUMED:
                undo = tx.ledger.get(proposal.id)
                if undo is None or undo.outcome is None:
                    return "It is being undone."
                if undo.outcome is Outcome.SUCCEEDED:
                    return f"It was undone already, for {proposal.requester_name}."
                if undo.outcome is Outcome.UNKNOWN:
                    return "It is not certain whether it was undone: a person is checking."
    return None
