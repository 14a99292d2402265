"""The account system and the payment service behind circuit breakers.

While a breaker is open nothing is sent: what is asked for is surely not begun. What became of an
action that was begun is looked up past the breaker: nobody is left in doubt because of it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TypeVar

from agent_core.breaker import Breaker, Pass
from agent_core.errors import ActionFailed, ActionOutcomeUnknown, SystemUnavailable
from agent_core.people import AccountId
from tools.accounts.commands import Command
from tools.accounts.gateway import (
    AccountsGateway,
    Applied,
    Payment,
    PaymentRequest,
    PaymentService,
)
from tools.accounts.planned import Planned
from tools.accounts.types import Account, AccountState

T = TypeVar("T")
_Ask = Callable[[], Awaitable[T]]


class GuardedAccounts:
    """An AccountsGateway that asks another one, while that one answers.

    `seconds`: how long a look may take. Shorter than the tool runner's own patience, which would
    cut a look off before anybody could count it.
    """

    def __init__(self, accounts: AccountsGateway, breaker: Breaker, *, seconds: float) -> None:
        self._accounts = accounts
        self._breaker = breaker
        self._seconds = seconds

    async def state(self, account_id: AccountId, now: datetime) -> AccountState:
        return await self._look(lambda: self._accounts.state(account_id, now))

    async def search(self, query: str, limit: int) -> Sequence[Account]:
        return await self._look(lambda: self._accounts.search(query, limit))

    async def quote(
        self,
        account_id: AccountId,
        command: Command,
        now: datetime,
        *,
        after: Sequence[Planned] = (),
    ) -> Planned:
        return await self._look(lambda: self._accounts.quote(account_id, command, now, after=after))

    async def apply(
        self,
        account_id: AccountId,
        command: Command,
        *,
        key: str,
        expected_version: int,
        now: datetime,
    ) -> Applied:
        """Not begun while looks fail. How it ends counts for nothing: looks tell enough."""
        if not self._breaker.lets_through:
            raise _down("account system")
        return await self._accounts.apply(
            account_id, command, key=key, expected_version=expected_version, now=now
        )

    async def look_up(self, account_id: AccountId, key: str) -> Applied | None:
        return await self._accounts.look_up(account_id, key)

    async def _look(self, ask: _Ask[T]) -> T:
        leave = self._breaker.enter()
        if leave is None:
            raise _down("account system")
        return await _watched(leave, ask(), self._seconds)


class GuardedPayments:
    """A PaymentService that calls another one, while that one answers."""

    def __init__(self, payments: PaymentService, breaker: Breaker) -> None:
        self._payments = payments
        self._breaker = breaker

    async def charge(self, request: PaymentRequest) -> Payment:
        return await self._move(lambda: self._payments.charge(request))

    async def refund(self, request: PaymentRequest) -> Payment:
        return await self._move(lambda: self._payments.refund(request))

    async def look_up(self, key: str) -> Payment | None:
        return await self._payments.look_up(key)

    async def _move(self, ask: _Ask[Payment]) -> Payment:
        leave = self._breaker.enter()
        if leave is None:
            raise _down("payment service")
        return await _watched(leave, ask(), None)


async def _watched(leave: Pass, call: Awaitable[T], seconds: float | None) -> T:
    """The call's result, and what it tells of the other side. Raises ToolError."""
    try:
        async with asyncio.timeout(seconds):
            result = await call
    except TimeoutError:
        leave.failed()
        raise ActionFailed("The account system took too long.") from None
    except (ActionFailed, ActionOutcomeUnknown):
        leave.failed()
        raise
    except asyncio.CancelledError:
        leave.dropped()
        raise
    except BaseException:
        leave.succeeded()  # it said no, or the defect is our own
        raise
    leave.succeeded()
    return result


def _down(what: str) -> SystemUnavailable:
    return SystemUnavailable(
        f"The {what} does not answer at the moment, so this was not begun and nothing was changed."
    )
