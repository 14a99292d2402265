"""Decides, purely, whose yes or no counts for which proposal: in words and on its cards."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from agent_core.approving import could_approve, has_approved, is_requester, join_first, missing
from agent_core.bare_words import BareWord, takes_back
from agent_core.people import Requester
from agent_core.proposals import Proposal, ProposalStatus
from agent_core.wording import approvers_text

EXPIRED: Final = "This request has expired. Please ask again, so that the figures are current."


@dataclass(frozen=True, slots=True)
class Confirm:
    """The requester's own yes to this proposal."""

    proposal: Proposal


@dataclass(frozen=True, slots=True)
class Cancel:
    """The requester's no."""

    proposal: Proposal


@dataclass(frozen=True, slots=True)
class Approve:
    """Somebody else's yes, whom policy named."""

    proposal: Proposal


@dataclass(frozen=True, slots=True)
class Decline:
    """Somebody else's no, whom policy named."""

    proposal: Proposal


@dataclass(frozen=True, slots=True)
class Tell:
    """Nothing changes; the sentence says why. In the thread for words, in private for clicks."""

    sentence: str


Decided = Confirm | Cancel | Approve | Decline | Tell


def decided_in_words(
    word: BareWord, text: str, proposals: Sequence[Proposal], who: Requester, now: datetime
) -> Decided | None:
    """A bare yes or no counts when exactly one open proposal is this person's to decide.

    None where the words are not about any of these proposals.
    """
    waiting = [p for p in proposals if p.status is not ProposalStatus.DECIDED]
    asked = [p for p in waiting if not is_only_offered(p)]
    to_confirm = [p for p in asked if _is_to_confirm_by(p, who)]
    to_approve = [p for p in asked if may_approve(p, who)]
    mine = [*_one_of_each_plan(to_confirm), *to_approve]
    if len(mine) > 1:
        titles = "; ".join(p.title for p in mine)
        return Tell(
            f"More than one request is open here ({titles}). Please use the buttons on the card."
        )
    if mine and word is BareWord.YES and mine[0].expires_at <= now:
        return Tell(EXPIRED)
    if to_confirm:
        return Confirm(mine[0]) if word is BareWord.YES else Cancel(mine[0])
    if to_approve:
        return Approve(mine[0]) if word is BareWord.YES else Decline(mine[0])
    return _not_theirs_to_decide(word, text, waiting, who)


def _one_of_each_plan(proposals: Sequence[Proposal]) -> list[Proposal]:
    """A plan's steps stand for one yes."""
    found = {str(proposal.plan_id or proposal.id): proposal for proposal in reversed(proposals)}
    return list(reversed(found.values()))


def _not_theirs_to_decide(
    word: BareWord, text: str, waiting: Sequence[Proposal], who: Requester
) -> Decided | None:
    asked = [p for p in waiting if not is_only_offered(p)]
    own = [p for p in asked if is_requester(p, who)]
    if not own and asked:
        return Tell(whose_yes(asked[0], word))
    if len(own) == 1 and own[0].status is ProposalStatus.AWAITING_APPROVAL:
        if word is BareWord.YES:
            return Tell(whose_yes(own[0]))
        return Cancel(own[0]) if takes_back(text) else None
    offered = [p for p in waiting if is_only_offered(p) and not is_requester(p, who)]
    if word is BareWord.YES and any(could_approve(p, who) for p in offered):
        return Tell(whose_yes(offered[0]))
    return None


def is_only_offered(proposal: Proposal) -> bool:
    """A refused wish that could be carried to somebody: only its button asks for that."""
    return (
        proposal.status is ProposalStatus.AWAITING_CONFIRMATION and not proposal.needs_confirmation
    )


def _is_to_confirm_by(proposal: Proposal, who: Requester) -> bool:
    return proposal.status is ProposalStatus.AWAITING_CONFIRMATION and is_requester(proposal, who)


def whose_yes(proposal: Proposal, word: BareWord = BareWord.YES) -> str:
    """The sentence for somebody whose yes or no does not count."""
    if proposal.status is ProposalStatus.AWAITING_APPROVAL:
        return f"“{proposal.title}” waits for {_approvers(proposal)}."
    if is_only_offered(proposal):
        return (
            f"{proposal.requester_name} has not asked for “{proposal.title}” yet: that takes the "
            f"button “Ask {_approvers(proposal)}” on the card."
        )
    return f"Only {proposal.requester_name} can say {word} to “{proposal.title}”."


def whose_no(proposal: Proposal) -> str:
    """The sentence for somebody who presses Cancel on another person's request."""
    return f"Only {proposal.requester_name} can cancel “{proposal.title}”."


def _approvers(proposal: Proposal) -> str:
    return approvers_text(proposal.approval) if proposal.approval else "somebody else"


def _others(proposal: Proposal) -> str:
    count = missing(proposal)
    return "one more person" if count == 1 else f"{count} more people"


def may_approve(proposal: Proposal, who: Requester) -> bool:
    """Whether this person's yes is the approval. Nobody approves their own request."""
    if proposal.status is not ProposalStatus.AWAITING_APPROVAL:
        return False
    return could_approve(proposal, who) and not has_approved(proposal, who)


# --- buttons on a proposal's card --------------------------------------------------------------


def route_confirmation(
    proposal: Proposal, who: Requester, *, yes: bool, now: datetime
) -> Confirm | Cancel | Tell:
    """The requester presses Confirm or Cancel; anybody else is told why it does not count."""
    if not yes and proposal.status is ProposalStatus.AWAITING_APPROVAL:
        return Cancel(proposal) if is_requester(proposal, who) else Tell(whose_no(proposal))
    if proposal.status is not ProposalStatus.AWAITING_CONFIRMATION:
        return Tell(how_it_stands(proposal))
    if not is_requester(proposal, who):
        return Tell(whose_yes(proposal))
    if yes and proposal.expires_at <= now:
        return Tell(EXPIRED)
    return Confirm(proposal) if yes else Cancel(proposal)


def route_approval(
    proposal: Proposal, who: Requester, *, yes: bool, now: datetime
) -> Approve | Decline | Tell:
    """An approver presses Approve or Decline; anybody else is told why it does not count."""
    if proposal.status is not ProposalStatus.AWAITING_APPROVAL:
        return Tell(how_it_stands(proposal))
    if is_requester(proposal, who):
        return Tell("Nobody can approve their own request.")
    if not could_approve(proposal, who):
        hint = join_first(proposal, who)
        return Tell(hint or f"This needs a yes from {_approvers(proposal)}.")
    if yes and has_approved(proposal, who):
        return Tell(f"You have approved this already. It waits for {_others(proposal)}.")
    if yes and proposal.expires_at <= now:
        return Tell("This request has expired. It has to be asked again.")
    return Approve(proposal) if yes else Decline(proposal)


def how_it_stands(proposal: Proposal) -> str:
    """A sentence for a click on a card whose matter is settled, or not yet this far."""
    by = f" by {proposal.approver_name}" if proposal.approver_name else ""
    return {
        ProposalStatus.AWAITING_CONFIRMATION: f"{proposal.requester_name} has not confirmed yet.",
        ProposalStatus.AWAITING_APPROVAL: (
            f"It is confirmed, and waits for {_approvers(proposal)}."
        ),
        ProposalStatus.DECIDED: "It is decided already, and about to be done.",
        ProposalStatus.CONSUMED: "It was decided already; the receipt says how it went.",
        ProposalStatus.CANCELLED: "It was cancelled, so nothing will be done.",
        ProposalStatus.DECLINED: f"It was declined{by}, so nothing will be done.",
        ProposalStatus.EXPIRED: "It has expired, so nothing will be done. Please ask again.",
    }.get(proposal.status, "It is settled already.")
