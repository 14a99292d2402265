"""A new account out of what an operator typed, with every mistake at once."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from agent_core.errors import ConfigurationError
from agent_core.people import AccountId
from tools.accounts.periods import today
from tools.accounts.types import PLANS, Account, AccountState, AccountStatus, PlanId

PERIOD: Final = timedelta(days=30)
_ID: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An account as it was asked for. `seats` None: the fewest that the plan has."""

    account: str
    name: str
    plan: PlanId
    seats: int | None
    currency: str
    billing_name: str
    billing_email: str


def new_account(wanted: Wanted, now: datetime) -> AccountState:
    """Active from today, with nothing owed and no invoices. Raises ConfigurationError."""
    plan, currency = PLANS[wanted.plan], wanted.currency.upper()
    seats = plan.min_seats if wanted.seats is None else wanted.seats
    sold = sorted(known for known, _ in plan.prices)
    checks = (
        (
            _ID.fullmatch(wanted.account) is not None,
            f"ACCOUNT {wanted.account!r}: write up to 64 of a-z, 0-9, - and _, and begin with a "
            "letter or digit.",
        ),
        (bool(wanted.name.strip()), "--name is empty: write the company's name."),
        (
            plan.min_seats <= seats <= plan.max_seats,
            f"--seats {seats}: {plan.name} has {plan.min_seats} to {plan.max_seats} seats.",
        ),
        (currency in sold, f"--currency {currency}: sold in {', '.join(sold)}."),
        (
            not wanted.billing_email or _EMAIL.fullmatch(wanted.billing_email) is not None,
            f"--billing-email {wanted.billing_email!r} is no e-mail address.",
        ),
    )
    if mistakes := [sentence for right, sentence in checks if not right]:
        raise ConfigurationError(mistakes)
    start = today(now)
    return AccountState(
        account=Account(
            id=AccountId(wanted.account),
            name=wanted.name.strip(),
            plan=wanted.plan,
            seats=seats,
            currency=currency,
            billing_name=wanted.billing_name.strip() or wanted.name.strip(),
            billing_email=wanted.billing_email,
            status=AccountStatus.ACTIVE,
            period_start=start,
            period_end=start + PERIOD,
            credit_minor=0,
            version=1,
        )
    )
