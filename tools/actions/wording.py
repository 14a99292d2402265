"""The words that several actions share on cards and receipts."""

from datetime import date

from agent_core.blocks import Change, Field
from tools.accounts.planned import Planned
from tools.accounts.types import PLANS, Account, AccountStatus, PlanId


def day(when: date) -> str:
    """`22 November 2026`: no order of digits to guess at."""
    return f"{when.day} {when:%B %Y}"


def plan_name(plan: PlanId) -> str:
    return PLANS[plan].name


def seats(count: int) -> str:
    return "1 seat" if count == 1 else f"{count} seats"


def monthly(account: Account) -> str:
    return f"{account.seat_price.times(account.seats)} a month"


def status(account: Account) -> str:
    """`active`, `paused since 1 May 2026`, `cancelled, ends 1 June 2026`."""
    if account.status is AccountStatus.PAUSED and account.paused_on:
        return f"paused since {day(account.paused_on)}"
    if account.status is AccountStatus.CANCELLED:
        return f"cancelled, ends {day(account.period_end)}"
    return account.status.value


def price_changes(planned: Planned) -> tuple[Change, ...]:
    """The monthly price and, where some is used or given, the credit."""
    before, after = planned.before, planned.after
    lines = [Change(label="Monthly price", before=monthly(before), after=monthly(after))]
    if before.credit_minor != after.credit_minor:
        lines.append(Change(label="Credit", before=str(before.credit), after=str(after.credit)))
    return tuple(lines)


def charge_notes(planned: Planned) -> tuple[str, ...]:
    """What is charged today, for which days."""
    before = planned.before
    price = before.money(planned.price_minor)
    days = f"{planned.days_left} of {planned.days_whole} days of this billing period"
    if planned.price_minor == 0:
        return ("Nothing is charged today.",)
    paid = before.money(planned.movement.minor if planned.movement else 0)
    if paid == price:
        return (f"{price} is charged today, for {days}.",)
    return (f"{price} for {days}: {price - paid} from credit, {paid} is charged today.",)


def charge_fields(planned: Planned) -> tuple[Field, ...]:
    """What was charged, and on which invoice."""
    before = planned.before
    paid = before.money(planned.movement.minor if planned.movement else 0)
    fields = [Field(label="Charged", value=str(paid))]
    if planned.invoice and planned.invoice.credit_used_minor:
        used = planned.invoice.credit_used_minor
        fields.append(Field(label="Paid from credit", value=str(before.money(used))))
    if planned.invoice:
        fields.append(Field(label="Invoice", value=planned.invoice.id))
    return (*fields, Field(label="Monthly price", value=monthly(planned.after)))
