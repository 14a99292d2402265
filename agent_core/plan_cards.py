"""What code says to people about a plan: before its yes, while it runs, and where it stopped."""

from collections.abc import Sequence

from agent_core import presses
from agent_core.blocks import (
    Block,
    Button,
    Buttons,
    ButtonStyle,
    Changes,
    Field,
    Fields,
    Heading,
    Note,
    Text,
)
from agent_core.conversation import ConversationId
from agent_core.decided_cards import OUTCOME_TITLES
from agent_core.messages import OutboundMessage
from agent_core.notices import button, message_of
from agent_core.plans import Plan
from agent_core.proposals import LedgerEntry, Outcome, Proposal, ProposalStatus
from agent_core.receipts import undone_text
from agent_core.tooling import Amount
from agent_core.wording import approvers_text, money_text, short_reference, time_text

_LEFT_OUT = (ProposalStatus.REFUSED, ProposalStatus.CANCELLED)
_STANDS = {
    ProposalStatus.AWAITING_CONFIRMATION: "",
    ProposalStatus.AWAITING_APPROVAL: "waits for approval",
    ProposalStatus.DECIDED: "confirmed, not begun",
    ProposalStatus.CONSUMED: "running",
    ProposalStatus.CANCELLED: "not begun",
    ProposalStatus.DECLINED: "declined",
    ProposalStatus.EXPIRED: "not done",
    ProposalStatus.REFUSED: "not possible",
}


def plan_card(plan: Plan) -> OutboundMessage:
    """All steps with their effects and the total, and the buttons that are open now."""
    first = plan.steps[0]
    blocks: list[Block | None] = [
        Heading(text=_heading(plan)),
        Fields(
            fields=(
                Field(label="Account", value=first.account_name or str(first.account_id)),
                Field(label="Total", value=_total_text(plan)),
                Field(label="Requested by", value=first.requester_name),
            )
        ),
    ]
    for step in plan.steps:
        blocks += _step_blocks(plan, step)
    blocks += [Note(text=_closing(plan)), _buttons(plan)]
    return message_of(blocks)


def _heading(plan: Plan) -> str:
    if plan.first(ProposalStatus.AWAITING_CONFIRMATION):
        count = len([step for step in plan.steps if step.status not in _LEFT_OUT])
        return "Make this change?" if count == 1 else f"Make these {count} changes?"
    if plan.first(ProposalStatus.AWAITING_APPROVAL):
        return f"{len(plan.steps)} changes: waiting for approval"
    return f"{len(plan.steps)} changes: {_state_of(plan)}"


def _state_of(plan: Plan) -> str:
    outcomes = [plan.outcome(step) for step in plan.steps if step.status not in _LEFT_OUT]
    if plan.open or any(
        step.status is ProposalStatus.CONSUMED and plan.outcome(step) is None for step in plan.steps
    ):
        return "running"
    if outcomes and all(one is Outcome.SUCCEEDED for one in outcomes):
        return "done"
    if any(outcomes):
        return "stopped"
    for status, word in (
        (ProposalStatus.DECLINED, "declined"),
        (ProposalStatus.EXPIRED, "expired"),
    ):
        if plan.first(status):
            return word
    return "cancelled"


def _step_blocks(plan: Plan, step: Proposal) -> list[Block | None]:
    amount = f" ({_amount_text(step.amount)})" if step.amount else ""
    stands = step_state(plan, step)
    line = f"{step.title}{amount}{f': {stands}' if stands else ''}"
    promised = not _came_to_nothing(plan, step)
    told = promised or step.status is ProposalStatus.REFUSED  # its note is why
    return [
        Fields(fields=(Field(label=f"Step {step.step}", value=line),)),
        Changes(changes=step.changes) if step.changes and promised else None,
        *(Note(text=note) for note in step.notes if told),
    ]


def _came_to_nothing(plan: Plan, step: Proposal) -> bool:
    """What it would have changed is promised no more."""
    ended = plan.outcome(step) in (Outcome.REFUSED, Outcome.FAILED)
    return ended or step.status in _LEFT_OUT


def step_state(plan: Plan, step: Proposal) -> str:
    """How a step stands, in a few words; "" while the requester decides."""
    outcome = plan.outcome(step)
    if step.id in plan.undone:
        return "done, and undone since"
    if outcome is not None:
        return OUTCOME_TITLES[outcome].lower()
    if step.status is ProposalStatus.AWAITING_APPROVAL and step.approval is not None:
        return f"waits for {approvers_text(step.approval)}"
    return _STANDS[step.status]


def _amount_text(amount: Amount) -> str:
    return f"{money_text(amount)} paid back" if amount.to_customer else money_text(amount)


def _total_text(plan: Plan) -> str:
    totals: dict[tuple[str, bool], int] = {}
    for step in plan.steps:
        if step.amount is None or step.status in _LEFT_OUT or not _may_still_move(plan, step):
            continue
        way = (step.amount.currency, step.amount.to_customer)
        totals[way] = totals.get(way, 0) + step.amount.minor
    sums = [
        _amount_text(Amount(minor=minor, currency=currency, to_customer=back))
        for (currency, back), minor in sorted(totals.items())
    ]
    return ", ".join(sums) or "no money moves"


def _may_still_move(plan: Plan, step: Proposal) -> bool:
    """Whether the step's money has moved, may have, or may do so yet."""
    outcome = plan.outcome(step)
    ended = step.status in (ProposalStatus.DECLINED, ProposalStatus.EXPIRED)
    return outcome in (Outcome.SUCCEEDED, Outcome.UNKNOWN) if outcome else not ended


def _closing(plan: Plan) -> str:
    first = plan.steps[0]
    if open_step := plan.first(ProposalStatus.AWAITING_CONFIRMATION):
        needs = [
            f"step {step.step} needs {approvers_text(step.approval)}"
            for step in plan.steps
            if step.status is ProposalStatus.AWAITING_CONFIRMATION and step.approval is not None
        ]
        then = f" After your yes {', and '.join(needs)}; nothing runs before that." if needs else ""
        return (
            f"Only {first.requester_name} can confirm this, until "
            f"{time_text(open_step.expires_at)}. One yes is for all steps. They run in this order; "
            f"if one cannot be done, the rest is not begun.{then}"
        )
    if plan.first(ProposalStatus.AWAITING_APPROVAL):
        return "Confirmed. Nothing has changed yet: no step runs before every approval is there."
    if plan.is_decided:
        return "Running now; a receipt follows for each step."
    if not plan.entries:
        return "Nothing was changed."
    return "The receipts say what was done."


def _buttons(plan: Plan) -> Buttons | None:
    if waits := plan.first(ProposalStatus.AWAITING_CONFIRMATION):
        value = str(waits.id)
        return Buttons(
            buttons=(
                button(presses.CONFIRM, "Confirm all", value, ButtonStyle.PRIMARY),
                button(presses.CANCEL, "Cancel", value),
            )
        )
    if asked := plan.first(ProposalStatus.AWAITING_APPROVAL):
        return Buttons(buttons=(button(presses.CANCEL, "Cancel the request", str(asked.id)),))
    return None


# --- a plan that stopped ------------------------------------------------------------------------


def stopped_card(
    plan: Plan,
    *,
    conversation_id: ConversationId,
    offers: Sequence[LedgerEntry],
    closing: str,
    ask_support: bool,
) -> OutboundMessage:
    """Exactly what is done, not done and not certain, with Undo for what can be taken back."""
    first = plan.steps[0]
    buttons: list[Button] = [
        button(presses.UNDO, f"Undo: {entry.title}"[:75], str(entry.key)) for entry in offers
    ]
    if ask_support:
        buttons.append(button(presses.ASK_SUPPORT, "Talk to support", str(conversation_id)))
    return message_of(
        [
            Heading(text="Stopped before the end"),
            Fields(
                fields=(Field(label="Account", value=first.account_name or str(first.account_id)),)
            ),
            # A part each: two sentences beside each other are hard to read in a narrow thread.
            *(
                Fields(fields=(Field(label=f"Step {step.step}", value=step_line(plan, step)),))
                for step in plan.steps
            ),
            Text(markdown=closing),
            # A row each: they share one action, and Slack wants actions unique within a row.
            *(Buttons(buttons=(one,)) for one in buttons),
        ]
    )


def step_line(plan: Plan, step: Proposal) -> str:
    """A step with how it ended and why, e.g. "Add 2 seats: done. Reference 1A2B3C4D"."""
    entry = plan.entries.get(step.id)
    stands = step_state(plan, step)
    if step.status is ProposalStatus.CANCELLED:
        stands = "not begun"
    said = [f"{step.title}: {stands or 'not begun'}."]
    if entry is not None:
        said += [entry.reason] if entry.reason and entry.outcome is not Outcome.SUCCEEDED else []
        said.append(f"Reference {short_reference(entry.key)}")
    elif step.status in (ProposalStatus.EXPIRED, ProposalStatus.REFUSED):
        said += step.notes[-1:]
    if step.id in plan.undone:
        said[-1] += "."
        said.append(undone_text(plan.undone[step.id]))
    return " ".join(said)
