"""A wish for an action, policy's ruling on it, and the proposal that both make. Values only."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from agent_core.boundary import Boundary
from agent_core.brakes import holds_action
from agent_core.conversation import Audience
from agent_core.daily_limits import Counted, Planned, within_limits
from agent_core.people import AccountId, Requester
from agent_core.policy import (
    ApprovalNeed,
    Decision,
    Question,
    Ruling,
    confirmed,
    confirmed_by_staff,
    has_standing,
)
from agent_core.proposals import AskedAs, Proposal, ProposalId, ProposalStatus, fingerprint
from agent_core.provenance import warning
from agent_core.tooling import Json, Preview, Standing, Tool

PAUSED: Final = "This is paused at the moment. The support team can tell you more."


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """An action that somebody asked for, previewed, and not yet judged.

    `impossible`: why it cannot be done any more; then the preview bears only its title. `undoes`
    and `automatic`: see Proposal and UndoWish. `from_outside`: nothing of it is in the requester's
    own words (see agent_core/provenance.py).
    """

    tool: Tool
    preview: Preview
    account_id: AccountId
    account_name: str
    impossible: str = ""
    undoes: ProposalId | None = None
    automatic: bool = False
    from_outside: bool = False

    @property
    def fingerprint(self) -> str:
        identity = self.tool.identity(self.preview.arguments)
        return fingerprint(self.account_id, self.tool.name, identity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Considered:
    """What came of a wish. `content` is for the model; `run` is a proposal to be carried out.

    `told`: code has shown the person what there is to know. `draft`: its title, where it is to be
    shown with what else is asked for, and `account`, whose it is.
    """

    content: Json
    told: bool = False
    run: ProposalId | None = None
    failed: bool = False
    draft: str = ""
    account: str = ""


def lacks_standing(
    tool: Tool, requester: Requester, account: AccountId | None, room: Audience
) -> bool:
    """The tool needs somebody known to the account, and this person is not."""
    known = has_standing(requester, requester.role_in(account), room)
    return tool.standing is Standing.KNOWN and not known


def judge(
    boundary: Boundary,
    wish: Wish,
    requester: Requester,
    *,
    counted_for: Requester | None = None,
    before: tuple[Planned, ...] = (),
    holding: bool = False,
) -> Ruling:
    """Policy's ruling at this moment. What staff change for a customer is always confirmed, and
    so is what others' words alone ask for.

    `requester` is whose rights count, `counted_for` (the same unless given) whose daily limits.
    `before`: the earlier steps of its plan, which use those up too once they are done.
    `holding`: what is left of those stays true until this transaction ends.
    """
    if wish.impossible:
        return Ruling(decision=Decision.REFUSE, rule="account", reason=wish.impossible)
    brakes, room = boundary.tx.brakes.all(), boundary.conversation.room
    brake = holds_action(brakes, wish.tool.name, wish.account_id, room)
    if brake is not None:
        return Ruling(decision=Decision.REFUSE, rule=f"pause of {brake.in_words}", reason=PAUSED)
    if lacks_standing(wish.tool, requester, wish.account_id, boundary.conversation.audience):
        # Nobody is asked on behalf of a stranger: first somebody has to let them in.
        reason = f"{requester.name} has no role in this account."
        return Ruling(decision=Decision.REFUSE, rule="standing", reason=reason)
    ruling = boundary.services.policy_source.current().decide(
        Question(
            tool=wish.tool,
            arguments=wish.preview.arguments,
            requester=requester,
            audience=boundary.conversation.audience,
            account_id=wish.account_id,
            amount=wish.preview.amount,
            account_facts=wish.preview.account_facts,
            now=boundary.at,
        )
    )
    whose = counted_for or requester
    counted = Counted(
        account_id=wish.account_id,
        person=whose.key,
        addresses=whose.addresses,
        amount=wish.preview.amount,
        at=boundary.at,
        before=before,
    )
    ruling = within_limits(boundary.tx, ruling, counted, holding=holding)
    ruling = confirmed_by_staff(ruling, requester.role_in(wish.account_id))
    return confirmed(ruling) if wish.from_outside else ruling


def planned(steps: Iterable[tuple[Wish, Ruling]]) -> tuple[Planned, ...]:
    """What these steps of a plan would use of daily limits; those that are left out use nothing."""
    left_out = (Decision.REFUSE, Decision.ESCALATE)
    return tuple(
        Planned(tool=wish.tool.name, amount=wish.preview.amount)
        for wish, ruling in steps
        if ruling.decision not in left_out
    )


def judged_in_order(
    boundary: Boundary, wishes: Sequence[Wish], requester: Requester
) -> list[tuple[Wish, Ruling]]:
    """The steps of a plan, each judged as if those before it were done."""
    judged: list[tuple[Wish, Ruling]] = []
    for wish in wishes:
        judged.append((wish, judge(boundary, wish, requester, before=planned(judged))))
    return judged


def needs_of(ruling: Ruling) -> tuple[ProposalStatus, bool, ApprovalNeed | None]:
    """First status, whether the requester confirms, and who else must say yes."""
    match ruling.decision:
        case Decision.ALLOW:
            return ProposalStatus.DECIDED, False, None
        case Decision.APPROVE if not ruling.confirm:
            return ProposalStatus.AWAITING_APPROVAL, False, ruling.approval
        case Decision.APPROVE:
            return ProposalStatus.AWAITING_CONFIRMATION, True, ruling.approval
        case Decision.REFUSE:
            # Not asked for yet: pressing "Ask an owner" is the requester's own yes.
            need = ApprovalNeed(roles=ruling.may_ask)
            return ProposalStatus.AWAITING_CONFIRMATION, False, need
        case _:
            return ProposalStatus.AWAITING_CONFIRMATION, True, None


def new_proposal(
    boundary: Boundary,
    wish: Wish,
    ruling: Ruling,
    twins: Sequence[Proposal],
    requester: Requester,
) -> Proposal:
    """The wish as a proposal with its own key. Not stored yet."""
    limits = boundary.services.limits
    status, confirms, approval = needs_of(ruling)
    # Whoever has to be asked may take their time; the requester's own yes starts it anew.
    asks_others = status is ProposalStatus.AWAITING_APPROVAL
    waits = limits.approval_seconds if asks_others else limits.confirmation_seconds
    preview = wish.preview
    return Proposal(
        id=ProposalId(boundary.services.ids.new("proposal")),
        conversation_id=boundary.conversation.id,
        account_id=wish.account_id,
        account_name=wish.account_name,
        tool=wish.tool.name,
        arguments=preview.arguments,
        fingerprint=wish.fingerprint,
        occurrence=max((twin.occurrence for twin in twins), default=0) + 1,
        title=preview.title,
        changes=preview.changes,
        notes=(warning(preview.arguments), *preview.notes) if wish.from_outside else preview.notes,
        amount=preview.amount,
        version=preview.version,
        requester=requester.identity,
        requester_key=requester.key,
        requester_name=requester.name,
        asked_as=AskedAs(
            identities=requester.person.identities if requester.person else (requester.identity,),
            is_guest=requester.is_guest,
        ),
        status=status,
        rule=ruling.rule,
        needs_confirmation=confirms,
        approval=approval,
        epoch=boundary.conversation.epoch,
        inbox_seqs=tuple(row.seq for row in boundary.live.rows),
        proposed_at=boundary.at,
        expires_at=boundary.at + timedelta(seconds=waits),
        undoes=wish.undoes,
        from_outside=wish.from_outside,
    )
