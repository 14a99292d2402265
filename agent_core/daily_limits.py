"""Counts what was begun today against policy's daily limits, inside the caller's transaction.

The ledger itself is what is counted: an intent counts from the transaction that writes it, and
stops to count when its outcome is refused or failed. Nothing is booked beside it that could differ.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from agent_core.amounts import amount_text
from agent_core.people import AccountId
from agent_core.policy import DailyLimit, Decision, Per, Ruling
from agent_core.ports import UnitOfWork
from agent_core.tooling import Amount, ToolName
from agent_core.wording import one_of

_WITH_PLANNED: Final = "today with the steps before this one"


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A step that has not begun yet, and would before the counted action."""

    tool: ToolName
    amount: Amount | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """One action as limits count it. `person` is the requester's key; `at` names the UTC day.

    `addresses`: the person's identities. What they began before these were joined counts too.
    `before`: the earlier steps of its plan, for the same account and person.
    """

    account_id: AccountId
    person: str
    amount: Amount | None
    at: datetime
    addresses: frozenset[str] = frozenset()
    before: tuple[Planned, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """How much of a limit is used today. `minor` is in the currency of the counted action.

    `planned`: how many of `count` are earlier steps of the same plan.
    """

    limit: DailyLimit
    count: int
    minor: int
    planned: int = 0

    def has_room_for(self, amount: Amount | None) -> bool:
        """Whether one more, with this amount, stays within the limit."""
        if self.limit.count is not None and self.count + 1 > self.limit.count:
            return False
        most = self.limit.money.get(amount.currency) if amount else None
        return most is None or amount is None or self.minor + amount.minor <= most


def within_limits(tx: UnitOfWork, ruling: Ruling, counted: Counted, *, holding: bool) -> Ruling:
    """The ruling, or what the first limit that is used up says in its place.

    `holding`: others who count against the same limits wait until this transaction ends, so that
    what is found here still holds when the intent is written.
    """
    if ruling.decision in (Decision.REFUSE, Decision.ESCALATE) or not ruling.limits:
        return ruling
    if holding:
        tx.ledger.hold([_scope(limit, counted) for limit in ruling.limits])
    for limit in ruling.limits:
        use = used(tx, limit, counted)
        if not use.has_room_for(counted.amount):
            return _over(ruling, use, counted)
    return ruling


def used(tx: UnitOfWork, limit: DailyLimit, counted: Counted) -> Use:
    """What of the limit is used on the day of `counted.at`, earlier steps of its plan included."""
    begun = tx.ledger.used(
        limit.tools,
        counted.at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0),
        account_id=counted.account_id if limit.per is Per.ACCOUNT else None,
        person=counted.person if limit.per is Per.PERSON else None,
        addresses=counted.addresses,
    )
    planned = [(step.amount, 1) for step in counted.before if step.tool in limit.tools]
    rows = [*begun, *planned]
    currency = counted.amount.currency if counted.amount else None
    return Use(
        limit=limit,
        count=sum(count for _, count in rows),
        minor=sum(one.minor * count for one, count in rows if one and one.currency == currency),
        planned=len(planned),
    )


def limit_text(limit: DailyLimit) -> str:
    """The limit in a sentence, e.g. "At most 3 a day and $1,000.00 a day for one account"."""
    most = [f"{limit.count} a day"] if limit.count is not None else []
    money = [amount_text(minor, currency) for currency, minor in limit.money.items()]
    most += [f"{one_of(money)} a day"] if money else []
    whose = {
        Per.PERSON: "for one person",
        Per.ACCOUNT: "for one account",
        Per.EVERYBODY: "for everybody together",
    }[limit.per]
    return f"At most {' and '.join(most)} {whose}"


def _scope(limit: DailyLimit, counted: Counted) -> str:
    match limit.per:
        case Per.PERSON:
            return f"person:{counted.person}"
        case Per.ACCOUNT:
            return f"account:{counted.account_id}"
        case Per.EVERYBODY:
            return "everybody"


def _over(ruling: Ruling, use: Use, counted: Counted) -> Ruling:
    limit = use.limit
    so_far = f"{use.count} {_WITH_PLANNED if use.planned else 'done today'}"
    if counted.amount is not None and use.minor:
        so_far += f", {amount_text(use.minor, counted.amount.currency)} together"
    reason = (
        f"{limit.reason or limit_text(limit) + '.'} ({so_far}; the count begins anew at 0:00 UTC.)"
    )
    version = ruling.rule.partition(" ")[2]
    return replace(
        ruling,
        decision=limit.over,
        rule=f"{limit.rule} {version}".strip(),
        reason=reason,
        where=limit.where,
        confirm=False,
        approval=None,
        may_ask=frozenset(),
    )
