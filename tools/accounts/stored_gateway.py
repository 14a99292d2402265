"""The account system over any storage: reserve, move money, record, and finish what was begun."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta

from agent_core.errors import ActionFailed, ActionOutcomeUnknown, ActionRefused
from agent_core.people import AccountId
from tools.accounts.changes import decide
from tools.accounts.commands import Command, Undo
from tools.accounts.effects import Clock, Effect, EffectStatus, Storage, Unit
from tools.accounts.gateway import Applied, Payment, PaymentRequest, PaymentService
from tools.accounts.periods import rolled
from tools.accounts.planned import NEW_INVOICE, Planned, Way, assumed
from tools.accounts.types import Account, AccountState
from tools.money import Money

MOVE_SECONDS = 30.0  # all the sending and asking for one change
# Much longer than that: past it, nobody is still sending.
ABANDON_AFTER = timedelta(seconds=120)
GIVEN_UP = (EffectStatus.RELEASED, EffectStatus.ABANDONED)
CHANGED = "The account has changed since this was shown. Look at it again and ask once more."


class StoredAccounts:
    """An AccountsGateway. One effect at a time moves money on an account; the rest are told so.

    A dead process leaves an intent behind. Whoever comes next, under the same key or another,
    asks the payment service by key and writes the outcome, before anything else happens.
    """

    def __init__(self, storage: Storage, payments: PaymentService, clock: Clock) -> None:
        self._storage = storage
        self._payments = payments
        self._clock = clock
        self._locks: dict[str, tuple[asyncio.Lock, int]] = {}

    async def prepare(self) -> None:
        """Creates what the storage needs. Safe in several processes at once."""
        await self._storage.prepare()

    async def close(self) -> None:
        await self._storage.close()

    async def create(self, state: AccountState) -> bool:
        """Stores a new account as it is. False where the id is taken."""
        return await self._storage.run(lambda unit: unit.create(state))

    async def state(self, account_id: AccountId, now: datetime) -> AccountState:
        state = await self._storage.read(lambda unit: _known(unit, account_id))
        return replace(state, account=rolled(state.account, now))

    async def search(self, query: str, limit: int) -> Sequence[Account]:
        return await self._storage.read(lambda unit: unit.search(query, limit))

    async def quote(
        self,
        account_id: AccountId,
        command: Command,
        now: datetime,
        *,
        after: Sequence[Planned] = (),
    ) -> Planned:
        def work(unit: Unit) -> Planned:
            state = _known(unit, account_id)
            for earlier in after:
                state = assumed(state, earlier)
            return decide(state, command, now, _original(unit, account_id, command))

        return await self._storage.read(work)

    async def apply(
        self,
        account_id: AccountId,
        command: Command,
        *,
        key: str,
        expected_version: int,
        now: datetime,
    ) -> Applied:
        if not key:
            raise ValueError("a change needs its ledger key")
        async with self._one_at_a_time(account_id):
            await self._finish_what_was_begun(account_id, key)
            effect, was_begun = await self._storage.run(
                lambda unit: self._begin(unit, account_id, command, key, expected_version, now)
            )
            if effect.status is EffectStatus.DONE:
                return _applied(effect)
            try:
                async with asyncio.timeout(MOVE_SECONDS):
                    payment = await self._move(effect, maybe_sent=was_begun)
            except TimeoutError as problem:
                raise ActionOutcomeUnknown("The payment service took too long.") from problem
            return await self._settle(account_id, key, payment)

    async def look_up(self, account_id: AccountId, key: str) -> Applied | None:
        async with self._one_at_a_time(account_id):
            effect = await self._storage.read(lambda unit: unit.effect(key))
            if effect is None or effect.account_id != account_id:
                return None
            if effect.status is EffectStatus.RELEASED:
                return None
            if effect.status is EffectStatus.DONE:
                return _applied(effect)
            payment = await self._found(effect)
            return await self._settle(account_id, key, payment) if payment else None

    # --- one transaction each -----------------------------------------------------------------

    def _begin(
        self,
        unit: Unit,
        account_id: AccountId,
        command: Command,
        key: str,
        expected_version: int,
        now: datetime,
    ) -> tuple[Effect, bool]:
        """The effect, and whether it was under way already: somebody may have sent it."""
        state = _known(unit, account_id)
        effect = unit.effect(key)
        if effect and (effect.account_id, effect.asked) != (account_id, command):
            raise ActionRefused("This key belongs to another change.")
        if effect and effect.status is EffectStatus.DONE:
            return effect, False
        under_way = unit.started(account_id)
        if under_way and under_way.key != key:
            raise ActionFailed(
                "Another change to this account is under way. Try again in two minutes."
            )
        if effect and effect.status is EffectStatus.STARTED:
            effect = replace(effect, touched_at=self._clock())
            unit.put_effect(effect)
            return effect, True
        if rolled(state.account, now).version != expected_version:
            raise ActionRefused(CHANGED)
        planned = decide(state, command, now, _original(unit, account_id, command))
        if planned.invoice and planned.invoice.id == NEW_INVOICE:
            # A second try keeps its number, so that the payment service sees the same request.
            had = effect.planned.invoice if effect else None
            number = had.id if had else unit.next_invoice_id()
            planned = replace(planned, invoice=replace(planned.invoice, id=number))
        effect = Effect(
            key=key,
            account_id=account_id,
            asked=command,
            planned=planned,
            status=EffectStatus.STARTED if planned.movement else EffectStatus.DONE,
            at=now,
            touched_at=self._clock(),
        )
        unit.put_effect(effect)
        if effect.status is EffectStatus.DONE:
            _write(unit, effect)
        return effect, False

    async def _settle(self, account_id: AccountId, key: str, payment: Payment) -> Applied:
        def work(unit: Unit) -> Effect:
            _known(unit, account_id)  # holds the account before anything is read
            effect = unit.effect(key)
            if effect is None or effect.status in GIVEN_UP:
                raise ActionOutcomeUnknown(
                    f"Payment {payment.id} went through after its change was given up."
                )
            if effect.status is EffectStatus.DONE:
                return effect
            effect = replace(effect, status=EffectStatus.DONE, payment_id=payment.id)
            unit.put_effect(effect)
            _write(unit, effect)
            return effect

        try:
            return _applied(await self._storage.run(work))
        except ActionFailed as problem:
            # The money has moved: "nothing happened" would be a lie.
            raise ActionOutcomeUnknown(
                f"Payment {payment.id} went through, but the account could not be written."
            ) from problem

    async def _let_go(self, begun: Effect, status: EffectStatus) -> None:
        def work(unit: Unit) -> None:
            _known(unit, begun.account_id)
            effect = unit.effect(begun.key)
            if effect and effect.status is EffectStatus.STARTED:
                unit.put_effect(replace(effect, status=status))

        await self._storage.run(work)

    # --- money --------------------------------------------------------------------------------

    async def _move(self, effect: Effect, *, maybe_sent: bool) -> Payment:
        """Sends at most twice, always under the one key, and looks before it sends again."""
        for _ in range(2):
            if maybe_sent and (found := await self._found(effect)):
                return found
            try:
                return await self._send(effect)
            except (ActionRefused, ActionFailed) as problem:
                if maybe_sent:  # a no to this one says nothing of the one before it
                    raise ActionOutcomeUnknown(
                        "The payment service did not answer, and then said no."
                    ) from problem
                await self._let_go(effect, EffectStatus.RELEASED)
                raise
            except ActionOutcomeUnknown:
                maybe_sent = True
        if found := await self._found(effect):
            return found
        raise ActionOutcomeUnknown("The payment service accepts the request and does not answer.")

    async def _found(self, effect: Effect) -> Payment | None:
        """What the payment service has under the key, if that is what this change moves."""
        found = await self._payments.look_up(effect.key)
        if found is not None and found.amount != _request(effect).amount:
            raise ActionOutcomeUnknown(
                f"Payment {found.id} moved {found.amount}, which is not what was asked."
            )
        return found

    async def _send(self, effect: Effect) -> Payment:
        request, movement = _request(effect), effect.planned.movement
        if movement is not None and movement.way is Way.CHARGE:
            return await self._payments.charge(request)
        return await self._payments.refund(request)

    async def _finish_what_was_begun(self, account_id: AccountId, key: str) -> None:
        """Settles what another key left open, and makes sure that this key is not given up."""
        own, begun = await self._storage.read(lambda u: (u.effect(key), u.started(account_id)))
        if begun and begun.key != key:
            # Where nobody can tell what became of it, it goes on holding the account.
            with suppress(ActionOutcomeUnknown):
                await self._finish(begun)
        if own and own.status is EffectStatus.ABANDONED and await self._payments.look_up(key):
            raise ActionOutcomeUnknown("The payment went through after its change was given up.")

    async def _finish(self, begun: Effect) -> None:
        payment = await self._found(begun)
        if payment:
            await self._settle(begun.account_id, begun.key, payment)
        elif self._clock() - begun.touched_at > ABANDON_AFTER:
            await self._let_go(begun, EffectStatus.ABANDONED)

    @asynccontextmanager
    async def _one_at_a_time(self, account_id: AccountId) -> AsyncIterator[None]:
        """Within this process; between processes the intent row does it."""
        lock, waiting = self._locks.get(account_id, (asyncio.Lock(), 0))
        self._locks[account_id] = (lock, waiting + 1)
        try:
            async with lock:
                yield
        finally:
            lock, waiting = self._locks.pop(account_id)
            if waiting > 1:
                self._locks[account_id] = (lock, waiting - 1)


def _known(unit: Unit, account_id: AccountId) -> AccountState:
    state = unit.state(account_id)
    if state is None:
        raise ActionRefused("There is no such account.")
    return state


def _original(unit: Unit, account_id: AccountId, command: Command) -> Planned | None:
    """What an Undo takes back. Raises ActionRefused where it was taken back before."""
    if not isinstance(command, Undo):
        return None
    effect = unit.effect(command.key)
    if effect is None or effect.account_id != account_id or effect.status is not EffectStatus.DONE:
        return None
    if effect.undone_by:
        raise ActionRefused("This was undone already.")
    return effect.planned


def _request(effect: Effect) -> PaymentRequest:
    """What the payment service is asked to move. Raises ActionFailed where that is nothing."""
    movement, invoice = effect.planned.movement, effect.planned.invoice
    if movement is None or invoice is None:
        raise ActionFailed("This change moves no money.")
    return PaymentRequest(
        key=effect.key,
        account_id=effect.account_id,
        amount=Money(minor=movement.minor, currency=invoice.currency),
        reference=invoice.id,
    )


def _write(unit: Unit, effect: Effect) -> None:
    """The account afterwards; what was taken back is marked, so that it is taken back once."""
    unit.write(effect.planned)
    if isinstance(effect.asked, Undo) and (original := unit.effect(effect.asked.key)):
        unit.put_effect(replace(original, undone_by=effect.key))


def _applied(effect: Effect) -> Applied:
    return Applied(
        key=effect.key,
        account_id=effect.account_id,
        planned=effect.planned,
        payment_id=effect.payment_id,
        at=effect.at,
    )
