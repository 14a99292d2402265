"""What every AccountsGateway must do: once for each key, never on a stale version, never twice."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

import pytest

from agent_core.errors import ActionFailed, ActionOutcomeUnknown, ActionRefused
from agent_core.people import AccountId
from tools.accounts.commands import (
    AddSeats,
    CancelSubscription,
    ChangeBillingContact,
    ChangePlan,
    Command,
    PauseSubscription,
    RefundInvoice,
    RemoveSeats,
    ResetMemberAccess,
    ResumeSubscription,
    Undo,
)
from tools.accounts.gateway import Payment, PaymentRequest
from tools.accounts.memory_gateway import MemoryPayments
from tools.accounts.seed import GLOBEX, INITECH, NORTHWIND, seed
from tools.accounts.stored_gateway import ABANDON_AFTER, StoredAccounts
from tools.accounts.types import Account, AccountStatus, PlanId

NOW = datetime(2026, 3, 16, 9, 30, tzinfo=UTC)


class Crash(Exception):
    """The process died here."""


class FaultyPayments(MemoryPayments):
    """MemoryPayments whose next answers go wrong as `plan` says.

    drop: accepted, no answer. lose: never arrived, no answer. unreachable, refuse: no effect.
    double: moves twice as much as was asked.
    crash: accepted, and our process dies. hang: accepted, and no answer for ever. "ok": as it is.
    """

    def __init__(self) -> None:
        super().__init__()
        self.plan: list[str] = []
        self.look_up_fails = False
        self.sent = 0
        self.hanging = asyncio.Event()

    async def charge(self, request: PaymentRequest) -> Payment:
        return await self._spoilt(super().charge, request)

    async def refund(self, request: PaymentRequest) -> Payment:
        return await self._spoilt(super().refund, request)

    async def look_up(self, key: str) -> Payment | None:
        if self.look_up_fails:
            raise ActionOutcomeUnknown("no answer")
        return await super().look_up(key)

    async def _spoilt(self, act: Callable, request: PaymentRequest) -> Payment:
        self.sent += 1
        await asyncio.sleep(0)  # others may come in between
        fault = self.plan.pop(0) if self.plan else "ok"
        match fault:
            case "lose":
                raise ActionOutcomeUnknown("lost")
            case "unreachable":
                raise ActionFailed("no connection")
            case "refuse":
                raise ActionRefused("card declined")
        if fault == "double":  # as the client over HTTP takes such an answer
            twice = request.amount.times(2)
            await act(replace(request, amount=twice))
            raise ActionOutcomeUnknown("moved something else than was asked")
        payment: Payment = await act(request)
        if fault == "drop":
            raise ActionOutcomeUnknown("dropped")
        if fault == "crash":
            raise Crash
        if fault == "hang":
            self.hanging.set()
            await asyncio.Event().wait()
        return payment


@dataclass(slots=True, kw_only=True)
class World:
    """A seeded account system with its payment service. `again` opens the same storage anew."""

    accounts: StoredAccounts
    payments: FaultyPayments
    again: Callable[[], StoredAccounts]
    times: dict[str, datetime] = field(default_factory=lambda: {"now": NOW})

    @property
    def effects(self) -> int:
        """Money movements besides the seed's."""
        return sum(not key.startswith("seed:") for key in self.payments.effects)

    async def account(self, account_id: AccountId = NORTHWIND) -> Account:
        return (await self.accounts.state(account_id, NOW)).account

    async def apply(self, command: Command, key: str = "key-1", version: int = 1):
        return await self.accounts.apply(
            NORTHWIND, command, key=key, expected_version=version, now=NOW
        )


EVERY_COMMAND: dict[str, Command] = {
    "change_plan": ChangePlan(plan=PlanId.BUSINESS),
    "add_seats": AddSeats(count=5),
    "remove_seats": RemoveSeats(count=2),
    "refund_invoice": RefundInvoice(invoice_id="INV-1042"),
    "refund_part": RefundInvoice(invoice_id="INV-1038", amount_minor=500),
    "change_billing_contact": ChangeBillingContact(name="Nora", email="nora@northwind.example"),
    "reset_member_access": ResetMemberAccess(member="milo@northwind.example"),
    "pause_subscription": PauseSubscription(),
    "cancel_subscription": CancelSubscription(),
}
MONEY = ("change_plan", "add_seats", "refund_invoice", "refund_part")
NAMES = tuple(EVERY_COMMAND)
NOT_UNDOABLE = ("refund_invoice", "refund_part", "reset_member_access")


class AccountsContract:
    """Subclasses give `world`, made by `seeded`."""

    @pytest.fixture
    async def world(self) -> AsyncIterator[World]:
        raise NotImplementedError
        yield

    async def test_the_sample_accounts_are_there_and_paid(self, world: World) -> None:
        account = await world.account()
        assert (account.name, account.plan, account.seats) == ("Northwind Traders", "team", 12)
        paid = {key for key in world.payments.effects if key.startswith("seed:")}
        states = [await world.accounts.state(a, NOW) for a in (NORTHWIND, GLOBEX, INITECH)]
        invoices = [invoice.id for state in states for invoice in state.invoices]
        assert len(invoices) == len(set(invoices))
        assert paid == {f"seed:{number}" for number in invoices}

    async def test_seeding_again_changes_nothing(self, world: World) -> None:
        await world.apply(AddSeats(count=1))
        before = await world.accounts.state(NORTHWIND, NOW)
        await seed(world.accounts, world.payments, NOW + timedelta(days=1))
        assert await world.accounts.state(NORTHWIND, NOW) == before
        assert world.effects == 1

    async def test_search_by_id_and_name(self, world: World) -> None:
        assert [a.id for a in await world.accounts.search("TRADERS", 5)] == [NORTHWIND]
        assert [a.id for a in await world.accounts.search("glob", 5)] == [GLOBEX]
        assert len(await world.accounts.search("", 2)) == 2
        assert await world.accounts.search("%", 5) == []

    async def test_an_unknown_account_is_refused(self, world: World) -> None:
        with pytest.raises(ActionRefused):
            await world.accounts.state(AccountId("hooli"), NOW)
        with pytest.raises(ActionRefused):
            await world.accounts.apply(
                AccountId("hooli"), AddSeats(count=1), key="k", expected_version=1, now=NOW
            )

    @pytest.mark.parametrize("name", NAMES)
    async def test_what_is_quoted_is_what_happens(self, world: World, name: str) -> None:
        quoted = await world.accounts.quote(NORTHWIND, EVERY_COMMAND[name], NOW)
        assert (await world.account()).version == 1
        applied = await world.apply(quoted.command)
        assert applied.planned.after == quoted.after == await world.account()
        assert quoted.after.version == 2
        assert world.effects == (1 if name in MONEY else 0)
        if quoted.movement:
            assert world.payments.effects["key-1"][2].amount.minor == quoted.movement.minor

    @pytest.mark.parametrize("name", NAMES)
    async def test_ten_at_once_under_one_key_are_one(self, world: World, name: str) -> None:
        results = await asyncio.gather(*(world.apply(EVERY_COMMAND[name]) for _ in range(10)))
        assert all(result == results[0] for result in results)
        assert (await world.account()).version == 2
        assert world.effects == (1 if name in MONEY else 0)
        assert await world.accounts.look_up(NORTHWIND, "key-1") == results[0]

    async def test_ten_at_once_under_ten_keys_are_one_and_nine_refusals(self, world: World) -> None:
        calls = (world.apply(AddSeats(count=1), key=f"key-{n}") for n in range(10))
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert sum(isinstance(result, ActionRefused) for result in results) == 9
        assert (await world.account()).seats == 13
        assert world.effects == 1

    async def test_two_connections_and_one_key_are_one(self, world: World) -> None:
        other = world.again()
        await other.prepare()
        calls = [
            gateway.apply(NORTHWIND, AddSeats(count=5), key="k", expected_version=1, now=NOW)
            for gateway in (world.accounts, other) * 3
        ]
        results = await asyncio.gather(*calls)
        await other.close()
        assert len({result.payment_id for result in results}) == 1
        assert (await world.account()).seats == 17
        assert world.effects == 1

    @pytest.mark.parametrize("name", NAMES)
    async def test_a_stale_version_is_refused(self, world: World, name: str) -> None:
        await world.apply(ChangeBillingContact(name="A", email="a@b.example"), key="first")
        with pytest.raises(ActionRefused, match="has changed"):
            await world.apply(EVERY_COMMAND[name])
        assert world.effects == 0
        assert await world.accounts.look_up(NORTHWIND, "key-1") is None

    async def test_several_connections_and_many_keys_lose_no_change(self, world: World) -> None:
        others = [world.again() for _ in range(3)]
        for each in others:
            await each.prepare()

        async def insist(gateway: StoredAccounts, key: str) -> None:
            while True:
                version = (await gateway.state(NORTHWIND, NOW)).account.version
                try:
                    await gateway.apply(
                        NORTHWIND, AddSeats(count=1), key=key, expected_version=version, now=NOW
                    )
                    return
                except (ActionRefused, ActionFailed):
                    await asyncio.sleep(0.01)

        await asyncio.gather(*(insist(each, f"k{n}") for n, each in enumerate(others * 3)))
        for each in others:
            await each.close()
        account = await world.account()
        assert (account.seats, account.version, world.effects) == (21, 10, 9)
        invoices = (await world.accounts.state(NORTHWIND, NOW)).invoices
        assert len({invoice.id for invoice in invoices}) == 3 + 9

    async def test_a_key_serves_one_change_and_one_account(self, world: World) -> None:
        await world.apply(AddSeats(count=1))
        with pytest.raises(ActionRefused):
            await world.apply(AddSeats(count=2), version=2)
        with pytest.raises(ActionRefused):
            await world.accounts.apply(
                GLOBEX, AddSeats(count=1), key="key-1", expected_version=1, now=NOW
            )
        assert await world.accounts.look_up(GLOBEX, "key-1") is None

    async def test_look_up_of_nothing_is_none(self, world: World) -> None:
        assert await world.accounts.look_up(NORTHWIND, "never") is None

    async def test_another_accounts_invoice_is_not_told_from_none(self, world: World) -> None:
        told = []
        for number in ("INV-1041", "INV-9999"):
            with pytest.raises(ActionRefused) as caught:
                await world.apply(RefundInvoice(invoice_id=number))
            told.append(str(caught.value).replace(number, "…"))
        assert told[0] == told[1]
        assert world.effects == 0

    async def test_refunds_never_exceed_what_was_paid(self, world: World) -> None:
        await world.apply(RefundInvoice(invoice_id="INV-1038", amount_minor=1500))
        with pytest.raises(ActionRefused, match=r"\$5\.00"):
            await world.apply(
                RefundInvoice(invoice_id="INV-1038", amount_minor=501), key="b", version=2
            )
        await world.apply(RefundInvoice(invoice_id="INV-1038"), key="c", version=2)
        with pytest.raises(ActionRefused, match="Nothing is left"):
            await world.apply(RefundInvoice(invoice_id="INV-1038"), key="d", version=3)
        state = await world.accounts.state(NORTHWIND, NOW)
        invoice = next(each for each in state.invoices if each.id == "INV-1038")
        assert (invoice.refunded_minor, invoice.status) == (2_000, "refunded")

    # --- money goes wrong -----------------------------------------------------------------------

    @pytest.mark.parametrize("name", MONEY)
    @pytest.mark.parametrize("fault", ["drop", "lose"])
    async def test_a_lost_answer_is_looked_up(self, world: World, name: str, fault: str) -> None:
        world.payments.plan = [fault]
        applied = await world.apply(EVERY_COMMAND[name])
        assert applied.payment_id == world.payments.effects["key-1"][2].id
        assert world.effects == 1
        assert world.payments.sent == len(world.payments.effects) + (fault == "lose")

    @pytest.mark.parametrize("fault", ["refuse", "unreachable"])
    async def test_nothing_happened_and_the_key_may_retry(self, world: World, fault: str) -> None:
        world.payments.plan = [fault]
        with pytest.raises((ActionRefused, ActionFailed)):
            await world.apply(AddSeats(count=5))
        assert await world.accounts.look_up(NORTHWIND, "key-1") is None
        assert (await world.account()).version == 1
        applied = await world.apply(AddSeats(count=5))
        assert applied.planned.invoice is not None
        assert applied.planned.invoice.id == "INV-1043"
        assert world.effects == 1

    async def test_a_payment_service_that_is_down_is_failed_and_never_unknown(
        self, world: World
    ) -> None:
        world.payments.plan = ["unreachable"] * 2
        world.payments.look_up_fails = True
        for _ in range(2):
            with pytest.raises(ActionFailed):
                await world.apply(AddSeats(count=5))
        assert await world.accounts.look_up(NORTHWIND, "key-1") is None
        await world.apply(PauseSubscription(), key="key-2")

    async def test_what_nobody_knows_of_one_change_is_not_said_of_another(
        self, world: World
    ) -> None:
        world.payments.plan = ["crash"]
        with pytest.raises(Crash):
            await world.apply(AddSeats(count=5))
        world.payments.look_up_fails = True
        with pytest.raises(ActionFailed, match="under way"):
            await world.apply(PauseSubscription(), key="key-2")
        with pytest.raises(ActionOutcomeUnknown):
            await world.apply(AddSeats(count=5))
        assert world.effects == 1

    async def test_cancelled_while_it_is_being_sent(self, world: World) -> None:
        world.payments.plan = ["hang"]
        task = asyncio.create_task(world.apply(AddSeats(count=5)))
        await world.payments.hanging.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        found = await world.accounts.look_up(NORTHWIND, "key-1")
        assert found is not None
        assert await world.apply(AddSeats(count=5)) == found
        assert world.effects == 1

    async def test_no_answer_at_all_is_unknown_and_found_later(self, world: World) -> None:
        world.payments.plan = ["drop"]
        world.payments.look_up_fails = True
        with pytest.raises(ActionOutcomeUnknown):
            await world.apply(AddSeats(count=5))
        with pytest.raises(ActionOutcomeUnknown):
            await world.accounts.look_up(NORTHWIND, "key-1")
        assert (await world.account()).seats == 12
        world.payments.look_up_fails = False
        found = await world.accounts.look_up(NORTHWIND, "key-1")
        assert found is not None
        assert (await world.account()).seats == 17
        assert world.effects == 1

    async def test_lost_twice_is_unknown_although_the_second_cannot_connect(
        self, world: World
    ) -> None:
        world.payments.plan = ["lose", "unreachable"]
        with pytest.raises(ActionOutcomeUnknown):
            await world.apply(AddSeats(count=5))
        assert await world.accounts.look_up(NORTHWIND, "key-1") is None

    async def test_lost_and_then_refused_is_unknown_as_the_first_may_arrive(
        self, world: World
    ) -> None:
        quoted = await world.accounts.quote(NORTHWIND, AddSeats(count=5), NOW)
        world.payments.plan = ["lose", "refuse"]
        with pytest.raises(ActionOutcomeUnknown):
            await world.apply(AddSeats(count=5))
        assert (await world.account()).seats == 12
        late = PaymentRequest(
            key="key-1",
            account_id=NORTHWIND,
            amount=quoted.before.money(quoted.price_minor),
            reference="INV-1043",
        )
        await MemoryPayments.charge(world.payments, late)
        assert await world.accounts.look_up(NORTHWIND, "key-1") is not None
        assert (await world.account()).seats == 17

    @pytest.mark.parametrize("name", MONEY)
    async def test_another_amount_than_was_asked_is_never_told_as_done(
        self, world: World, name: str
    ) -> None:
        world.payments.plan = ["double"]
        with pytest.raises(ActionOutcomeUnknown):
            await world.apply(EVERY_COMMAND[name])
        with pytest.raises(ActionOutcomeUnknown):
            await world.accounts.look_up(NORTHWIND, "key-1")
        with pytest.raises(ActionFailed, match="under way"):
            await world.apply(PauseSubscription(), key="key-2")
        assert ((await world.account()).version, world.effects) == (1, 1)

    @pytest.mark.parametrize("name", MONEY)
    @pytest.mark.parametrize("way", ["retry", "look_up", "another"])
    async def test_died_after_acceptance(self, world: World, name: str, way: str) -> None:
        world.payments.plan = ["crash"]
        with pytest.raises(Crash):
            await world.apply(EVERY_COMMAND[name])
        assert (await world.account()).version == 1
        reborn = world.again()
        await reborn.prepare()
        if way == "retry":
            await reborn.apply(
                NORTHWIND, EVERY_COMMAND[name], key="key-1", expected_version=1, now=NOW
            )
        elif way == "look_up":
            assert await reborn.look_up(NORTHWIND, "key-1") is not None
        else:  # somebody else's change finds and finishes it, and is then out of date
            with pytest.raises(ActionRefused, match="has changed"):
                await reborn.apply(
                    NORTHWIND, PauseSubscription(), key="key-2", expected_version=1, now=NOW
                )
        await reborn.close()
        assert (await world.account()).version == 2
        assert (await world.accounts.look_up(NORTHWIND, "key-1")) is not None
        assert world.effects == 1

    async def test_a_change_that_may_still_move_money_holds_the_account(self, world: World) -> None:
        world.payments.plan = ["lose", "lose"]
        with pytest.raises(ActionOutcomeUnknown):
            await world.apply(AddSeats(count=5))
        with pytest.raises(ActionFailed, match="under way"):
            await world.apply(PauseSubscription(), key="key-2")
        world.times["now"] = NOW + ABANDON_AFTER + timedelta(seconds=1)
        await world.apply(PauseSubscription(), key="key-2")
        # Given up for good: the account has moved on, and the old yes no longer fits.
        with pytest.raises(ActionRefused, match="has changed"):
            await world.apply(AddSeats(count=5))
        assert world.effects == 0

    async def test_a_payment_that_arrives_after_it_was_given_up_is_told(self, world: World) -> None:
        world.payments.plan = ["lose", "lose"]
        with pytest.raises(ActionOutcomeUnknown):
            await world.apply(AddSeats(count=5))
        world.times["now"] = NOW + ABANDON_AFTER + timedelta(seconds=1)
        await world.apply(PauseSubscription(), key="key-2")
        late = (await world.accounts.quote(GLOBEX, AddSeats(count=1), NOW)).before
        request = PaymentRequest(
            key="key-1", account_id=NORTHWIND, amount=late.money(5_000), reference="INV-1043"
        )
        await MemoryPayments.charge(world.payments, request)
        with pytest.raises(ActionOutcomeUnknown):
            await world.accounts.look_up(NORTHWIND, "key-1")
        with pytest.raises(ActionOutcomeUnknown):
            await world.apply(AddSeats(count=5))

    # --- time -----------------------------------------------------------------------------------

    async def test_credit_is_used_before_the_card(self, world: World) -> None:
        await world.apply(RemoveSeats(count=2), key="a")
        assert (await world.account()).credit_minor == 2_000
        applied = await world.apply(AddSeats(count=5), key="b", version=2)
        assert applied.planned.movement is not None
        assert applied.planned.movement.minor == 3_000
        assert (await world.account()).credit_minor == 0

    async def test_a_lower_plan_waits_for_the_period_to_end(self, world: World) -> None:
        async def globex(command: Command, key: str, version: int, now: datetime = NOW):
            return await world.accounts.apply(
                GLOBEX, command, key=key, expected_version=version, now=now
            )

        await globex(ChangePlan(plan=PlanId.TEAM), "a", 1)
        assert (await world.account(GLOBEX)).plan is PlanId.BUSINESS
        later = NOW + timedelta(days=16)
        account = (await world.accounts.state(GLOBEX, later)).account
        assert (account.plan, account.plan_next, account.version) == (PlanId.TEAM, None, 3)
        assert account.period_start == date(2026, 3, 31)
        with pytest.raises(ActionRefused, match="has changed"):
            await globex(AddSeats(count=1), "b", 2, later)
        applied = await globex(AddSeats(count=1), "c", 3, later)
        assert applied.planned.before.plan is PlanId.TEAM

    async def test_paused_days_are_given_back(self, world: World) -> None:
        end = (await world.account()).period_end
        await world.apply(PauseSubscription(), key="a")
        with pytest.raises(ActionRefused, match="resume"):
            await world.apply(AddSeats(count=1), key="b", version=2)
        later = NOW + timedelta(days=40)
        await world.accounts.apply(
            NORTHWIND, ResumeSubscription(), key="c", expected_version=2, now=later
        )
        account = (await world.accounts.state(NORTHWIND, later)).account
        assert account.status is AccountStatus.ACTIVE
        assert account.period_end == end + timedelta(days=40)

    async def test_a_cancellation_can_be_taken_back_until_it_takes_effect(
        self, world: World
    ) -> None:
        await world.apply(CancelSubscription(), key="a")
        with pytest.raises(ActionRefused, match="ended"):
            await world.accounts.apply(
                NORTHWIND,
                ResumeSubscription(),
                key="b",
                expected_version=2,
                now=NOW + timedelta(days=15),
            )
        await world.apply(ResumeSubscription(), key="c", version=2)
        assert (await world.account()).status is AccountStatus.ACTIVE

    @pytest.mark.parametrize("name", [name for name in NAMES if name not in NOT_UNDOABLE])
    async def test_undoing_gives_the_account_back_as_it_was(self, world: World, name: str) -> None:
        before = await world.account()
        done = await world.apply(EVERY_COMMAND[name])
        undo = Undo(key="key-1")
        quoted = await world.accounts.quote(NORTHWIND, undo, NOW)
        undone = await world.apply(undo, key="key-2", version=2)
        assert replace(await world.account(), version=1) == before
        assert undone.planned.after == quoted.after
        moved = done.planned.movement
        if moved:
            refund = world.payments.effects["key-2"]
            assert (refund[0], refund[1].amount.minor) == ("refund", moved.minor)
        else:
            assert "key-2" not in world.payments.effects
        with pytest.raises(ActionRefused, match="undone already"):
            await world.apply(undo, key="key-3", version=3)
        assert await world.apply(undo, key="key-2", version=2) == undone

    @pytest.mark.parametrize("name", NOT_UNDOABLE)
    async def test_some_changes_cannot_be_undone(self, world: World, name: str) -> None:
        await world.apply(EVERY_COMMAND[name])
        with pytest.raises(ActionRefused, match="cannot be undone"):
            await world.accounts.quote(NORTHWIND, Undo(key="key-1"), NOW)

    async def test_what_has_moved_on_is_not_undone(self, world: World) -> None:
        await world.apply(AddSeats(count=2), key="a")
        await world.apply(ChangeBillingContact(name="N", email="n@n.example"), key="b", version=2)
        await world.accounts.quote(NORTHWIND, Undo(key="a"), NOW)  # the contact is another matter
        await world.apply(AddSeats(count=2), key="c", version=3)
        with pytest.raises(ActionRefused, match="number of seats changed"):
            await world.apply(Undo(key="a"), key="d", version=4)
        await world.apply(Undo(key="c"), key="e", version=4)
        await world.apply(Undo(key="a"), key="f", version=5)
        assert (await world.account()).seats == 12

    async def test_an_invoice_that_was_refunded_since_is_not_refunded_twice(
        self, world: World
    ) -> None:
        done = await world.apply(AddSeats(count=2), key="a")
        assert done.planned.invoice is not None
        refund = RefundInvoice(invoice_id=done.planned.invoice.id)
        await world.apply(refund, key="b", version=2)
        with pytest.raises(ActionRefused, match="refunded since"):
            await world.apply(Undo(key="a"), key="c", version=3)

    async def test_nobody_undoes_another_accounts_change(self, world: World) -> None:
        await world.apply(AddSeats(count=2), key="a")
        for account, key in ((GLOBEX, "a"), (NORTHWIND, "none")):
            with pytest.raises(ActionRefused, match="nothing"):
                await world.accounts.quote(account, Undo(key=key), NOW)

    async def test_a_later_step_is_priced_as_if_the_earlier_were_done(self, world: World) -> None:
        first = await world.accounts.quote(NORTHWIND, ChangePlan(plan=PlanId.BUSINESS), NOW)
        then = await world.accounts.quote(NORTHWIND, AddSeats(count=2), NOW, after=[first])
        assert then.before == first.after
        await world.apply(first.command, key="a")
        assert (await world.accounts.quote(NORTHWIND, AddSeats(count=2), NOW)) == then
