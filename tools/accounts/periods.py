"""Billing periods: which days are left, and what happens when a period ends."""

import calendar
from dataclasses import replace
from datetime import date, datetime, timedelta

from tools.accounts.types import Account, AccountStatus


def today(now: datetime) -> date:
    """The billing day: UTC."""
    return now.date()


def month_later(day: date) -> date:
    """The same day of the next month, or its last one. From then on that day holds."""
    year, month = (day.year + 1, 1) if day.month == 12 else (day.year, day.month + 1)
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def days_of(account: Account, now: datetime) -> tuple[int, int]:
    """(days left, today included; days of the whole period). The account must be rolled to now."""
    whole = max((account.period_end - account.period_start).days, 1)
    left = (account.period_end - today(now)).days
    return max(0, min(left, whole)), whole


def rolled(account: Account, now: datetime) -> Account:
    """The account as of now: ended periods have moved on, and `plan_next` has taken over.

    Each step counts as a change, so a yes that was given for the last period no longer fits. The
    renewal invoice itself is the billing run's work. Paused and cancelled accounts stand still.
    """
    while account.status is AccountStatus.ACTIVE and account.period_end <= today(now):
        start = account.period_end
        account = replace(
            account,
            period_start=start,
            period_end=month_later(start),
            plan=account.plan_next or account.plan,
            plan_next=None,
            version=account.version + 1,
        )
    return account


def unpaused_end(account: Account, now: datetime) -> date:
    """The period's end with the paused days added: nothing paid for is lost."""
    if account.paused_on is None:
        return account.period_end
    return account.period_end + timedelta(days=(today(now) - account.paused_on).days)
