"""The payment client against the payment stand-in, and what it makes of each kind of failure."""

import asyncio

import aiohttp
import pytest

from agent_core.errors import ActionFailed, ActionOutcomeUnknown, ActionRefused
from agent_core.people import AccountId
from playground.faults import FaultKind
from tests.tools.conftest import NOW, Till
from tools.accounts.commands import AddSeats, RefundInvoice
from tools.accounts.gateway import PaymentRequest
from tools.accounts.payments import LONGEST_PATIENCE_SECONDS, TRIES, Payments
from tools.accounts.seed import NORTHWIND
from tools.accounts.sql_gateway import SqlAccounts
from tools.money import Money

CHARGES, REFUNDS, EFFECTS = "POST /v1/charges", "POST /v1/refunds", "GET /v1/effects"


def request(key: str = "k", minor: int = 1_000, reference: str = "INV-1") -> PaymentRequest:
    return PaymentRequest(
        key=key,
        account_id=AccountId("northwind"),
        amount=Money(minor=minor, currency="USD"),
        reference=reference,
    )


async def test_charge_refund_and_look_up(till: Till) -> None:
    charged = await till.payments.charge(request("c"))
    refunded = await till.payments.refund(request("r", 400))
    assert await till.payments.look_up("c") == charged
    assert await till.payments.look_up("r") == refunded
    assert await till.payments.look_up("never") is None
    assert charged.amount == Money(minor=1_000, currency="USD")


async def test_ten_under_one_key_are_one(till: Till) -> None:
    made = await asyncio.gather(*(till.payments.charge(request()) for _ in range(10)))
    assert len({payment.id for payment in made}) == 1
    assert len(till.effects("k")) == 1


async def test_a_key_with_another_request_is_refused(till: Till) -> None:
    await till.payments.charge(request())
    with pytest.raises(ActionRefused, match="conflicts"):
        await till.payments.charge(request(minor=999))


async def test_more_than_was_charged_is_refused(till: Till) -> None:
    await till.payments.charge(request("c"))
    with pytest.raises(ActionRefused):
        await till.payments.refund(request("r", 1_001))
    assert await till.payments.look_up("r") is None


@pytest.mark.parametrize("kind", [FaultKind.DROP_ANSWER, FaultKind.DROP_REQUEST])
async def test_a_cut_connection_is_unknown(till: Till, kind: FaultKind) -> None:
    # Twice: a client library that sends again by itself would hide the first.
    till.spoil(kind, CHARGES, times=2)
    with pytest.raises(ActionOutcomeUnknown):
        await till.payments.charge(request())
    found = await till.payments.look_up("k")
    assert (found is not None) == (kind is FaultKind.DROP_ANSWER)


@pytest.mark.parametrize("status", [500, 502, 503])
async def test_a_server_error_is_unknown(till: Till, status: int) -> None:
    till.spoil(FaultKind.SERVER_ERROR, CHARGES, status=status)
    with pytest.raises(ActionOutcomeUnknown):
        await till.payments.charge(request())


async def test_a_slow_answer_is_unknown(till: Till) -> None:
    till.spoil(FaultKind.SLOW, CHARGES, delay_seconds=60)
    async with aiohttp.ClientSession() as session:
        hasty = Payments(till.url, "playground-payments-key", session, answer_seconds=0.1)
        with pytest.raises(ActionOutcomeUnknown):
            await hasty.charge(request())


async def test_no_connection_is_failed(till: Till, unused_tcp_port: int) -> None:
    async with aiohttp.ClientSession() as session:
        nowhere = Payments(f"http://127.0.0.1:{unused_tcp_port}", "key", session)
        with pytest.raises(ActionFailed):
            await nowhere.charge(request())
        with pytest.raises(ActionOutcomeUnknown):
            await nowhere.look_up("k")


async def test_a_wrong_api_key_is_failed(till: Till) -> None:
    async with aiohttp.ClientSession() as session:
        stranger = Payments(till.url, "wrong", session)
        with pytest.raises(ActionFailed):
            await stranger.charge(request())
        with pytest.raises(ActionOutcomeUnknown):
            await stranger.look_up("k")


async def test_rate_limits_are_waited_for_but_not_forever(till: Till) -> None:
    till.spoil(FaultKind.RATE_LIMITED, CHARGES, times=2, retry_after_seconds=2)
    await till.payments.charge(request())
    assert till.waits == [2.0, 2.0]
    till.spoil(FaultKind.RATE_LIMITED, CHARGES, times=None, retry_after_seconds=3600)
    with pytest.raises(ActionFailed):
        await till.payments.charge(request("other"))
    assert till.waits[2:] == [LONGEST_PATIENCE_SECONDS] * TRIES
    assert till.effects("other") == []


async def test_a_look_up_that_fails_once_is_asked_again(till: Till) -> None:
    made = await till.payments.charge(request())
    till.spoil(FaultKind.RATE_LIMITED, EFFECTS)
    till.spoil(FaultKind.SERVER_ERROR, EFFECTS)
    assert await till.payments.look_up("k") == made


@pytest.mark.parametrize("kind", [FaultKind.DROP_ANSWER, FaultKind.SERVER_ERROR])
@pytest.mark.parametrize(
    ("command", "method"),
    [(AddSeats(count=5), CHARGES), (RefundInvoice(invoice_id="INV-1042"), REFUNDS)],
)
async def test_accounts_over_the_wire_with_the_answer_lost(
    till: Till, accounts: SqlAccounts, kind: FaultKind, command, method: str
) -> None:
    till.spoil(kind, method)
    applied = await accounts.apply(NORTHWIND, command, key="k", expected_version=1, now=NOW)
    effects = till.effects("k")
    assert [each["id"] for each in effects] == [applied.payment_id]
    assert await accounts.look_up(NORTHWIND, "k") == applied


async def test_accounts_over_the_wire_with_every_look_up_lost(
    till: Till, accounts: SqlAccounts
) -> None:
    till.spoil(FaultKind.DROP_ANSWER, CHARGES, times=None)
    till.spoil(FaultKind.SERVER_ERROR, EFFECTS, times=None)
    with pytest.raises(ActionOutcomeUnknown):
        await accounts.apply(NORTHWIND, AddSeats(count=5), key="k", expected_version=1, now=NOW)
    till.provider.faults.clear()
    assert await accounts.look_up(NORTHWIND, "k") is not None
    assert len(till.effects("k")) == 1
    assert (await accounts.state(NORTHWIND, NOW)).account.seats == 17
