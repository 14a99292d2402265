"""What the ledger says of an effect, to people; with Undo while it can be taken back."""

from agent_core import presses
from agent_core.blocks import Block, Buttons, Field, Note, Receipt, ReceiptState, Text
from agent_core.decided_cards import OUTCOME_TITLES
from agent_core.messages import OutboundMessage
from agent_core.notices import button, message_of
from agent_core.ports import UnitOfWork
from agent_core.proposals import LedgerEntry, Outcome, Proposal, ProposalId
from agent_core.wording import short_reference, time_text


def receipt_message(
    entry: LedgerEntry, account_name: str = "", undone: Proposal | None = None
) -> OutboundMessage:
    """What the ledger says of an action. `undone`: what took it back, which ends the Undo button.

    Raises ValueError while its outcome is open.
    """
    if entry.outcome is None:
        raise ValueError("a receipt needs an outcome")
    account = Field(label="Account", value=account_name or str(entry.account_id))
    fields = (account, *entry.fields)
    if entry.reason and entry.outcome is not Outcome.SUCCEEDED:
        fields = (*fields, Field(label="Why", value=entry.reason))
    receipt = Receipt(
        state=ReceiptState(entry.outcome.value),
        title=f"{OUTCOME_TITLES[entry.outcome]}: {entry.title or entry.tool}",
        fields=fields,
        reference=short_reference(entry.key),
    )
    doubt = None
    if entry.outcome is Outcome.UNKNOWN:
        doubt = Text(
            markdown="It may or may not have happened. A person is checking, and will tell you "
            "here. Please do not ask for it again until then."
        )
    return message_of([receipt, doubt, *_undo_blocks(entry, undone)])


def _undo_blocks(entry: LedgerEntry, undone: Proposal | None) -> list[Block]:
    if undone is not None:
        return [Note(text=undone_text(undone))]
    if entry.outcome is not Outcome.SUCCEEDED or entry.undo_until is None:
        return []
    return [
        Note(text=f"It can be undone until {time_text(entry.undo_until)}."),
        Buttons(buttons=(button(presses.UNDO, "Undo", str(entry.key)),)),
    ]


def until_text(entry: LedgerEntry) -> str:
    """Until when it could be undone, and what to do instead. Raises ValueError without a time."""
    if entry.undo_until is None:
        raise ValueError("an effect that nobody can undo has no such time")
    return (
        f"could be undone until {time_text(entry.undo_until)}. Write what you want changed "
        "instead, or ask for a person"
    )


def undone_text(undone: Proposal) -> str:
    """Who took an effect back, and under which reference."""
    return f"Undone for {undone.requester_name}. Reference {short_reference(undone.id)}"


def undone_by(tx: UnitOfWork, key: ProposalId) -> Proposal | None:
    """What took the effect under this key back, if something did."""
    for proposal in tx.proposals.undoing(key):
        entry = tx.ledger.get(proposal.id)
        if entry is not None and entry.outcome is Outcome.SUCCEEDED:
            return proposal
    return None
