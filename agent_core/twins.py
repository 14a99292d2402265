"""The same wish twice: what already stands for it, and what gives way to it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from agent_core import notices, wording
from agent_core.audit import AuditKind
from agent_core.audit_notes import note_proposal
from agent_core.boundary import Boundary
from agent_core.drawing import drawn
from agent_core.messages import OutgoingId
from agent_core.outgoing import OutgoingRow
from agent_core.plans import read_plan
from agent_core.policy import Decision, Ruling
from agent_core.proposals import Outcome, Proposal, ProposalStatus, canonical
from agent_core.tooling import Json, Preview
from agent_core.wake import wake_for
from agent_core.wishes import Considered, Wish, needs_of
from agent_core.yeses import is_only_offered


def standing_twin(
    boundary: Boundary, wish: Wish, ruling: Ruling, twins: Sequence[Proposal]
) -> Proposal | None:
    """The proposal that already is this wish, if there is one.

    From the same messages, or open, or run with an outcome that nobody knows yet. An unconfirmed
    one gives way if it is somebody else's (only its own requester could have said yes to it), or
    if its card no longer shows what would happen; but not to a wish that policy refuses.
    """
    seqs = {row.seq for row in boundary.live.rows}
    for twin in reversed(twins):
        if takes_back_another(twin, wish):
            continue
        if seqs & set(twin.inbox_seqs) and twin.status is not ProposalStatus.EXPIRED:
            return twin
        if twin.status is ProposalStatus.AWAITING_CONFIRMATION:
            if _is_current(boundary, wish, ruling, twin):
                return twin
            if not stands_before(boundary, ruling, twin):
                withdraw(boundary, twin)
        elif twin.status.is_open:
            return twin
        elif twin.status is ProposalStatus.CONSUMED:
            entry = boundary.tx.ledger.get(twin.id)
            if entry is None or entry.outcome in (None, Outcome.UNKNOWN):
                return twin
    return None


def takes_back_another(twin: Proposal, wish: Wish) -> bool:
    """By the same arguments, and for another effect: then it is not the same wish.

    What was asked for in words names no effect: it may well be the one that Undo stands for.
    """
    return None not in (twin.undoes, wish.undoes) and twin.undoes != wish.undoes


def stands_before(boundary: Boundary, ruling: Ruling, twin: Proposal) -> bool:
    """Somebody else's open request: it does not give way to a wish that policy refuses."""
    is_open = twin.status.is_open and not is_only_offered(twin) and twin.expires_at > boundary.at
    others = twin.requester_key != boundary.requester.key
    return is_open and others and ruling.decision is Decision.REFUSE


def _is_current(boundary: Boundary, wish: Wish, ruling: Ruling, proposal: Proposal) -> bool:
    return (
        proposal.requester_key == boundary.requester.key
        and proposal.conversation_id == boundary.conversation.id
        and proposal.expires_at > boundary.at
        and proposal.approval == needs_of(ruling)[2]
        and same_effect(proposal, wish.preview)
    )


def same_effect(proposal: Proposal, preview: Preview) -> bool:
    """Whether what was shown is still what would happen."""
    return (proposal.changes, proposal.amount, canonical(proposal.arguments)) == (
        preview.changes,
        preview.amount,
        canonical(preview.arguments),
    )


def done_at(boundary: Boundary, wish: Wish, twins: Sequence[Proposal]) -> datetime | None:
    """When the newest twin succeeded, if one did."""
    for twin in reversed(twins):
        if takes_back_another(twin, wish):
            continue
        entry = boundary.tx.ledger.get(twin.id)
        if entry is not None and entry.outcome is Outcome.SUCCEEDED:
            return entry.settled_at
    return None


def as_it_stands(boundary: Boundary, proposal: Proposal, wish: Wish) -> Considered:
    """Tells the model what became of the very same wish, and runs it if that is still owed."""
    # Its own title was covered for whoever asked, and for the readers of that room.
    told = replace(proposal, title=wish.preview.title)
    base = {"title": told.title, "proposal": wording.short_reference(proposal.id)}
    match proposal.status:
        case ProposalStatus.AWAITING_APPROVAL if _is_elsewhere(boundary, proposal):
            return _answered_in_its_thread(boundary, told, base)
        case ProposalStatus.AWAITING_CONFIRMATION | ProposalStatus.AWAITING_APPROVAL:
            return _show_again(boundary, proposal, base)
        case ProposalStatus.DECIDED if not _may_run(boundary, proposal):
            _point_to_plan(boundary, told)
            return Considered(content={**base, "status": "waits for its plan"}, told=True)
        case ProposalStatus.DECIDED | ProposalStatus.CONSUMED if _is_elsewhere(boundary, proposal):
            return _left_to_its_thread(boundary, told, base)
        case ProposalStatus.DECIDED:
            return Considered(content={**base, "status": "running"}, run=proposal.id)
        case ProposalStatus.CONSUMED:
            return _as_the_ledger_says(boundary, proposal, base)
        case _:
            return Considered(content={**base, "status": proposal.status.value})


def _may_run(boundary: Boundary, proposal: Proposal) -> bool:
    if proposal.plan_id is None:
        return True
    return read_plan(boundary.tx, proposal.plan_id).may_run(proposal)


def _point_to_plan(boundary: Boundary, proposal: Proposal) -> None:
    """Points to the plan's own card: a second one would stand there as running for ever."""
    assert proposal.plan_id is not None
    row_id = f"plan:{proposal.plan_id}:pointed-to:{boundary.live.turn.id}"
    waits = read_plan(boundary.tx, proposal.plan_id).first(ProposalStatus.AWAITING_APPROVAL)
    stands = "waiting for approval" if waits else "running"
    text = f"“{proposal.title}” is a step of a plan that is {stands}. Its card shows how it ends."
    boundary.post(row_id, notices.notice(text))


def _is_elsewhere(boundary: Boundary, proposal: Proposal) -> bool:
    return proposal.conversation_id != boundary.conversation.id


def _answered_in_its_thread(boundary: Boundary, proposal: Proposal, base: Json) -> Considered:
    """The answer is posted where it has its card: one here would say for ever that it waits."""
    text = (
        f"“{proposal.title}” was asked for in another thread already, and waits for an approval "
        "there. The answer is posted there."
    )
    return _pointed_there(
        boundary, proposal, text, {**base, "status": "awaiting approval in another thread"}
    )


def _left_to_its_thread(boundary: Boundary, proposal: Proposal, base: Json) -> Considered:
    """It runs, and its receipt is posted, where it has its card: whoever said yes waits there."""
    entry = boundary.tx.ledger.get(proposal.id)
    doubtful = entry is not None and entry.outcome is Outcome.UNKNOWN
    if doubtful:  # the provider may know by now: it is asked there
        wake_for(boundary.tx, boundary.services.engine, proposal, boundary.at)
    text = (
        f"“{proposal.title}” was started from another thread, and it is not certain yet whether it "
        "happened. It is not done again until that is clear."
        if doubtful
        else f"“{proposal.title}” was asked for in another thread already, and is being done. Its "
        "receipt is posted there."
    )
    status = "outcome_unknown" if doubtful else "running in another thread"
    return _pointed_there(boundary, proposal, text, {**base, "status": status})


def _pointed_there(boundary: Boundary, proposal: Proposal, text: str, content: Json) -> Considered:
    boundary.post(f"elsewhere:{proposal.id}:{boundary.live.turn.id}", notices.notice(text))
    return Considered(content={**content, "card": "shown"}, told=True)


def _show_again(boundary: Boundary, proposal: Proposal, base: Json) -> Considered:
    """The card comes to the end of the thread; the older one points to it."""
    whole = f"plan:{proposal.plan_id}" if proposal.plan_id else f"card:{proposal.id}"
    card = OutgoingId(f"{whole}:{boundary.live.turn.id}")
    if proposal.card != card:
        if proposal.card is not None:
            boundary.post(
                f"{proposal.card}:shown-again",
                notices.notice(f"“{proposal.title}”: see the newer card below."),
                updates=proposal.card,
            )
        steps = boundary.tx.proposals.of_plan(proposal.plan_id) if proposal.plan_id else [proposal]
        for step in steps:
            boundary.tx.proposals.save(replace(step, card=card), expected=step.status)
        boundary.post(card, drawn(boundary.tx, replace(proposal, card=card))[1])
    return Considered(
        content={**base, "status": proposal.status.value, "card": "shown to the requester"},
        told=True,
    )


def _as_the_ledger_says(boundary: Boundary, proposal: Proposal, base: Json) -> Considered:
    entry = boundary.tx.ledger.get(proposal.id)
    if entry is None or entry.outcome is None:
        return Considered(content={**base, "status": "running"}, run=proposal.id)
    if entry.outcome is Outcome.UNKNOWN:  # the provider may know by now: it is asked again
        return Considered(content={**base, "status": "outcome_unknown"}, run=proposal.id)
    return Considered(
        content={**base, "status": entry.outcome.value, "result": entry.content or {}}, told=True
    )


def withdraw(boundary: Boundary, proposal: Proposal) -> None:
    """It gives way. Of a plan, that step alone: the rest can still be confirmed."""
    cancelled = replace(proposal, status=ProposalStatus.CANCELLED)
    boundary.tx.proposals.save(cancelled, expected=proposal.status)
    note_proposal(boundary.tx, cancelled, AuditKind.CANCELLED, boundary.at, by_agent=True)
    posted = boundary.tx.outgoing.get(proposal.card) if proposal.card is not None else None
    if posted is None:
        return
    standing, card = drawn(boundary.tx, cancelled, replaced=True)
    row_id = OutgoingId(f"{posted.id}:{standing}")
    if boundary.tx.outgoing.get(row_id) is not None:
        return
    boundary.services.outbox.queue(
        boundary.tx,
        OutgoingRow(
            id=row_id,
            destination=posted.destination,  # maybe another conversation's: there it stands
            message=card,
            created_at=boundary.at,
            conversation_id=posted.conversation_id,
            updates=posted.id,
        ),
    )


def replace_older(boundary: Boundary, newer: Proposal) -> None:
    """ "Make that 3": the older card of the same wish with other figures is withdrawn."""
    for older in boundary.tx.proposals.open_in(boundary.conversation.id):
        if (
            older.status is ProposalStatus.AWAITING_CONFIRMATION
            and older.tool == newer.tool
            and older.undoes == newer.undoes
            and older.account_id == newer.account_id
            and older.requester_key == newer.requester_key
            and not set(older.inbox_seqs) & set(newer.inbox_seqs)
            and _words_of(older.arguments) == _words_of(newer.arguments)
        ):
            withdraw(boundary, older)


def _words_of(arguments: Json) -> Json:
    """The arguments without their figures: which invoice, which member, which plan."""
    return {name: value for name, value in arguments.items() if isinstance(value, str)}
