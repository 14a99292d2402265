"""Whose yes is an approval, how many are still missing, and whether those given still count."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Final

from agent_core.messages import Platform
from agent_core.people import AccountId, Capability, Requester
from agent_core.policy import ApprovalNeed
from agent_core.proposals import Approval, Proposal

_PLATFORMS: Final = {
    Platform.SLACK: "Slack",
    Platform.TEAMS: "Microsoft Teams",
    Platform.EMBEDDED: "another product",
}


def is_requester(proposal: Proposal, who: Requester) -> bool:
    """The one who asked: by person, and by every identity that was theirs when they asked.

    So neither an identity that moves to another person nor a person who is made anew is somebody
    else.
    """
    if who.key == proposal.requester_key:
        return True
    asked = {proposal.requester, *(proposal.asked_as.identities if proposal.asked_as else ())}
    mine = {who.identity, *(who.person.identities if who.person else ())}
    return bool(asked & mine)


def fits(need: ApprovalNeed, account_id: AccountId, who: Requester) -> bool:
    """Whether they are one of those whom policy names: a role in the account, or a capability."""
    role = who.role_in(account_id)
    return (role is not None and role in need.roles) or bool(who.capabilities & need.capabilities)


def is_joined_with_requesters_platform(proposal: Proposal, who: Requester) -> bool:
    """Whether we know who they are where the request came from.

    Whoever is known on the other platform alone could be the requester under another name.
    """
    platform = proposal.requester.platform
    if who.identity.platform is platform:
        return True
    known = who.person.identities if who.person else ()
    return any(identity.platform is platform for identity in known)


def could_approve(proposal: Proposal, who: Requester) -> bool:
    """Whether their yes would be an approval. An identity without a person approves nothing."""
    need = proposal.approval
    if need is None or who.person is None or is_requester(proposal, who):
        return False
    named = fits(need, proposal.account_id, who)
    return named and is_joined_with_requesters_platform(proposal, who)


def has_approved(proposal: Proposal, who: Requester) -> bool:
    """Whether this person's yes is among those given, under whichever of their identities."""
    mine = who.person.identities if who.person else (who.identity,)
    return any(one.key == who.key or one.identity in mine for one in proposal.approvals)


def join_first(proposal: Proposal, who: Requester) -> str | None:
    """What somebody has to do first whose yes would count if their accounts were joined."""
    need = proposal.approval
    if need is None or who.person is None or is_joined_with_requesters_platform(proposal, who):
        return None
    if not fits(need, proposal.account_id, who):
        return None
    there, here = _PLATFORMS[proposal.requester.platform], _PLATFORMS[who.identity.platform]
    return (
        f"This was asked for on {there}, where we do not know you yet. Join your accounts on "
        f"{there} and {here} first: write “join” to the AI agent in a direct chat."
    )


def with_approval(proposal: Proposal, who: Requester, at: datetime) -> Proposal:
    """The proposal with this person's yes among those given; once, however often they say it."""
    if has_approved(proposal, who):
        return proposal
    given = Approval(identity=who.identity, key=who.key, name=who.name, at=at)
    return replace(proposal, approvals=(*proposal.approvals, given))


def missing(proposal: Proposal) -> int:
    """How many more people have to say yes."""
    need = proposal.approval
    return max(0, need.people - len(proposal.approvals)) if need else 0


def passed_on(need: ApprovalNeed) -> ApprovalNeed:
    """The same need, which support leads may meet too: only where the vendor decides anyway."""
    if not need.capabilities:
        return replace(need, passed_on=True)
    return replace(need, capabilities=need.capabilities | {Capability.LEAD}, passed_on=True)


def still_count(need: ApprovalNeed, proposal: Proposal, people: Iterable[Requester]) -> bool:
    """Whether enough of those who approved may do so as of now, by this need."""
    if proposal.approval is not None and proposal.approval.passed_on:
        need = passed_on(need)
    counted = {
        who.key
        for who in people
        if who.person is not None
        and not is_requester(proposal, who)
        and fits(need, proposal.account_id, who)
    }
    return len(counted) >= need.people
