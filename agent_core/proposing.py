"""From a previewed action to a proposal: twins, ruling, cards. All in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from agent_core import cards
from agent_core.boundary import Boundary
from agent_core.conversation import Audience
from agent_core.deadlines import set_deadline
from agent_core.entering import asked_text
from agent_core.escalations import EscalationReason
from agent_core.messages import OutgoingId
from agent_core.people import AccountId, Requester
from agent_core.policy import ApprovalNeed, Decision, Question, Ruling, has_standing
from agent_core.proposals import (
    Outcome,
    Proposal,
    ProposalId,
    ProposalStatus,
    canonical,
    fingerprint,
)
from agent_core.tooling import Json, Preview, Standing, Tool
from agent_core.turn_state import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """An action that the model asked for, previewed, and not yet judged."""

    tool: Tool
    preview: Preview
    account_id: AccountId
    account_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Considered:
    """What came of a wish. `content` is for the model; `run` is a proposal to be carried out.

    `told`: code has shown the person what there is to know.
    """

    content: Json
    told: bool = False
    run: ProposalId | None = None
    failed: bool = False


def lacks_standing(
    tool: Tool, requester: Requester, account: AccountId | None, room: Audience
) -> bool:
    """The tool needs somebody known to the account, and this person is not."""
    known = has_standing(requester, requester.role_in(account), room)
    return tool.standing is Standing.KNOWN and not known


def judge(boundary: Boundary, wish: Wish, requester: Requester) -> Ruling:
    """Policy's ruling at this moment. What staff change for a customer is always confirmed."""
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
    as_staff = requester.role_in(wish.account_id) is None
    if ruling.decision is Decision.ALLOW and as_staff:
        return replace(ruling, decision=Decision.CONFIRM, confirm=True)
    if ruling.decision is Decision.APPROVE and as_staff:
        return replace(ruling, confirm=True)
    return ruling


def consider(boundary: Boundary, wish: Wish) -> Considered:
    """Judges the wish and does what follows: a card, a case, a proposal to be run."""
    ruling = judge(boundary, wish, boundary.requester)
    if ruling.decision is Decision.ESCALATE:
        return _escalate(boundary, wish, ruling)
    print_ = fingerprint(wish.account_id, wish.tool.name, wish.preview.arguments)
    twins = list(boundary.tx.proposals.twins(wish.account_id, print_))
    standing = _standing_twin(boundary, wish, ruling, twins)
    if standing is not None:
        return _as_it_stands(boundary, standing)
    if ruling.decision is Decision.REFUSE:
        return _refuse(boundary, wish, ruling, twins)
    done_at = _done_at(boundary, twins)
    if done_at is not None:
        ruling = _asks_again(ruling)
    proposal = new_proposal(boundary, wish, ruling, twins, boundary.requester)
    if done_at is not None:
        note = f"This was done already at {cards.time_text(done_at)}. Confirm to do it again."
        proposal = replace(proposal, notes=(note, *proposal.notes))
    _replace_older(boundary, proposal)
    return put(boundary, proposal)


# --- twins ------------------------------------------------------------------------------------


def _standing_twin(
    boundary: Boundary, wish: Wish, ruling: Ruling, twins: Sequence[Proposal]
) -> Proposal | None:
    """The proposal that already is this wish, if there is one.

    From the same messages, or open, or run with an outcome that nobody knows yet. An unconfirmed
    one gives way if it is somebody else's (only its own requester could have said yes to it), or
    if its card no longer shows what would happen.
    """
    seqs = {row.seq for row in boundary.live.rows}
    for twin in reversed(twins):
        if seqs & set(twin.inbox_seqs) and twin.status is not ProposalStatus.EXPIRED:
            return twin
        if twin.status is ProposalStatus.AWAITING_CONFIRMATION:
            if _is_current(boundary, wish, ruling, twin):
                return twin
            _withdraw(boundary, twin)
        elif twin.status.is_open:
            return twin
        elif twin.status is ProposalStatus.CONSUMED:
            entry = boundary.tx.ledger.get(twin.id)
            if entry is None or entry.outcome in (None, Outcome.UNKNOWN):
                return twin
    return None


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


def _done_at(boundary: Boundary, twins: Sequence[Proposal]) -> datetime | None:
    """When the newest twin succeeded, if one did."""
    for twin in reversed(twins):
        entry = boundary.tx.ledger.get(twin.id)
        if entry is not None and entry.outcome is Outcome.SUCCEEDED:
            return entry.settled_at
    return None


def _as_it_stands(boundary: Boundary, proposal: Proposal) -> Considered:
    """Tells the model what became of the very same wish, and runs it if that is still owed."""
    base = {"title": proposal.title, "proposal": cards.short_reference(proposal.id)}
    match proposal.status:
        case ProposalStatus.AWAITING_CONFIRMATION:
            return _show_again(boundary, proposal, base)
        case ProposalStatus.AWAITING_APPROVAL:
            boundary.post(
                f"card:{proposal.id}:{boundary.live.turn.id}",
                cards.waiting_card(proposal, proposal.account_name),
            )
            return Considered(content={**base, "status": "awaiting_approval"}, told=True)
        case ProposalStatus.DECIDED:
            return Considered(content={**base, "status": "running"}, run=proposal.id)
        case ProposalStatus.CONSUMED:
            return _as_the_ledger_says(boundary, proposal, base)
        case _:
            return Considered(content={**base, "status": proposal.status.value})


def _show_again(boundary: Boundary, proposal: Proposal, base: Json) -> Considered:
    """The card comes to the end of the thread; the older one points to it."""
    card = OutgoingId(f"card:{proposal.id}:{boundary.live.turn.id}")
    if proposal.card != card:
        if proposal.card is not None:
            boundary.post(
                f"{proposal.card}:shown-again",
                cards.notice(f"“{proposal.title}”: see the newer card below."),
                updates=proposal.card,
            )
        shown = replace(proposal, card=card)
        boundary.tx.proposals.save(shown, expected=proposal.status)
        boundary.post(card, cards.proposal_card(shown, shown.account_name))
    return Considered(
        content={**base, "status": "awaiting_confirmation", "card": "shown to the requester"},
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


def _withdraw(boundary: Boundary, proposal: Proposal) -> None:
    cancelled = replace(proposal, status=ProposalStatus.CANCELLED)
    boundary.tx.proposals.save(cancelled, expected=proposal.status)
    if proposal.card is not None and proposal.conversation_id == boundary.conversation.id:
        boundary.post(
            f"{proposal.card}:replaced",
            cards.decided_card(cancelled, cancelled.account_name, replaced=True),
            updates=proposal.card,
        )


def _replace_older(boundary: Boundary, newer: Proposal) -> None:
    """ "Make that 3": the older card of the same wish with other figures is withdrawn."""
    for older in boundary.tx.proposals.open_in(boundary.conversation.id):
        if (
            older.status is ProposalStatus.AWAITING_CONFIRMATION
            and older.tool == newer.tool
            and older.account_id == newer.account_id
            and older.requester_key == newer.requester_key
            and not set(older.inbox_seqs) & set(newer.inbox_seqs)
            and _words_of(older.arguments) == _words_of(newer.arguments)
        ):
            _withdraw(boundary, older)


def _words_of(arguments: Json) -> Json:
    """The arguments without their figures: which invoice, which member, which plan."""
    return {name: value for name, value in arguments.items() if isinstance(value, str)}


# --- rulings ----------------------------------------------------------------------------------


def _asks_again(ruling: Ruling) -> Ruling:
    if ruling.decision is Decision.ALLOW:
        return replace(ruling, decision=Decision.CONFIRM, confirm=True)
    return replace(ruling, confirm=True)


def _escalate(boundary: Boundary, wish: Wish, ruling: Ruling) -> Considered:
    boundary.services.desk.open(
        boundary.tx,
        boundary.conversation,
        reason=EscalationReason.POLICY,
        asked=asked_text(boundary.live),
        asked_by=boundary.requester,
        suggestion=f"Policy hands this to a person ({ruling.rule}): {wish.preview.title}.",
        at=boundary.at,
    )
    boundary.note(Kind.ESCALATED, {"reason": EscalationReason.POLICY.value})
    return Considered(content={"status": "escalated", "reason": ruling.reason}, told=True)


def _refuse(
    boundary: Boundary, wish: Wish, ruling: Ruling, twins: Sequence[Proposal]
) -> Considered:
    """Says why, and carries the wish to those who could do it."""
    askable: Proposal | None = None
    if ruling.may_ask:
        askable = new_proposal(boundary, wish, ruling, twins, boundary.requester)
        card = OutgoingId(f"card:{askable.id}")
        askable = replace(askable, card=card)
        boundary.tx.proposals.add(askable)
        set_deadline(boundary.tx, boundary.services.engine, askable)
    boundary.post(
        f"card:{askable.id}" if askable else f"refusal:{boundary.live.turn.id}:{wish.tool.name}",
        cards.refusal_card(
            ruling.reason,
            title=wish.preview.title,
            account_name=wish.account_name,
            conversation_id=boundary.conversation.id,
            ask_owner=askable.id if askable else None,
            may_ask=ruling.may_ask,
        ),
    )
    content = {"status": "refused", "reason": ruling.reason, "title": wish.preview.title}
    return Considered(content=content, told=True)


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
    # Whoever has to be asked besides the requester may take their time.
    waits = limits.approval_seconds if approval else limits.confirmation_seconds
    preview = wish.preview
    return Proposal(
        id=ProposalId(boundary.services.ids.new("proposal")),
        conversation_id=boundary.conversation.id,
        account_id=wish.account_id,
        account_name=wish.account_name,
        tool=wish.tool.name,
        arguments=preview.arguments,
        fingerprint=fingerprint(wish.account_id, wish.tool.name, preview.arguments),
        occurrence=max((twin.occurrence for twin in twins), default=0) + 1,
        title=preview.title,
        changes=preview.changes,
        notes=preview.notes,
        amount=preview.amount,
        version=preview.version,
        requester=requester.identity,
        requester_key=requester.key,
        requester_name=requester.name,
        status=status,
        rule=ruling.rule,
        needs_confirmation=confirms,
        approval=approval,
        epoch=boundary.conversation.epoch,
        inbox_seqs=tuple(row.seq for row in boundary.live.rows),
        proposed_at=boundary.at,
        expires_at=boundary.at + timedelta(seconds=waits),
    )


def put(boundary: Boundary, proposal: Proposal) -> Considered:
    """Stores a new proposal, shows its card, and asks whoever must say yes."""
    tx, services = boundary.tx, boundary.services
    if proposal.status is ProposalStatus.DECIDED:
        tx.proposals.add(proposal)
        return Considered(content={"status": "running", "title": proposal.title}, run=proposal.id)
    need = proposal.approval
    in_thread = proposal.status is ProposalStatus.AWAITING_APPROVAL and bool(need and need.roles)
    card = OutgoingId(f"approval:{proposal.id}" if in_thread else f"card:{proposal.id}")
    proposal = replace(proposal, approval_card=card) if in_thread else replace(proposal, card=card)
    tx.proposals.add(proposal)
    set_deadline(tx, services.engine, proposal)
    draw = cards.approval_card if in_thread else cards.proposal_card
    boundary.post(card, draw(proposal, proposal.account_name))
    if (
        proposal.status is ProposalStatus.AWAITING_APPROVAL
        and need is not None
        and need.capabilities
    ):
        services.desk.ask_approval(tx, proposal, boundary.conversation)
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
