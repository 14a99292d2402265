"""A decided proposal as it is found when its turn comes, and the values that follow from it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from agent_core.approving import still_count
from agent_core.boundary import Boundary
from agent_core.different import Houses, why_not_different
from agent_core.directory import requester_of
from agent_core.masking import masked_json
from agent_core.messages import Participant, PlatformIdentity
from agent_core.people import Requester
from agent_core.policy import ApprovalNeed, Decision, Ruling
from agent_core.ports import UnitOfWork
from agent_core.proposals import LedgerEntry, Outcome, Proposal, ProposalStatus
from agent_core.tool_runner import Ran
from agent_core.tooling import Json, Preview, Tool
from agent_core.wishes import Wish


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A proposal as it stands when its turn comes to run it."""

    proposal: Proposal
    tool: Tool | None
    requester: Requester
    approver: Requester | None
    entry: LedgerEntry | None
    approvers: tuple[Requester, ...] = ()
    doubt: str | None = None  # why those who approved may not be others than the requester

    @property
    def all_approvers(self) -> tuple[Requester, ...]:
        """Everybody whose yes is there; of older rows, `approver` alone is known."""
        if self.proposal.approved_at is None:
            return self.approvers
        return self.approvers or ((self.approver,) if self.approver is not None else ())


def found_in(tx: UnitOfWork, houses: Houses, proposal: Proposal, tool: Tool | None) -> Found:
    """The proposal with its people and their rights as of this transaction."""

    def known(identity: PlatformIdentity, name: str, *, is_guest: bool = False) -> Requester:
        return requester_of(tx, Participant(identity=identity, name=name, is_guest=is_guest))

    last = proposal.approver
    # The intent is written in the transaction that uses the yes: before it there is no entry.
    begun = proposal.status is not ProposalStatus.DECIDED
    approvers = tuple(known(one.identity, one.name) for one in proposal.approvals)
    doubts = (why_not_different(tx, houses, proposal, one) for one in approvers)
    return Found(
        proposal=proposal,
        tool=tool,
        requester=known(
            proposal.requester,
            proposal.requester_name,
            is_guest=proposal.asked_as is not None and proposal.asked_as.is_guest,
        ),
        approver=known(last, proposal.approver_name) if last is not None else None,
        approvers=approvers,
        doubt=next(filter(None, doubts), None),
        entry=tx.ledger.get(proposal.id) if begun else None,
    )


def authority(found: Found) -> Requester:
    """Whose rights may stand in: an approver with a role in the account, else the requester."""
    need = found.proposal.approval
    for approver in (found.approver, *found.approvers):
        role = approver.role_in(found.proposal.account_id) if approver is not None else None
        if approver is not None and need is not None and role in need.roles:
            return approver
    return found.requester


def still_approved(found: Found) -> bool:
    """Whether those who approved could still do so. True where nobody had to."""
    need, given = found.proposal.approval, found.all_approvers
    if given and found.doubt is not None:
        return False
    return need is None or not given or still_count(need, found.proposal, given)


def asks_more(ruling: Ruling, found: Found, actor: Requester) -> bool:
    """Policy now wants a yes that this proposal does not have. `actor`: on whose rights it rests.

    Whose rights it rests on has to say yes: the requester, or whoever approved in their stead.
    """
    proposal = found.proposal
    if ruling.decision is Decision.APPROVE:
        need = ruling.approval or ApprovalNeed()
        unconfirmed = ruling.confirm and proposal.confirmed_at is None
        return unconfirmed or not still_count(need, proposal, found.all_approvers)
    in_their_stead = actor is not found.requester and proposal.approved_at is not None
    yes = proposal.confirmed_at is not None or in_their_stead
    return ruling.decision is Decision.CONFIRM and not yes


def wish_of(proposal: Proposal, tool: Tool, preview: Preview) -> Wish:
    return Wish(
        tool=tool,
        preview=preview,
        account_id=proposal.account_id,
        account_name=proposal.account_name,
        undoes=proposal.undoes,
        from_outside=proposal.from_outside,
    )


def twins_of(boundary: Boundary, wish: Wish) -> Sequence[Proposal]:
    return boundary.tx.proposals.twins(wish.account_id, wish.fingerprint)


def intent_of(boundary: Boundary, found: Found, proposal: Proposal) -> LedgerEntry:
    return LedgerEntry(
        key=proposal.id,
        conversation_id=proposal.conversation_id,
        account_id=proposal.account_id,
        tool=proposal.tool,
        arguments=proposal.arguments,
        amount=proposal.amount,
        requester=proposal.requester,
        person_id=found.requester.person.id if found.requester.person else None,
        intended_at=boundary.at,
        title=proposal.title,
    )


def settled_entry(entry: LedgerEntry, ran: Ran, boundary: Boundary) -> LedgerEntry:
    result = ran.result
    return replace(
        entry,
        outcome=ran.outcome,
        settled_at=boundary.at,
        title=(result.title if result else "") or entry.title,
        fields=result.fields if result else (),
        content=result.content if result else None,
        reason=ran.reason,
    )


def said_of(entry: LedgerEntry) -> Json:
    if entry.outcome is Outcome.SUCCEEDED:
        return {"result": entry.content or {}, "receipt": "posted"}
    return {"reason": entry.reason, "receipt": "posted"}


def executed_body(proposal: str, title: str, content: Json, outcome: str) -> Json:
    return {
        "proposal": proposal,
        "title": title,
        "content": masked_json(content),
        "outcome": str(outcome),
    }


def not_run_body(proposal: Proposal, content: Json) -> Json:
    return executed_body(str(proposal.id), proposal.title, content, "not_run")
