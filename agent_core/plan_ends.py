"""What follows when a step of a plan is not done: the rest ends, and people hear how it stands."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from agent_core.audit import AuditKind
from agent_core.audit_notes import note_proposal
from agent_core.boundary import Boundary
from agent_core.brakes import Brake, holds_conversation
from agent_core.conversation import ConversationStatus
from agent_core.drawing import drawn
from agent_core.escalations import EscalationReason, Priority
from agent_core.live_turn import asked_text
from agent_core.plan_cards import step_line, stopped_card
from agent_core.plans import Plan, read_plan
from agent_core.proposals import LedgerEntry, Outcome, PlanId, Proposal, ProposalId, ProposalStatus
from agent_core.stopped_plans import CLOSINGS, stopped_now
from agent_core.tooling import Json
from agent_core.wording import doubt_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """What the journal keeps: how each step stands, and what is to be taken back now."""

    content: Json
    undo: tuple[ProposalId, ...] = ()
    to_people: bool = False


def stop_plan(boundary: Boundary, step: Proposal) -> Stopped | None:
    """Ends the plan after this step, which did not succeed. None where it is in no plan.

    What was done before is taken back by policy, or offered to be; where neither is possible, or
    where nobody knows how the step ended, a person gets the whole of it.
    """
    if step.plan_id is None:
        return None
    _leave_the_rest(boundary, step.plan_id)
    plan = read_plan(boundary.tx, step.plan_id)
    by_itself, offers = _compensations(boundary, plan)
    way = _way(plan, by_itself, offers, step)
    brake = holds_conversation(boundary.tx.brakes.all(), boundary.conversation)
    if way != "nothing" and (brake or not _is_with_agent(boundary)):
        way = "people"  # they have it already and see this card, or get it now
    if way == "undo" and boundary.conversation.epoch != boundary.live.turn.epoch:
        way = "offer"  # somebody stopped the agent: nothing more is started by itself
        offers = [*by_itself, *offers]
    _redraw(boundary, plan)
    shown = tuple(offers) if way in ("offer", "undo") else ()
    boundary.post(
        f"stopped:{plan.id}",
        stopped_card(
            plan,
            conversation_id=boundary.conversation.id,
            offers=shown,
            closing=CLOSINGS[way],
            ask_support=way != "people" and _is_with_agent(boundary),
        ),
    )
    lines = [f"Step {one.step}, {step_line(plan, one)}" for one in plan.steps]
    if way == "people":
        _hand_over(boundary, plan, step, lines, brake)
    undo = tuple(entry.key for entry in reversed(by_itself)) if way == "undo" else ()
    content = {"plan": "stopped", "steps": lines, "card": "shown"}
    return Stopped(content=content, undo=undo, to_people=way == "people")


def _is_with_agent(boundary: Boundary) -> bool:
    return boundary.conversation.status is ConversationStatus.WITH_AGENT


def _leave_the_rest(boundary: Boundary, plan_id: PlanId) -> None:
    for later in read_plan(boundary.tx, plan_id).open:
        ended = replace(later, status=ProposalStatus.CANCELLED)
        boundary.tx.proposals.save(ended, expected=later.status)
        why = {"why": "plan_stopped"}
        note_proposal(
            boundary.tx, ended, AuditKind.CANCELLED, boundary.at, by_agent=True, facts=why
        )


def _compensations(boundary: Boundary, plan: Plan) -> tuple[list[LedgerEntry], list[LedgerEntry]]:
    """Of what was done: what policy takes back by itself, and what people may."""
    by_itself: list[LedgerEntry] = []
    offers: list[LedgerEntry] = []
    policy = boundary.services.policy_source.current()
    for entry in plan.done:
        tool = boundary.services.catalog.get(entry.tool)
        if tool is None or entry.undo_until is None or entry.undo_until <= boundary.at:
            continue
        (by_itself if policy.after(tool).undo_on_failure else offers).append(entry)
    return by_itself, offers


def _way(
    plan: Plan, by_itself: Sequence[LedgerEntry], offers: Sequence[LedgerEntry], step: Proposal
) -> str:
    if plan.outcome(step) is Outcome.UNKNOWN:
        return "people"
    if not plan.done:
        return "nothing"
    if len(by_itself) + len(offers) < len(plan.done):
        return "people"
    return "undo" if by_itself else "offer"


def _hand_over(
    boundary: Boundary, plan: Plan, step: Proposal, lines: Sequence[str], brake: Brake | None
) -> None:
    unknown = plan.outcome(step) is Outcome.UNKNOWN
    advice = (
        doubt_text(step.title, step.amount, step.id)
        if unknown
        else "Decide with the customer what becomes of what was done: not all of it can be undone "
        "by a button."
    )
    why = f", as {brake.set_by} has paused {brake.in_words}" if brake else ""
    failed = EscalationReason.PAUSED if brake else EscalationReason.TOOL_FAILURE
    boundary.services.desk.open(
        boundary.tx,
        boundary.conversation,
        reason=EscalationReason.UNKNOWN_OUTCOME if unknown else failed,
        priority=Priority.URGENT if unknown else Priority.HIGH,
        asked=asked_text(boundary.live),
        asked_by=boundary.requester,
        suggestion=" ".join([f"A plan of {len(plan.steps)} stopped{why}.", *lines, advice]),
        at=boundary.at,
    )


def _redraw(boundary: Boundary, plan: Plan) -> None:
    card = plan.steps[0].card
    if card is not None:
        standing, message = drawn(boundary.tx, plan.steps[0])
        boundary.post(f"{card}:{standing}", message, updates=card)


def redraw_stopped(boundary: Boundary, step: Proposal) -> None:
    """After something was to be taken back: the plan's cards say how that stands now."""
    if step.plan_id is None:
        return
    tx = boundary.tx
    _redraw(boundary, read_plan(tx, step.plan_id))
    conversation = tx.conversations.get(boundary.conversation.id) or boundary.conversation
    shown = stopped_now(tx, step, conversation, boundary.at)
    if shown is not None:
        card, row_id, message = shown
        boundary.post(row_id, message, updates=card)
