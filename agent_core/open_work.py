"""What of a conversation is not over yet: nothing of it may be removed before it is."""

from agent_core.conversation import Conversation, ConversationStatus
from agent_core.ports import UnitOfWork
from agent_core.proposals import Outcome

_MOST = 10_000  # effects of one conversation


def open_work(tx: UnitOfWork, conversation: Conversation, *, with_doubt: bool = True) -> list[str]:
    """What is open, in words with what to do about it. The caller has read `conversation` here.

    `with_doubt`: an effect whose outcome nobody knows counts.
    """
    found = []
    if tx.turns.running(conversation.id) is not None or tx.inbox.new_rows(conversation.id, 1):
        found.append("the agent is at work in it: wait a minute")
    case = tx.escalations.open_in(conversation.id)
    if case is not None:
        found.append(f"{case.label} is open: resolve it first")
    elif conversation.status in (
        ConversationStatus.WAITING_FOR_SUPPORT,
        ConversationStatus.WITH_SUPPORT,
    ):
        found.append("a support person has it: hand it back or resolve it first")
    if tx.proposals.open_in(conversation.id):
        found.append("an action waits for a yes: decide it, or wait until it expires")
    if tx.outgoing.next_row(conversation.destination) is not None:
        found.append("a message is on its way: wait until it is sent")
    return found + (doubtful(tx, conversation) if with_doubt else [])


def doubtful(tx: UnitOfWork, conversation: Conversation) -> list[str]:
    """Effects whose outcome nobody knows: money in doubt has to stay findable."""
    return [
        f"the outcome of {entry.tool} ({entry.key}) is not known: find out first"
        for entry in tx.ledger.of_conversation(conversation.id, _MOST)
        if entry.outcome in (None, Outcome.UNKNOWN)
    ]
