"""A turn that failed too often ends: what it left is named, and a person takes over."""

from dataclasses import replace

from agent_core import notices
from agent_core.audit import AuditKind
from agent_core.audit_notes import note_effect, note_proposal
from agent_core.boundary import Boundary
from agent_core.conversation import ConversationStatus
from agent_core.endings import redraw
from agent_core.escalations import EscalationReason, Priority
from agent_core.journal import TurnStatus
from agent_core.live_turn import asked_text
from agent_core.plan_cards import plan_card, step_line
from agent_core.plans import read_plan
from agent_core.proposals import LedgerEntry, Outcome, Proposal, ProposalId, ProposalStatus
from agent_core.receipts import receipt_message
from agent_core.telemetry import Metric
from agent_core.turn_state import salvaged

_SORRY = "Sorry, something went wrong on our side while working on this."


def give_up(boundary: Boundary) -> None:
    """Ends the turn. Whoever has the conversation, what had its yes is told as not done or not
    certain."""
    tx, live = boundary.tx, boundary.live
    state = salvaged(live.entries)
    unrun, doubtful = _leave_no_action_open(boundary, state.decisions)
    steps = _plans_as_they_stand(boundary, state.decisions)
    with_agent = live.conversation.status is ConversationStatus.WITH_AGENT
    if unrun or doubtful or state.undos or with_agent:
        titles = ", ".join(f"“{title}”" for title in unrun)
        not_done = f" Not done, and nothing was changed by it: {titles}." if unrun else ""
        boundary.post(f"given-up:{live.turn.id}", notices.notice(f"{_SORRY}{not_done}"))
        _call_a_person(boundary, doubtful, f"{not_done}{steps}")
    tx.turns.append(live.turn.id, live.turn.token, boundary.news)
    tx.inbox.finish([row.seq for row in live.rows])
    tx.turns.close(live.turn.id, live.turn.token, TurnStatus.GIVEN_UP)
    count = boundary.services.telemetry.count
    tx.after_commit(lambda: count(Metric.TURNS, TurnStatus.GIVEN_UP.value))


def _call_a_person(boundary: Boundary, doubtful: list[str], more: str) -> None:
    boundary.services.desk.open(
        boundary.tx,
        boundary.conversation,
        reason=EscalationReason.UNKNOWN_OUTCOME if doubtful else EscalationReason.TOOL_FAILURE,
        priority=Priority.URGENT if doubtful else Priority.HIGH,
        asked=asked_text(boundary.live),
        asked_by=boundary.live.requester,
        suggestion=(
            f"Look up in the account whether “{doubtful[0]}” happened, then tell the customer."
            if doubtful
            else "The agent failed three times. Answer by hand."
        )
        + more,
        at=boundary.at,
    )


def _plans_as_they_stand(boundary: Boundary, decisions: list[ProposalId]) -> str:
    """What is done, not done and not certain of the plans that ended here; their cards show it."""
    tx, lines = boundary.tx, list[str]()
    found = [tx.proposals.get(one) for one in decisions]
    for plan_id in dict.fromkeys(one.plan_id for one in found if one and one.plan_id):
        plan = read_plan(tx, plan_id)
        lines += [f"Step {step.step}, {step_line(plan, step)}" for step in plan.steps]
        card = plan.steps[0].card
        if card is not None:
            boundary.post(f"{card}:{plan.standing}", plan_card(plan), updates=card)
    return f" A plan stopped: {' '.join(lines)}" if lines else ""


def _leave_no_action_open(
    boundary: Boundary, decisions: list[ProposalId]
) -> tuple[list[str], list[str]]:
    """Decided but unrun actions end; begun ones become unknown. The titles of each."""
    unrun, doubtful = list[str](), list[str]()
    for proposal_id in decisions:
        proposal = boundary.tx.proposals.get(proposal_id)
        entry = boundary.tx.ledger.get(proposal_id)
        if proposal is not None and proposal.status is ProposalStatus.DECIDED:
            _end(boundary, proposal)
            unrun.append(proposal.title)
        if proposal is not None and entry is not None and entry.outcome is None:
            _leave_in_doubt(boundary, proposal, entry)
            doubtful.append(entry.title or str(entry.tool))
    return unrun, doubtful


def _end(boundary: Boundary, proposal: Proposal) -> None:
    expired = replace(proposal, status=ProposalStatus.EXPIRED)
    boundary.tx.proposals.save(expired, expected=proposal.status)
    note_proposal(boundary.tx, expired, AuditKind.EXPIRED, boundary.at, facts={"why": "not_run"})
    if proposal.plan_id is None:  # a plan's card is drawn once, with all its steps
        redraw(boundary, expired)
    else:
        boundary.services.desk.proposal_changed(boundary.tx, expired)


def _leave_in_doubt(boundary: Boundary, proposal: Proposal, entry: LedgerEntry) -> None:
    settled = replace(
        entry,
        outcome=Outcome.UNKNOWN,
        settled_at=boundary.at,
        reason="The agent stopped before an answer came.",
    )
    boundary.tx.ledger.settle(settled)
    note_effect(boundary.tx, settled, AuditKind.SETTLED, boundary.at)
    boundary.post(f"receipt:{entry.key}", receipt_message(settled, proposal.account_name))
    redraw(boundary, proposal, settled)
