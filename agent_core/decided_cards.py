"""A card after its decision, with who decided what and when."""

from typing import Final

from agent_core.blocks import Heading, Note
from agent_core.messages import OutboundMessage
from agent_core.notices import message_of
from agent_core.proposal_facts import changes_of, facts_of
from agent_core.proposals import LedgerEntry, Outcome, Proposal, ProposalStatus
from agent_core.wording import short_reference, time_text

OUTCOME_TITLES: Final = {
    Outcome.SUCCEEDED: "Done",
    Outcome.REFUSED: "Not done",
    Outcome.FAILED: "Not done",
    Outcome.UNKNOWN: "Not certain",
}


def decided_card(
    proposal: Proposal,
    account_name: str = "",
    *,
    entry: LedgerEntry | None = None,
    replaced: bool = False,
) -> OutboundMessage:
    """A card after its decision: no buttons, and a line that says who decided what and when.

    `entry` adds how it ended; `replaced` says that a newer proposal stands in its place.
    """
    return message_of(
        [
            Heading(text=f"{proposal.title}: {_state_text(proposal, entry, replaced)}"),
            facts_of(proposal, account_name, requester=True),
            None if _was_only_refused(proposal) else changes_of(proposal),
            Note(text=_decision_text(proposal, replaced)),
        ]
    )


def _was_only_refused(proposal: Proposal) -> bool:
    """Its card said why not, to somebody without the right, and never what would change: how the
    account stands is not told by the card's end either."""
    asked_for = proposal.needs_confirmation or proposal.confirmed_at is not None
    return not asked_for and proposal.approval_card is None and proposal.plan_id is None


def _state_text(proposal: Proposal, entry: LedgerEntry | None, replaced: bool) -> str:
    if entry is not None and entry.outcome is not None:
        return OUTCOME_TITLES[entry.outcome].lower()
    if replaced:
        return "replaced"
    return {
        ProposalStatus.AWAITING_CONFIRMATION: "waiting for a yes",
        ProposalStatus.AWAITING_APPROVAL: "waiting for approval",
        ProposalStatus.DECIDED: "running",
        ProposalStatus.CONSUMED: "confirmed",
        ProposalStatus.CANCELLED: "cancelled",
        ProposalStatus.DECLINED: "declined",
        ProposalStatus.EXPIRED: "expired",
        ProposalStatus.REFUSED: "not possible",
    }[proposal.status]


def _decision_text(proposal: Proposal, replaced: bool) -> str:
    said: list[str] = []
    if proposal.confirmed_at is not None:
        said.append(
            f"Confirmed by {proposal.requester_name} at {time_text(proposal.confirmed_at)}."
        )
    status = proposal.status
    if proposal.approved_at is not None and status is not ProposalStatus.DECLINED:
        given = [(one.name, one.at) for one in proposal.approvals]
        for name, at in given or [(proposal.approver_name, proposal.approved_at)]:
            said.append(f"Approved by {name} at {time_text(at)}.")
    if replaced:
        said.append("Replaced by a newer request. Nothing was changed by this one.")
    elif status is ProposalStatus.CANCELLED:
        said.append("Cancelled. Nothing was changed.")
    elif status is ProposalStatus.DECLINED:
        said.append(f"Declined by {proposal.approver_name or 'the approver'}. Nothing was changed.")
    elif status is ProposalStatus.EXPIRED:
        said.append("No longer open. Nothing was changed.")
    elif status is ProposalStatus.DECIDED:
        alone = "Running now; the receipt follows."
        in_plan = "It runs with the other steps of its plan, once every approval is there."
        said.append(in_plan if proposal.plan_id else alone)
    return " ".join([*said, f"Reference {short_reference(proposal.id)}"])
