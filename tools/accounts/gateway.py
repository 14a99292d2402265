"""The account system and the payment service as Protocols, and what they raise."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from agent_core.errors import ConfigurationError
from agent_core.people import AccountId
from tools.accounts.commands import Command
from tools.accounts.planned import Planned
from tools.accounts.types import Account, AccountState
from tools.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """A change that happened, as it is stored under its key: asked again, it is the same.

    `planned.invoice` bears its number here. `payment_id` is the payment service's, "" where no
    money moved.
    """

    key: str
    account_id: AccountId
    planned: Planned
    payment_id: str
    at: datetime


class AccountsAway(ConfigurationError):
    """The account system does not answer now. Where it is, and with which password, may be right:
    who has others to answer meanwhile goes on without it, and tries again."""


class AccountsGateway(Protocol):
    """The account system, remote or not. Every method raises ToolError by family.

    ActionRefused: no, and no again. ActionFailed: nothing happened, the same key may retry.
    ActionOutcomeUnknown: it may have happened; `look_up` may tell later.
    """

    async def state(self, account_id: AccountId, now: datetime) -> AccountState:
        """All of one account. Raises ActionRefused where there is none."""
        ...

    async def search(self, query: str, limit: int) -> Sequence[Account]:
        """Accounts whose id or name contains the query, by name; an empty query finds all."""
        ...

    async def quote(
        self,
        account_id: AccountId,
        command: Command,
        now: datetime,
        *,
        after: Sequence[Planned] = (),
    ) -> Planned:
        """What `apply` would do, once the changes of `after` were made. Changes nothing.

        Raises as `apply`.
        """
        ...

    async def apply(
        self,
        account_id: AccountId,
        command: Command,
        *,
        key: str,
        expected_version: int,
        now: datetime,
    ) -> Applied:
        """Makes the change once for each key; called again, returns what happened then.

        Raises ActionRefused where the account is not at `expected_version`, where the rules or the
        payment service say no, or where the key belongs to another change.
        """
        ...

    async def look_up(self, account_id: AccountId, key: str) -> Applied | None:
        """What happened under the key; None where nothing did.

        Asks the payment service where the outcome was never written, and writes it then.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRequest:
    """Money to be moved once for `key`. `reference` is the invoice's number."""

    key: str
    account_id: AccountId
    amount: Money
    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """Money that moved. `id` is the payment service's."""

    id: str
    key: str
    amount: Money


class PaymentService(Protocol):
    """The payment service. Raises ActionRefused, ActionFailed (surely nothing happened) or
    ActionOutcomeUnknown (sent, and no answer)."""

    async def charge(self, request: PaymentRequest) -> Payment: ...
    async def refund(self, request: PaymentRequest) -> Payment: ...
    async def look_up(self, key: str) -> Payment | None:
        """The effect under this key; None where there is none. Raises ActionOutcomeUnknown."""
        ...
