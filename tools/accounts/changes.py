"""What a command would do to an account: pure, exact, and the same for preview and for the run."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from agent_core.errors import ActionRefused, ArgumentsRejected
from tools.accounts.commands import (
    AddSeats,
    CancelSubscription,
    ChangeBillingContact,
    ChangePlan,
    Command,
    PauseSubscription,
    RefundInvoice,
    RemoveSeats,
    ResetMemberAccess,
    ResumeSubscription,
    Undo,
)
from tools.accounts.periods import days_of, rolled, today, unpaused_end
from tools.accounts.planned import NEW_INVOICE, Movement, Planned, Way
from tools.accounts.reversal import taken_back
from tools.accounts.types import (
    PLANS,
    Access,
    Account,
    AccountState,
    AccountStatus,
    Invoice,
    InvoiceLine,
)
from tools.money import prorate


def decide(
    state: AccountState, command: Command, now: datetime, original: Planned | None = None
) -> Planned:
    """`original` is what an Undo takes back.

    Raises ActionRefused or ArgumentsRejected, in words fit for the one who asked.
    """
    rolled_on = replace(state, account=rolled(state.account, now))
    if isinstance(command, Undo):
        if original is None:
            raise ActionRefused("There is nothing under this key that could be undone.")
        planned = taken_back(rolled_on, command, original)
    else:
        rule: Callable[[AccountState, Any, datetime], Planned] = _RULES[type(command)]
        planned = rule(rolled_on, command, now)
    return replace(planned, after=replace(planned.after, version=planned.before.version + 1))


def _change_plan(state: AccountState, command: ChangePlan, now: datetime) -> Planned:
    account, wanted, had = state.account, PLANS[command.plan], PLANS[state.account.plan]
    _must_be_active(account)
    if wanted.id is had.id:
        if account.plan_next is None:
            raise ActionRefused(f"The account is on the {had.name} plan already.")
        after = replace(account, plan_next=None)
        return Planned(command=replace(command, agreed_minor=0), before=account, after=after)
    _must_fit(account.seats, command.plan)
    step = wanted.seat_price(account.currency) - had.seat_price(account.currency)
    if step.minor < 0:
        after = replace(account, plan_next=wanted.id)
        return Planned(command=replace(command, agreed_minor=0), before=account, after=after)
    left, whole = days_of(account, now)
    price = _agreed(
        command.agreed_minor,
        today=prorate(step.minor * account.seats, left, whole),
        most=step.minor * account.seats,
    )
    text = f"{had.name} to {wanted.name}, {account.seats} seats, {left} of {whole} days"
    return _charged(
        replace(command, agreed_minor=price),
        account,
        replace(account, plan=wanted.id, plan_next=None),
        price,
        text,
        now,
    )


def _add_seats(state: AccountState, command: AddSeats, now: datetime) -> Planned:
    account = state.account
    _must_be_active(account)
    seats = account.seats + command.count
    _must_fit(seats, account.plan)
    if account.plan_next:
        _must_fit(seats, account.plan_next)
    left, whole = days_of(account, now)
    full = account.seat_price.times(command.count).minor
    price = _agreed(command.agreed_minor, today=prorate(full, left, whole), most=full)
    text = f"{_seats(command.count)} added, {left} of {whole} days"
    return _charged(
        replace(command, agreed_minor=price),
        account,
        replace(account, seats=seats),
        price,
        text,
        now,
    )


def _charged(
    command: Command, before: Account, after: Account, price: int, text: str, now: datetime
) -> Planned:
    left, whole = days_of(before, now)
    credit = min(before.credit_minor, price)
    paid = price - credit
    invoice = Invoice(
        id=NEW_INVOICE,
        account_id=before.id,
        issued_on=today(now),
        currency=before.currency,
        lines=(InvoiceLine(text=text, minor=price),),
        credit_used_minor=credit,
        paid_minor=paid,
    )
    return Planned(
        command=command,
        before=before,
        after=replace(after, credit_minor=before.credit_minor - credit),
        price_minor=price,
        days_left=left,
        days_whole=whole,
        movement=Movement(way=Way.CHARGE, minor=paid) if paid else None,
        invoice=invoice if price else None,
    )


def _remove_seats(state: AccountState, command: RemoveSeats, now: datetime) -> Planned:
    account, used = state.account, len(state.members)
    _must_be_active(account)
    seats = account.seats - command.count
    if seats < used:
        raise ActionRefused(
            f"{used} of the {account.seats} seats are in use, so at most "
            f"{account.seats - used} can be removed. Remove members first."
        )
    least = PLANS[account.plan].min_seats
    if seats < least:
        raise ActionRefused(f"The {PLANS[account.plan].name} plan has at least {_seats(least)}.")
    left, whole = days_of(account, now)
    full = account.seat_price.times(command.count).minor
    # Here too the credit that was shown holds: it can only be a little more than today's.
    credit = _agreed(command.agreed_minor, today=prorate(full, left, whole), most=full)
    after = replace(account, seats=seats, credit_minor=account.credit_minor + credit)
    return Planned(
        command=replace(command, agreed_minor=credit),
        before=account,
        after=after,
        price_minor=credit,
        days_left=left,
        days_whole=whole,
    )


def _refund(state: AccountState, command: RefundInvoice, _: datetime) -> Planned:
    wanted = command.invoice_id.strip().upper()
    invoice = next((each for each in state.invoices if each.id.upper() == wanted), None)
    if invoice is None:
        # The same words for a number that does not exist and for one of another account's.
        raise ActionRefused(f"This account has no invoice {wanted}.")
    left = invoice.refundable_minor
    if left <= 0:
        raise ActionRefused(f"Nothing is left to refund on {invoice.id}.")
    minor = left if command.amount_minor is None else command.amount_minor
    if minor <= 0:
        raise ArgumentsRejected("amount_minor must be above 0, or null for the whole.")
    if minor > left:
        raise ActionRefused(f"At most {invoice.money(left)} is left to refund on {invoice.id}.")
    return Planned(
        command=replace(command, invoice_id=invoice.id, amount_minor=minor),
        before=state.account,
        after=state.account,
        price_minor=minor,
        movement=Movement(way=Way.REFUND, minor=minor),
        invoice=replace(invoice, refunded_minor=invoice.refunded_minor + minor),
    )


def _billing_contact(state: AccountState, command: ChangeBillingContact, _: datetime) -> Planned:
    account = state.account
    after = replace(account, billing_name=command.name, billing_email=command.email)
    if after == account:
        raise ActionRefused("This is the billing contact already.")
    return Planned(command=command, before=account, after=after)


def _reset_access(state: AccountState, command: ResetMemberAccess, _: datetime) -> Planned:
    wanted = command.member.strip().casefold()
    found = [each for each in state.members if each.email.casefold() == wanted]
    found = found or [each for each in state.members if wanted == each.name.casefold()]
    found = found or [each for each in state.members if wanted in each.name.casefold().split()]
    if not found:
        raise ActionRefused(f"This account has no member {command.member.strip()}.")
    if len(found) > 1:
        raise ArgumentsRejected(
            f"{len(found)} members match {command.member.strip()}: ask for the email address."
        )
    return Planned(
        command=replace(command, member=found[0].email),
        before=state.account,
        after=state.account,
        member=replace(found[0], access=Access.RESET_REQUIRED),
    )


def _pause(state: AccountState, command: PauseSubscription, now: datetime) -> Planned:
    account = state.account
    _must_be_active(account)
    after = replace(account, status=AccountStatus.PAUSED, paused_on=today(now))
    return Planned(command=command, before=account, after=after)


def _cancel(state: AccountState, command: CancelSubscription, now: datetime) -> Planned:
    account = state.account
    if account.status is AccountStatus.CANCELLED:
        raise ActionRefused(f"The subscription is cancelled already; it ends {account.period_end}.")
    after = replace(
        account,
        status=AccountStatus.CANCELLED,
        period_end=unpaused_end(account, now),
        paused_on=None,
        plan_next=None,
    )
    return Planned(command=command, before=account, after=after)


def _resume(state: AccountState, command: ResumeSubscription, now: datetime) -> Planned:
    account = state.account
    if account.status is AccountStatus.ACTIVE:
        raise ActionRefused("The subscription is active: there is nothing to resume.")
    if account.status is AccountStatus.CANCELLED and account.period_end <= today(now):
        raise ActionRefused(
            f"The subscription ended on {account.period_end}; a new one has to be set up."
        )
    after = replace(
        account,
        status=AccountStatus.ACTIVE,
        period_end=unpaused_end(account, now),
        paused_on=None,
    )
    return Planned(command=command, before=account, after=after)


def _must_be_active(account: Account) -> None:
    if account.status is not AccountStatus.ACTIVE:
        raise ActionRefused(f"The subscription is {account.status}: resume it first.")


def _must_fit(seats: int, plan_id: Any) -> None:
    plan = PLANS[plan_id]
    if not plan.min_seats <= seats <= plan.max_seats:
        raise ActionRefused(
            f"The {plan.name} plan is for {plan.min_seats} to {plan.max_seats} seats; "
            f"this would be {seats}."
        )


def _agreed(agreed: int | None, *, today: int, most: int) -> int:
    """The price that was agreed to: within one period a day's wait only makes it lower."""
    if agreed is None:
        return today
    if not today <= agreed <= most:
        raise ActionRefused("The price has changed since it was shown. Ask for it again.")
    return agreed


def _seats(count: int) -> str:
    return "1 seat" if count == 1 else f"{count} seats"


_RULES: dict[type[Any], Callable[[AccountState, Any, datetime], Planned]] = {
    ChangePlan: _change_plan,
    AddSeats: _add_seats,
    RemoveSeats: _remove_seats,
    RefundInvoice: _refund,
    ChangeBillingContact: _billing_contact,
    ResetMemberAccess: _reset_access,
    PauseSubscription: _pause,
    CancelSubscription: _cancel,
    ResumeSubscription: _resume,
}
