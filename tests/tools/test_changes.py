"""Properties of every change's arithmetic, for any account."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import assume, given
from hypothesis import strategies as st

from agent_core.errors import ActionRefused
from agent_core.people import AccountId
from tools.accounts.changes import decide
from tools.accounts.commands import AddSeats, ChangePlan, RefundInvoice, RemoveSeats
from tools.accounts.periods import month_later, rolled
from tools.accounts.types import (
    PLANS,
    Account,
    AccountState,
    AccountStatus,
    Invoice,
    InvoiceLine,
    PlanId,
)

START = date(2026, 1, 31)


@st.composite
def accounts(draw) -> Account:
    plan = draw(st.sampled_from(PlanId))
    length = draw(st.integers(28, 31))
    return Account(
        id=AccountId("a"),
        name="A",
        plan=plan,
        seats=draw(st.integers(PLANS[plan].min_seats, PLANS[plan].max_seats)),
        currency=draw(st.sampled_from(["USD", "EUR", "JPY"])),
        billing_name="B",
        billing_email="b@a.example",
        status=AccountStatus.ACTIVE,
        period_start=START,
        period_end=START + timedelta(days=length),
        credit_minor=draw(st.integers(0, 100_000)),
        version=draw(st.integers(1, 1_000)),
    )


MOMENTS = st.integers(0, 27).map(lambda days: datetime(2026, 1, 31, tzinfo=UTC) + timedelta(days))
COUNTS = st.integers(1, 40)


@given(accounts(), COUNTS, MOMENTS)
def test_seats_cost_at_most_a_period_and_credit_is_never_negative(account, count, now) -> None:
    try:
        planned = decide(AccountState(account=account), AddSeats(count=count), now)
    except ActionRefused:
        assume(False)
    moved = planned.movement.minor if planned.movement else 0
    used = account.credit_minor - planned.after.credit_minor
    assert 0 <= planned.price_minor <= account.seat_price.minor * count
    assert moved + used == planned.price_minor
    assert planned.after.credit_minor >= 0
    if planned.invoice:
        assert planned.invoice.total.minor == planned.price_minor
        assert planned.invoice.refundable_minor == moved


@given(accounts(), COUNTS, MOMENTS)
def test_adding_and_removing_the_same_day_costs_nothing(account, count, now) -> None:
    try:
        added = decide(AccountState(account=account), AddSeats(count=count), now)
        back = decide(AccountState(account=added.after), RemoveSeats(count=count), now)
    except ActionRefused:
        assume(False)
    assert back.price_minor == added.price_minor
    assert back.after.seats == account.seats
    assert back.movement is None


@given(accounts(), st.sampled_from(PlanId), MOMENTS)
def test_a_plan_never_costs_less_than_nothing(account, plan, now) -> None:
    try:
        planned = decide(AccountState(account=account), ChangePlan(plan=plan), now)
    except ActionRefused:
        assume(False)
    dearer = PLANS[plan].seat_price(account.currency).minor > account.seat_price.minor
    assert planned.price_minor >= 0
    assert (planned.after.plan is plan) == dearer
    assert (planned.after.plan_next is plan) == (not dearer)
    assert planned.after.version == account.version + 1


@given(st.integers(1, 10**6), st.lists(st.integers(1, 10**6) | st.none(), max_size=8), accounts())
def test_refunds_never_exceed_what_was_paid(paid, wishes, account) -> None:
    invoice = Invoice(
        id="INV-1",
        account_id=account.id,
        issued_on=START,
        currency=account.currency,
        lines=(InvoiceLine(text="x", minor=paid),),
        paid_minor=paid,
    )
    state, moved = AccountState(account=account, invoices=(invoice,)), 0
    for wish in wishes:
        try:
            planned = decide(
                state,
                RefundInvoice(invoice_id="inv-1", amount_minor=wish),
                datetime(2026, 2, 1, tzinfo=UTC),
            )
        except ActionRefused:
            continue
        assert planned.movement is not None
        assert planned.invoice is not None
        moved += planned.movement.minor
        state = AccountState(account=planned.after, invoices=(planned.invoice,))
        assert moved == planned.invoice.refunded_minor <= paid


@given(accounts(), st.integers(0, 800))
def test_a_rolled_period_contains_today_and_ends_only_forward(account, days) -> None:
    now = datetime(2026, 1, 31, tzinfo=UTC) + timedelta(days=days)
    later = rolled(account, now)
    assert later.period_start <= now.date() < later.period_end
    assert 28 <= (later.period_end - later.period_start).days <= 31
    assert rolled(later, now) == later
    assert (later.version == account.version) == (now.date() < account.period_end)


def test_a_month_later_is_the_same_day_or_the_last() -> None:
    assert month_later(date(2026, 1, 31)) == date(2026, 2, 28)
    assert month_later(date(2028, 1, 30)) == date(2028, 2, 29)
    assert month_later(date(2027, 12, 15)) == date(2028, 1, 15)
