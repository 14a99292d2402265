"""How a decided action ends: its outcome and receipt, or why it was not run; its plan with it."""

from dataclasses import replace
from datetime import datetime, timedelta

from agent_core import cards, wording
from agent_core.audit import AuditKind
from agent_core.audit_notes import note_effect, note_proposal
from agent_core.boundary import Boundary
from agent_core.conversation import ConversationStatus
from agent_core.decided import Found, executed_body, not_run_body, said_of, settled_entry
from agent_core.decided_cards import decided_card
from agent_core.drawing import drawn
from agent_core.escalations import EscalationReason, Priority
from agent_core.live_turn import asked_text
from agent_core.messages import OutgoingId
from agent_core.people import Requester
from agent_core.plan_ends import redraw_stopped, stop_plan
from agent_core.proposals import LedgerEntry, Outcome, Proposal, ProposalId, ProposalStatus
from agent_core.receipts import receipt_message
from agent_core.tool_runner import Ran
from agent_core.turn_state import Kind


def settle(boundary: Boundary, found: Found, ran: Ran) -> None:
    """Outcome, receipt, and, where nobody can tell, a person."""
    tx = boundary.tx
    entry = tx.ledger.get(found.proposal.id)
    if entry is None:
        raise AssertionError("an action ran without its intent")
    settled = replace(settled_entry(entry, ran, boundary), undo_until=_undo_until(boundary, found))
    if entry.outcome in (None, Outcome.UNKNOWN):
        tx.ledger.settle(settled)
        undoes = found.proposal.undoes
        note_effect(tx, settled, AuditKind.SETTLED, boundary.at, undoes=undoes)
    after_doubt = ":known" if entry.outcome is Outcome.UNKNOWN else ""
    proposal = tx.proposals.get(found.proposal.id) or found.proposal
    message = receipt_message(settled, proposal.account_name)
    boundary.post(f"receipt:{settled.key}{after_doubt}", message)
    redraw(boundary, proposal, settled)
    succeeded = ran.outcome is Outcome.SUCCEEDED
    if proposal.undoes is not None:
        _tell_of_undo(boundary, proposal, proposal.undoes, succeeded=succeeded)
    # What was in doubt stopped its plan then.
    stopped = None if succeeded or after_doubt else stop_plan(boundary, proposal)
    content = {
        "status": ran.outcome.value,
        **said_of(settled),
        **(stopped.content if stopped else {}),
    }
    body = executed_body(str(proposal.id), proposal.title, content, ran.outcome)
    undo = [str(key) for key in stopped.undo] if stopped else []
    boundary.note(Kind.EXECUTED, {**body, "undo": undo})
    doubtful = ran.outcome is Outcome.UNKNOWN
    if stopped and stopped.to_people:
        why = EscalationReason.UNKNOWN_OUTCOME if doubtful else EscalationReason.TOOL_FAILURE
        boundary.note(Kind.ESCALATED, {"reason": why.value})
    elif doubtful:
        _call_for_help(boundary, found, settled)
    elif ran.unavailable:
        call_for_hands(boundary, found.proposal, found.requester, ran.reason)


def _undo_until(boundary: Boundary, found: Found) -> datetime | None:
    """How long people may take it back, by today's policy."""
    if found.tool is None or found.tool.compensation is None:
        return None
    minutes = boundary.services.policy_source.current().after(found.tool).undo_minutes
    return boundary.at + timedelta(minutes=minutes) if minutes else None


def _tell_of_undo(boundary: Boundary, undo: Proposal, key: ProposalId, *, succeeded: bool) -> None:
    """What was taken back offers that no more; of what was not, no card says that it will be."""
    tx = boundary.tx
    entry, original = tx.ledger.get(key), tx.proposals.get(key)
    if entry is None or original is None:
        return
    message = receipt_message(entry, original.account_name, undone=undo)
    for receipt in (f"receipt:{key}", f"receipt:{key}:known") if succeeded else ():
        if tx.outgoing.get(OutgoingId(receipt)) is not None:
            boundary.post(f"{receipt}:undone", message, updates=OutgoingId(receipt))
    redraw_stopped(boundary, original)


def end(boundary: Boundary, proposal: Proposal, why: str) -> None:
    """Not run after all. Nothing has happened, and the person is told why."""
    expired = replace(proposal, status=ProposalStatus.EXPIRED)
    if proposal.plan_id is not None:
        expired = replace(expired, notes=(why,))
    boundary.tx.proposals.save(expired, expected=ProposalStatus.DECIDED)
    note_proposal(boundary.tx, expired, AuditKind.EXPIRED, boundary.at, facts={"why": "not_run"})
    redraw(boundary, expired)
    if expired.undoes is not None:
        _tell_of_undo(boundary, expired, expired.undoes, succeeded=False)
    stopped = stop_plan(boundary, expired)
    content = {"status": "not_run", "reason": why}
    if stopped is None:
        boundary.post(
            f"not-run:{proposal.id}",
            cards.refusal_card(
                f"{why} Nothing was changed.",
                title=proposal.title,
                account_name=proposal.account_name,
                conversation_id=boundary.conversation.id,
                ask_support=boundary.conversation.status is ConversationStatus.WITH_AGENT,
            ),
        )
        boundary.note(Kind.EXECUTED, not_run_body(proposal, content))
        return
    body = not_run_body(proposal, {**content, **stopped.content})
    boundary.note(Kind.EXECUTED, {**body, "undo": [str(key) for key in stopped.undo]})
    if stopped.to_people:
        boundary.note(Kind.ESCALATED, {"reason": EscalationReason.TOOL_FAILURE.value})


def redraw(boundary: Boundary, proposal: Proposal, entry: LedgerEntry | None = None) -> None:
    """Every card of the proposal in its own thread, and support's, shows how it stands."""
    standing, message = drawn(boundary.tx, proposal, entry=entry)
    own = decided_card(proposal, proposal.account_name, entry=entry)
    ending = str(entry.outcome) if entry else proposal.status.value
    both = ((proposal.card, standing, message), (proposal.approval_card, ending, own))
    for card, mark, shown in both:
        posted = boundary.tx.outgoing.get(card) if card else None
        if card and posted and posted.destination == boundary.conversation.destination:
            boundary.post(f"{card}:{mark}", shown, updates=card)
    boundary.services.desk.proposal_changed(boundary.tx, proposal)


def _call_for_help(boundary: Boundary, found: Found, entry: LedgerEntry) -> None:
    """A case of its own: no plan's case tells of it."""
    boundary.services.desk.open(
        boundary.tx,
        boundary.conversation,
        reason=EscalationReason.UNKNOWN_OUTCOME,
        priority=Priority.URGENT,
        asked=asked_text(boundary.live),
        asked_by=found.requester,
        suggestion=wording.doubt_text(found.proposal.title, entry.amount, entry.key),
        at=boundary.at,
    )
    boundary.note(Kind.ESCALATED, {"reason": EscalationReason.UNKNOWN_OUTCOME.value})


def call_for_hands(boundary: Boundary, proposal: Proposal, requester: Requester, why: str) -> None:
    """A decided action was not begun, because the system behind it failed or is down."""
    boundary.services.desk.open(
        boundary.tx,
        boundary.conversation,
        reason=EscalationReason.TOOL_FAILURE,
        asked=asked_text(boundary.live),
        asked_by=requester,
        suggestion=f"“{proposal.title}” had every yes and was not begun: {why} Do it by hand, or "
        "hand it back and let them ask again.",
        at=boundary.at,
    )
    boundary.note(Kind.ESCALATED, {"reason": EscalationReason.TOOL_FAILURE.value})
