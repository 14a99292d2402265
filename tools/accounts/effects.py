"""The gateway's own idempotency record: an intent before money moves, an outcome after."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol, TypeVar

from agent_core.people import AccountId
from tools.accounts.commands import Command
from tools.accounts.planned import Planned
from tools.accounts.types import Account, AccountState

T = TypeVar("T")


class EffectStatus(StrEnum):
    """Where a change stands. Only STARTED holds the account against others."""

    STARTED = "started"  # the payment service may have been asked
    DONE = "done"
    RELEASED = "released"  # surely nothing moved: refused, or never sent
    ABANDONED = "abandoned"  # nobody finished it, and so far nothing moved


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One change under its key. `asked` is the command as it came, which the key belongs to.

    `touched_at` is when somebody last set out to finish it (the gateway's own clock).
    `undone_by` is the key of the change that took this one back.
    """

    key: str
    account_id: AccountId
    asked: Command
    planned: Planned
    status: EffectStatus
    at: datetime
    touched_at: datetime
    payment_id: str = ""
    undone_by: str = ""


class Unit(Protocol):
    """One transaction on the account system's own storage. Synchronous."""

    def state(self, account_id: AccountId) -> AccountState | None:
        """The account; in `run`, held against other writers until the transaction ends."""
        ...

    def search(self, query: str, limit: int) -> list[Account]: ...
    def effect(self, key: str) -> Effect | None: ...
    def started(self, account_id: AccountId) -> Effect | None:
        """The effect that is under way on this account: at most one is."""
        ...

    def put_effect(self, effect: Effect) -> None: ...
    def next_invoice_id(self) -> str: ...
    def write(self, planned: Planned) -> None:
        """Stores the account afterwards, its invoice and its member."""
        ...

    def create(self, state: AccountState) -> bool:
        """Stores a whole new account. False where it is there already."""
        ...


class Storage(Protocol):
    """Runs transactions. Raises ActionFailed where nothing was stored, ActionOutcomeUnknown where
    the commit itself was lost."""

    async def prepare(self) -> None: ...
    async def run(self, work: Callable[[Unit], T]) -> T: ...
    async def read(self, work: Callable[[Unit], T]) -> T:
        """As `run`, for work that writes nothing: it waits for no writer."""
        ...

    async def close(self) -> None: ...


Clock = Callable[[], datetime]
