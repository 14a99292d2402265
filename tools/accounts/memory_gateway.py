"""The account system in memory, for tests: what is stored goes through JSON as in a database."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TypeVar

from pydantic import TypeAdapter

from agent_core.errors import ActionRefused
from agent_core.people import AccountId
from tools.accounts.effects import Clock, Effect, EffectStatus, Unit
from tools.accounts.gateway import Payment, PaymentRequest, PaymentService
from tools.accounts.planned import Planned
from tools.accounts.stored_gateway import StoredAccounts
from tools.accounts.types import Account, AccountState

T = TypeVar("T")
_STATE = TypeAdapter(AccountState)
_EFFECT = TypeAdapter(Effect)
FIRST_INVOICE = 1001


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class _MemoryUnit:
    """One transaction's view: JSON texts by id."""

    states: dict[str, bytes] = field(default_factory=dict)
    effects: dict[str, bytes] = field(default_factory=dict)
    next_invoice: int = FIRST_INVOICE

    def state(self, account_id: AccountId) -> AccountState | None:
        text = self.states.get(account_id)
        return None if text is None else _STATE.validate_json(text)

    def search(self, query: str, limit: int) -> list[Account]:
        accounts = [_STATE.validate_json(text).account for text in self.states.values()]
        wanted = query.strip().casefold()
        found = [a for a in accounts if wanted in a.id.casefold() or wanted in a.name.casefold()]
        return sorted(found, key=lambda account: account.name)[:limit]

    def effect(self, key: str) -> Effect | None:
        text = self.effects.get(key)
        return None if text is None else _EFFECT.validate_json(text)

    def started(self, account_id: AccountId) -> Effect | None:
        for text in self.effects.values():
            effect = _EFFECT.validate_json(text)
            if effect.account_id == account_id and effect.status is EffectStatus.STARTED:
                return effect
        return None

    def put_effect(self, effect: Effect) -> None:
        self.effects[effect.key] = _EFFECT.dump_json(effect)

    def next_invoice_id(self) -> str:
        self.next_invoice += 1
        return f"INV-{self.next_invoice - 1}"

    def write(self, planned: Planned) -> None:
        state = self.state(planned.after.id)
        assert state is not None
        invoices, members = state.invoices, state.members
        if invoice := planned.invoice:
            invoices = (invoice, *(each for each in invoices if each.id != invoice.id))
            invoices = tuple(sorted(invoices, key=lambda each: each.id, reverse=True))
            invoices = tuple(sorted(invoices, key=lambda each: each.issued_on, reverse=True))
        if member := planned.member:
            members = tuple(member if each.id == member.id else each for each in members)
        state = replace(state, account=planned.after, invoices=invoices, members=members)
        self.states[state.account.id] = _STATE.dump_json(state)

    def create(self, state: AccountState) -> bool:
        if state.account.id in self.states:
            return False
        self.states[state.account.id] = _STATE.dump_json(state)
        numbers = [int(invoice.id.removeprefix("INV-")) for invoice in state.invoices]
        self.next_invoice = max([self.next_invoice, *(number + 1 for number in numbers)])
        return True


class MemoryStorage:
    """Transactions on a copy: what raises leaves nothing behind."""

    def __init__(self) -> None:
        self._unit = _MemoryUnit()

    async def prepare(self) -> None: ...

    async def run(self, work: Callable[[Unit], T]) -> T:
        unit = copy.deepcopy(self._unit)
        result = work(unit)
        self._unit = unit
        return result

    async def read(self, work: Callable[[Unit], T]) -> T:
        return work(copy.deepcopy(self._unit))

    async def close(self) -> None: ...


class MemoryAccounts(StoredAccounts):
    """`StoredAccounts` on a dictionary. Lost with the process; `storage` may be shared."""

    def __init__(
        self,
        payments: PaymentService,
        clock: Clock = _utc_now,
        storage: MemoryStorage | None = None,
    ) -> None:
        super().__init__(storage or MemoryStorage(), payments, clock)


class MemoryPayments:
    """A payment service in memory: one effect for each key, and another request is refused."""

    def __init__(self) -> None:
        self.effects: dict[str, tuple[str, PaymentRequest, Payment]] = {}

    async def charge(self, request: PaymentRequest) -> Payment:
        return self._once("charge", request)

    async def refund(self, request: PaymentRequest) -> Payment:
        return self._once("refund", request)

    async def look_up(self, key: str) -> Payment | None:
        found = self.effects.get(key)
        return found[2] if found else None

    def _once(self, way: str, request: PaymentRequest) -> Payment:
        if found := self.effects.get(request.key):
            if found[:2] != (way, request):
                raise ActionRefused("The payment service has another request under this key.")
            return found[2]
        payment = Payment(
            id=f"{way}_{len(self.effects) + 1}", key=request.key, amount=request.amount
        )
        self.effects[request.key] = (way, request, payment)
        return payment
