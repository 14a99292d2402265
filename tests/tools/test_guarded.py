"""The account system behind a breaker: while it is down nothing is begun, and nothing in doubt."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from agent_core.breaker import Breaker, BreakerRules, BreakerState
from agent_core.errors import ActionFailed, ActionOutcomeUnknown, ActionRefused, SystemUnavailable
from agent_core.people import AccountId
from tools.accounts.gateway import PaymentRequest
from tools.accounts.guarded import GuardedAccounts, GuardedPayments
from tools.money import Money

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ACME = AccountId("acme")
RULES = BreakerRules(failures=3, rest=1000.0)
CHARGE = PaymentRequest(
    key="k", account_id=ACME, amount=Money(minor=100, currency="USD"), reference="INV-1"
)


class Behind:
    """An account system, or a payment service, that answers as a test says."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.hangs = False
        self.calls: list[str] = []

    async def _answer(self, name: str) -> Any:
        self.calls.append(name)
        if self.hangs:
            await asyncio.Event().wait()
        if self.error is not None:
            raise self.error
        return name

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: self._answer(name)


def guarded(behind: Any) -> tuple[GuardedAccounts, Breaker]:
    breaker = Breaker("accounts", RULES)
    return GuardedAccounts(behind, breaker, seconds=0.05), breaker


async def break_it(accounts: GuardedAccounts) -> None:
    for _ in range(3):
        with pytest.raises(ActionFailed):
            await accounts.state(ACME, NOW)


@pytest.mark.parametrize("hangs", [False, True])
async def test_while_it_is_down_nothing_is_begun_and_nobody_waits(hangs: bool) -> None:
    behind = Behind()
    behind.hangs, behind.error = hangs, ActionFailed("no connection")
    accounts, breaker = guarded(behind)
    await break_it(accounts)
    behind.calls.clear()
    command: Any = None
    for ask in (
        lambda: accounts.state(ACME, NOW),
        lambda: accounts.search("", 1),
        lambda: accounts.quote(ACME, command, NOW),
        lambda: accounts.apply(ACME, command, key="k", expected_version=1, now=NOW),
    ):
        with pytest.raises(SystemUnavailable, match="not begun and nothing was changed"):
            await ask()
    assert behind.calls == [] and breaker.view().state is BreakerState.OPEN


async def test_what_was_begun_is_looked_up_past_the_breaker() -> None:
    behind = Behind()
    behind.error = ActionFailed("no connection")
    accounts, _ = guarded(behind)
    await break_it(accounts)
    behind.error = None
    behind.calls.clear()
    await accounts.look_up(ACME, "k")
    assert behind.calls == ["look_up"]


async def test_who_says_no_is_up() -> None:
    behind = Behind()
    behind.error = ActionRefused("no such account")
    accounts, breaker = guarded(behind)
    for _ in range(10):
        with pytest.raises(ActionRefused):
            await accounts.state(ACME, NOW)
    assert breaker.view().state is BreakerState.CLOSED and len(behind.calls) == 10


async def test_payments_that_get_no_answer_stay_in_doubt_and_later_ones_are_not_begun() -> None:
    behind = Behind()
    behind.error = ActionOutcomeUnknown("no answer")
    payments = GuardedPayments(behind, Breaker("payments", RULES))
    for _ in range(3):
        with pytest.raises(ActionOutcomeUnknown):
            await payments.charge(CHARGE)
    with pytest.raises(SystemUnavailable):
        await payments.refund(CHARGE)
    assert behind.calls == ["charge"] * 3
    behind.error = None
    await payments.look_up("k")
    assert behind.calls[-1] == "look_up"
