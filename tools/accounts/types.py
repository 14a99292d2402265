"""What a customer account is: plan, seats, invoices, members, usage."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from agent_core.people import AccountId
from tools.money import Money


class PlanId(StrEnum):
    """The plans on sale, smallest first."""

    STARTER = "starter"
    TEAM = "team"
    BUSINESS = "business"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a plan costs and holds. `prices` are (currency, minor units a seat and month)."""

    id: PlanId
    name: str
    prices: tuple[tuple[str, int], ...]
    min_seats: int
    max_seats: int
    summary: str

    def seat_price(self, currency: str) -> Money:
        """A seat's price for one billing period. KeyError: not sold in this currency."""
        return Money(minor=dict(self.prices)[currency], currency=currency)


PLANS: dict[PlanId, Plan] = {
    plan.id: plan
    for plan in (
        Plan(
            id=PlanId.STARTER,
            name="Starter",
            prices=(("USD", 900), ("EUR", 800), ("JPY", 1300)),
            min_seats=1,
            max_seats=10,
            summary="Shared workspaces and chat support.",
        ),
        Plan(
            id=PlanId.TEAM,
            name="Team",
            prices=(("USD", 2000), ("EUR", 1800), ("JPY", 3000)),
            min_seats=2,
            max_seats=50,
            summary="Everything in Starter, with roles, audit trail and integrations.",
        ),
        Plan(
            id=PlanId.BUSINESS,
            name="Business",
            prices=(("USD", 3500), ("EUR", 3200), ("JPY", 5200)),
            min_seats=5,
            max_seats=500,
            summary="Everything in Team, with single sign-on and a named contact.",
        ),
    )
}


class AccountStatus(StrEnum):
    """Where a subscription stands. CANCELLED works until the period ends."""

    ACTIVE = "active"
    PAUSED = "paused"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A company's subscription. `version` grows with every change.

    The billing period runs from `period_start` up to, not including, `period_end` (UTC days).
    `plan_next` takes over at `period_end`. `credit_minor` is used up before a charge.
    """

    id: AccountId
    name: str
    plan: PlanId
    seats: int
    currency: str
    billing_name: str
    billing_email: str
    status: AccountStatus
    period_start: date
    period_end: date
    credit_minor: int
    version: int
    plan_next: PlanId | None = None
    paused_on: date | None = None

    @property
    def seat_price(self) -> Money:
        return PLANS[self.plan].seat_price(self.currency)

    @property
    def credit(self) -> Money:
        return self.money(self.credit_minor)

    def money(self, minor: int) -> Money:
        """An amount in the account's currency."""
        return Money(minor=minor, currency=self.currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceLine:
    """One position of an invoice, in minor units of the invoice's currency."""

    text: str
    minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoice:
    """A bill. `id` is unique across accounts. `paid_minor` went through the payment service.

    total = `credit_used_minor` + `paid_minor` once it is paid; only what was paid is refundable.
    """

    id: str
    account_id: AccountId
    issued_on: date
    currency: str
    lines: tuple[InvoiceLine, ...]
    credit_used_minor: int = 0
    paid_minor: int = 0
    refunded_minor: int = 0

    @property
    def total(self) -> Money:
        return self.money(sum(line.minor for line in self.lines))

    @property
    def refundable_minor(self) -> int:
        return self.paid_minor - self.refunded_minor

    @property
    def status(self) -> str:
        if self.refunded_minor == 0:
            return "paid"
        return "refunded" if self.refundable_minor == 0 else "partly refunded"

    def money(self, minor: int) -> Money:
        """An amount in the invoice's currency."""
        return Money(minor=minor, currency=self.currency)


class Access(StrEnum):
    """Whether a member can sign in."""

    ACTIVE = "active"
    LOCKED = "locked"
    RESET_REQUIRED = "reset_required"  # signed out; a new password is set at the next sign-in


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A person who uses a seat of the account."""

    id: str
    account_id: AccountId
    name: str
    email: str
    role: str
    access: Access = Access.ACTIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What the account used in the current billing period."""

    account_id: AccountId
    period_start: date
    period_end: date
    seats: int
    seats_used: int
    storage_mb: int
    storage_limit_mb: int
    api_calls: int
    api_call_limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Meters:
    """The raw counters that make a Usage."""

    storage_mb: int = 0
    api_calls: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountState:
    """All of one account at one moment: what a change is decided on."""

    account: Account
    invoices: tuple[Invoice, ...] = ()  # newest first
    members: tuple[Member, ...] = ()
    meters: Meters = Meters()
