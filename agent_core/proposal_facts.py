"""What the cards of a proposal show of it: account, amount, changes and notes."""

from agent_core.blocks import Block, Changes, Field, Fields, Note
from agent_core.proposals import Proposal
from agent_core.wording import money_text


def _account_text(proposal: Proposal, account_name: str) -> str:
    return account_name or proposal.account_name or str(proposal.account_id)


def facts_of(proposal: Proposal, account_name: str, *, requester: bool) -> Fields:
    """The account and the amount, with the name of the one who asked where that is wanted."""
    fields = [Field(label="Account", value=_account_text(proposal, account_name))]
    if proposal.amount is not None:
        fields.append(Field(label="Amount", value=money_text(proposal.amount)))
    if requester:
        fields.append(Field(label="Requested by", value=proposal.requester_name))
    return Fields(fields=tuple(fields))


def changes_of(proposal: Proposal) -> Changes | None:
    """What would be otherwise; None where the preview names nothing."""
    return Changes(changes=proposal.changes) if proposal.changes else None


def notes_of(proposal: Proposal) -> list[Block]:
    """What else there is to know before a yes."""
    notes = list(proposal.notes)
    if proposal.plan_id is not None:
        notes.append(
            f"Step {proposal.step} of a plan: no step runs before every approval is there."
        )
    return [Note(text=note) for note in notes]
