"""What taking a change back would do: exactly that change, or a refusal that says what moved on."""

from dataclasses import replace

from agent_core.errors import ActionRefused
from tools.accounts.commands import (
    ChangeBillingContact,
    RefundInvoice,
    ResetMemberAccess,
    Undo,
)
from tools.accounts.planned import Movement, Planned, Way
from tools.accounts.types import Account, AccountState, Invoice

# What a subscription's changes rest on: each was priced for all the others as they were then.
_TERMS = ("plan", "plan_next", "seats", "status", "period_start", "period_end", "paused_on")
_CONTACT = ("billing_name", "billing_email")
_NAMES = {
    "plan": "plan",
    "plan_next": "coming plan",
    "seats": "number of seats",
    "status": "subscription's status",
    "period_start": "billing period",
    "period_end": "billing period",
    "paused_on": "subscription's status",
    "billing_name": "billing contact",
    "billing_email": "billing contact",
}


def taken_back(state: AccountState, command: Undo, original: Planned) -> Planned:
    """Raises ActionRefused where it cannot be undone, or where what it touched has moved on."""
    what = original.command
    if isinstance(what, RefundInvoice | ResetMemberAccess | Undo):
        raise ActionRefused("This cannot be undone.")
    account = state.account
    touched = _CONTACT if isinstance(what, ChangeBillingContact) else _TERMS
    _must_be_as_it_was_left(account, original.after, touched)
    after = replace(account, **{name: getattr(original.before, name) for name in touched})
    credit = account.credit_minor + original.before.credit_minor - original.after.credit_minor
    if credit < 0:
        raise ActionRefused("The credit that came of it has been used since.")
    _must_hold_its_members(state, after)
    paid = original.movement.minor if original.movement else 0
    return Planned(
        command=command,
        before=account,
        after=replace(after, credit_minor=credit),
        price_minor=original.price_minor,
        movement=Movement(way=Way.REFUND, minor=paid) if paid else None,
        invoice=_refunded(state, original) if paid else None,
    )


def _must_be_as_it_was_left(account: Account, left: Account, touched: tuple[str, ...]) -> None:
    moved = [_NAMES[name] for name in touched if getattr(account, name) != getattr(left, name)]
    if moved:
        raise ActionRefused(
            f"The {' and the '.join(dict.fromkeys(moved))} changed again since, so undoing this "
            "would undo more than this."
        )


def _must_hold_its_members(state: AccountState, after: Account) -> None:
    used = len(state.members)
    if after.seats < used:
        raise ActionRefused(f"{used} seats are in use by now; only {after.seats} would be left.")


def _refunded(state: AccountState, original: Planned) -> Invoice:
    number = original.invoice.id if original.invoice else ""
    invoice = next((each for each in state.invoices if each.id == number), None)
    paid = original.movement.minor if original.movement else 0
    if invoice is None or invoice.refundable_minor < paid:
        raise ActionRefused(f"Invoice {number} has been refunded since.")
    return replace(invoice, refunded_minor=invoice.refunded_minor + paid)
