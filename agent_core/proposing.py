"""From judged wishes to proposals: one card for one, a plan for several. In one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from agent_core import cards, wording
from agent_core.alone import for_approvers, tell_alone
from agent_core.approvers import nobody_can, somebody_can
from agent_core.audit import AuditKind
from agent_core.audit_notes import note_proposal
from agent_core.boundary import Boundary
from agent_core.deadlines import set_deadline
from agent_core.drawing import drawn
from agent_core.escalations import EscalationReason, Priority
from agent_core.live_turn import asked_text
from agent_core.messages import OutgoingId
from agent_core.people import Requester
from agent_core.policy import Decision, Ruling
from agent_core.proposals import PlanId, Proposal, ProposalId, ProposalStatus
from agent_core.tooling import Json
from agent_core.turn_state import Kind
from agent_core.twins import (
    as_it_stands,
    done_at,
    replace_older,
    standing_twin,
    stands_before,
    takes_back_another,
    withdraw,
)
from agent_core.wishes import Considered, Wish, judge, judged_in_order, new_proposal, planned

MAY_CHANGE = (
    "Shown for the account as it is now. If the steps before it change this, you are asked again."
)


_SHOWN = (
    "shown to the requester with your final words, together with the other actions that you call "
    "before them. Nothing is done yet: the requester decides there"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Presented:
    """What came of showing drafts. `run`: proposals to be carried out, in order."""

    told: bool = False
    run: tuple[ProposalId, ...] = ()


def weigh(
    boundary: Boundary, wish: Wish, beside: Sequence[str], drafts: Sequence[Wish] = ()
) -> Considered:
    """What a wish amounts to before anything is shown, as a step after `drafts`.

    `beside`: what else is asked for.
    """
    ruling = judge(boundary, wish, boundary.requester)
    if ruling.decision is Decision.ESCALATE:
        return escalate(boundary, wish, ruling, beside)
    twins = list(boundary.tx.proposals.twins(wish.account_id, wish.fingerprint))
    standing = standing_twin(boundary, wish, ruling, twins)
    if standing is not None and not (beside and _joins(boundary, standing)):
        return as_it_stands(boundary, standing, wish)
    if ruling.decision is Decision.ALLOW and not beside and done_at(boundary, wish, twins) is None:
        return consider(boundary, wish)
    title, why = wish.preview.title, _left_out(boundary, wish, ruling, drafts)
    if why is not None:
        content: Json = {"status": "refused", "reason": why, "title": title}
    else:
        content = {
            "status": "awaiting_confirmation",
            "title": title,
            "changes": [
                {"label": one.label, "before": one.before, "after": one.after}
                for one in wish.preview.changes
            ],
        }
    content = {**content, "card": _SHOWN}
    return Considered(content=content, draft=title, account=str(wish.account_id))


def _left_out(boundary: Boundary, wish: Wish, ruling: Ruling, drafts: Sequence[Wish]) -> str | None:
    """Why the card will show this step as left out, if it will."""
    if drafts and ruling.decision is not Decision.REFUSE:
        steps = planned(judged_in_order(boundary, drafts, boundary.requester))
        ruling = judge(boundary, wish, boundary.requester, before=steps)
    return _why_not(ruling)


def _why_not(ruling: Ruling) -> str | None:
    """Why a step of a plan is not proposed; None where it is."""
    if ruling.decision not in (Decision.REFUSE, Decision.ESCALATE):
        return None
    return ruling.reason or "Policy hands this to a person."


def twice(title: str) -> Considered:
    """The very same action again, within one request: it is done once."""
    content = {
        "status": "awaiting_confirmation",
        "title": title,
        "card": _SHOWN,
        "twice": "It is one action.",
    }
    return Considered(content=content)


def _joins(boundary: Boundary, standing: Proposal) -> bool:
    """An older card of the same wish that becomes a step of what is asked for now."""
    seqs = {row.seq for row in boundary.live.rows}
    waits = standing.status is ProposalStatus.AWAITING_CONFIRMATION
    return waits and not seqs & set(standing.inbox_seqs)


def consider(boundary: Boundary, wish: Wish) -> Considered:
    """Judges the wish and does what follows: a card, a case, a proposal to be run."""
    ruling = judge(boundary, wish, boundary.requester)
    if ruling.decision is Decision.ESCALATE:
        return escalate(boundary, wish, ruling)
    twins = list(boundary.tx.proposals.twins(wish.account_id, wish.fingerprint))
    standing = standing_twin(boundary, wish, ruling, twins)
    if standing is not None:
        return as_it_stands(boundary, standing, wish)
    if ruling.decision is Decision.REFUSE:
        return _refuse(boundary, wish, ruling, twins)
    proposal = _proposed(boundary, wish, ruling, twins, boundary.requester)
    replace_older(boundary, proposal)
    return put(boundary, proposal, wish)


def _proposed(
    boundary: Boundary,
    wish: Wish,
    ruling: Ruling,
    twins: Sequence[Proposal],
    requester: Requester,
) -> Proposal:
    """A new proposal; what was done already is asked about, whatever policy says."""
    before = done_at(boundary, wish, twins)
    if before is None:
        return new_proposal(boundary, wish, ruling, twins, requester)
    proposal = new_proposal(boundary, wish, _asks_again(ruling), twins, requester)
    note = f"This was done already at {wording.time_text(before)}. Confirm to do it again."
    return replace(proposal, notes=(note, *proposal.notes))


# --- several at once --------------------------------------------------------------------------


def present(boundary: Boundary, wishes: Sequence[Wish]) -> Presented:
    """Shows what was drafted: one wish as its own card, several as a plan."""
    told, run = False, list[ProposalId]()
    fresh: dict[str, tuple[Wish, Ruling]] = {}
    for wish in wishes:
        # With what the steps before it use up: the card promises nothing that a limit would stop.
        before = planned(fresh.values())
        ruling = judge(boundary, wish, boundary.requester, before=before)
        twins = list(boundary.tx.proposals.twins(wish.account_id, wish.fingerprint))
        standing = standing_twin(boundary, wish, ruling, twins)
        if standing is None or _joins(boundary, standing):
            fresh.setdefault(wish.fingerprint, (wish, ruling))
            continue
        stands = as_it_stands(boundary, standing, wish)
        told, run = told or stands.told, run + ([stands.run] if stands.run else [])
    decisions = {ruling.decision for _, ruling in fresh.values()}
    if len(fresh) > 1 and not decisions <= {Decision.ALLOW} and not decisions <= {Decision.REFUSE}:
        plan(boundary, list(fresh.values()), boundary.requester)
        return Presented(told=True, run=tuple(run))
    for wish, _ in fresh.values():
        considered = consider(boundary, wish)
        told, run = (
            told or considered.told,
            run + ([considered.run] if considered.run else []),
        )
    return Presented(told=told, run=tuple(run))


def plan(
    boundary: Boundary,
    wishes: Sequence[tuple[Wish, Ruling]],
    requester: Requester,
    note: str = "",
) -> None:
    """Stores the steps and shows them on one card, which one yes confirms.

    What policy refuses is shown as such, and left out; what it gives to a person, they get.
    `note` is said of the first step.
    """
    tx, services = boundary.tx, boundary.services
    plan_id = PlanId(services.ids.new("plan"))
    card = OutgoingId(f"plan:{plan_id}")
    steps = [_step(boundary, wish, ruling, requester) for wish, ruling in wishes]
    until = max(step.expires_at for step in steps)
    for number, step in enumerate(steps, start=1):
        notes = (note, *step.notes) if note and number == 1 else step.notes
        own = wishes[number - 1][0].preview
        if number > 1 and not own.follows and step.status is not ProposalStatus.REFUSED:
            notes = (*notes, MAY_CHANGE)
        step = replace(step, plan_id=plan_id, step=number, card=card, expires_at=until, notes=notes)
        tx.proposals.add(step)
        note_proposal(tx, step, AuditKind.PROPOSED, boundary.at)
        if step.status is ProposalStatus.AWAITING_CONFIRMATION:
            set_deadline(tx, services.engine, step)
    first = tx.proposals.of_plan(plan_id)[0]
    boundary.post(card, drawn(tx, first)[1])
    details = [field for wish, _ in wishes for field in wish.preview.for_person]
    tell_alone(boundary, str(card), "Details of this plan", first.account_name, details)
    for wish, ruling in wishes:
        if ruling.decision is Decision.ESCALATE:
            escalate(boundary, wish, ruling)


def _step(boundary: Boundary, wish: Wish, ruling: Ruling, requester: Requester) -> Proposal:
    twins = list(boundary.tx.proposals.twins(wish.account_id, wish.fingerprint))
    for twin in twins:
        waits = twin.status is ProposalStatus.AWAITING_CONFIRMATION
        same = not takes_back_another(twin, wish)
        if waits and same and not stands_before(boundary, ruling, twin):
            withdraw(boundary, twin)
    if (why := _why_not(ruling)) is not None:
        refused = new_proposal(boundary, wish, ruling, twins, requester)
        return replace(refused, status=ProposalStatus.REFUSED, notes=(why,), approval=None)
    step = _proposed(boundary, wish, _asks_again(ruling), twins, requester)
    replace_older(boundary, step)
    return step


# --- rulings ----------------------------------------------------------------------------------


def _asks_again(ruling: Ruling) -> Ruling:
    if ruling.decision is Decision.ALLOW:
        return replace(ruling, decision=Decision.CONFIRM, confirm=True)
    return replace(ruling, confirm=True)


def escalate(
    boundary: Boundary, wish: Wish, ruling: Ruling, beside: Sequence[str] = ()
) -> Considered:
    """Policy gives the wish to a person. `beside`: what ends with it."""
    left = f" Asked for with it, and not done either: {'; '.join(beside)}." if beside else ""
    boundary.services.desk.open(
        boundary.tx,
        boundary.conversation,
        reason=EscalationReason.POLICY,
        asked=asked_text(boundary.live),
        asked_by=boundary.requester,
        suggestion=f"Policy hands this to a person ({ruling.rule}): {wish.preview.title}.{left}",
        at=boundary.at,
    )
    boundary.note(Kind.ESCALATED, {"reason": EscalationReason.POLICY.value})
    return Considered(content={"status": "escalated", "reason": ruling.reason}, told=True)


def _refuse(
    boundary: Boundary, wish: Wish, ruling: Ruling, twins: Sequence[Proposal]
) -> Considered:
    """Says why, and carries the wish to those who could do it, unless it is asked for already."""
    askable: Proposal | None = None
    if ruling.may_ask and not any(stands_before(boundary, ruling, twin) for twin in twins):
        askable = new_proposal(boundary, wish, ruling, twins, boundary.requester)
        card = OutgoingId(f"card:{askable.id}")
        askable = replace(askable, card=card)
        boundary.tx.proposals.add(askable)
        note_proposal(boundary.tx, askable, AuditKind.PROPOSED, boundary.at)
        set_deadline(boundary.tx, boundary.services.engine, askable)
    told = f"refusal:{boundary.live.turn.id}:{wish.tool.name}:{wish.fingerprint}"
    boundary.post(
        f"card:{askable.id}" if askable else told,
        cards.refusal_card(
            ruling.reason,
            title=wish.preview.title,
            account_name=wish.account_name,
            conversation_id=boundary.conversation.id,
            ask_owner=askable.id if askable else None,
            may_ask=ruling.may_ask if askable else frozenset(),
        ),
    )
    content = {"status": "refused", "reason": ruling.reason, "title": wish.preview.title}
    return Considered(content=content, told=True)


def _tell_details(boundary: Boundary, proposal: Proposal, wish: Wish) -> None:
    """Beside the card: the values that it covers, as this room has other readers."""
    details = wish.preview.for_person
    tell_alone(boundary, str(proposal.id), proposal.title, proposal.account_name, details)


def _call_for_approver(boundary: Boundary, proposal: Proposal) -> None:
    """Nobody could say the yes that this waits for: a person hears it now, not once it expired."""
    boundary.services.desk.open(
        boundary.tx,
        boundary.conversation,
        reason=EscalationReason.ACCESS,
        priority=Priority.HIGH,
        asked=proposal.title,
        asked_by=boundary.requester,
        suggestion=nobody_can(proposal),
        at=boundary.at,
    )
    boundary.note(Kind.ESCALATED, {"reason": EscalationReason.ACCESS.value})


def put(boundary: Boundary, proposal: Proposal, wish: Wish | None = None) -> Considered:
    """Stores a new proposal, shows its card, and asks whoever must say yes.

    What the card covers for the room, `wish` has for the requester.
    """
    tx, services = boundary.tx, boundary.services
    if proposal.status is ProposalStatus.DECIDED:
        tx.proposals.add(proposal)
        note_proposal(tx, proposal, AuditKind.PROPOSED, boundary.at)
        return Considered(content={"status": "running", "title": proposal.title}, run=proposal.id)
    need = proposal.approval
    in_thread = proposal.status is ProposalStatus.AWAITING_APPROVAL and bool(need and need.roles)
    card = OutgoingId(f"approval:{proposal.id}" if in_thread else f"card:{proposal.id}")
    proposal = replace(proposal, approval_card=card) if in_thread else replace(proposal, card=card)
    tx.proposals.add(proposal)
    note_proposal(tx, proposal, AuditKind.PROPOSED, boundary.at)
    set_deadline(tx, services.engine, proposal)
    draw = cards.approval_card if in_thread else cards.proposal_card
    boundary.post(card, draw(proposal, proposal.account_name))
    if wish is not None:
        _tell_details(boundary, proposal, wish)
    if in_thread:
        for row_id, message in for_approvers(tx, proposal):
            boundary.post(row_id, message)
    if (
        proposal.status is ProposalStatus.AWAITING_APPROVAL
        and need is not None
        and need.capabilities
    ):
        services.desk.ask_approval(tx, proposal, boundary.conversation)
    waits = proposal.status is ProposalStatus.AWAITING_APPROVAL
    if waits and not somebody_can(tx, services.houses, proposal):
        _call_for_approver(boundary, proposal)
    return Considered(
        content={
            "status": proposal.status.value,
            "title": proposal.title,
            "changes": [
                {"label": one.label, "before": one.before, "after": one.after}
                for one in proposal.changes
            ],
            "card": "shown to the requester, who decides there",
        },
        told=True,
    )
