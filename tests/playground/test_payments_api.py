"""The payment provider: one effect a key, whatever happens to the connection or the process."""

import asyncio
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, ServerDisconnectedError

from playground import people
from playground.payments_api.app import Provider, running

CHARGE = {"account": "northwind", "amount": 12_000, "currency": "EUR", "reference": "INV-1"}
REFUND = {
    "account": "northwind",
    "reference": "INV-1",
    "amount": 5_000,
    "currency": "EUR",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """A provider at an address, and a client with its key."""

    address: str
    session: ClientSession
    provider: Provider | None = None

    async def post(self, path: str, key: str | None, body: Any) -> tuple[int, dict[str, Any]]:
        headers = {"Idempotency-Key": key} if key is not None else {}
        async with self.session.post(self.address + path, json=body, headers=headers) as answer:
            return answer.status, await answer.json()

    async def get(self, path: str, **query: str) -> dict[str, Any]:
        async with self.session.get(self.address + path, params=query) as answer:
            assert answer.status == 200
            return dict(await answer.json())


def session() -> ClientSession:
    return ClientSession(headers={"Authorization": f"Bearer {people.PAYMENTS_API_KEY}"})


@pytest.fixture
async def wire(tmp_path: Path) -> AsyncIterator[Wire]:
    async with running(tmp_path / "payments.db") as (provider, address), session() as client:
        yield Wire(address=address, session=client, provider=provider)


async def test_a_charge_and_refunds_up_to_its_amount(wire: Wire) -> None:
    status, charge = await wire.post("/v1/charges", "seed-1", CHARGE)
    assert status == 201 and charge["id"].startswith("ch_")
    status, refund = await wire.post("/v1/refunds", "r-1", REFUND)
    assert (status, refund["charge"], refund["amount"]) == (201, charge["id"], 5_000)
    by_id = {**REFUND, "charge": charge["id"], "amount": 7_001}
    del by_id["reference"]
    status, told = await wire.post("/v1/refunds", "r-2", by_id)
    assert (status, told["error"]["code"]) == (422, "refund_exceeds_charge")
    assert told["error"]["remaining"] == 7_000
    status, _ = await wire.post("/v1/refunds", "r-2", {**by_id, "amount": 7_000})
    assert status == 201
    assert (await wire.get(f"/v1/charges/{charge['id']}"))["refunded"] == 12_000
    state = await wire.get("/playground/payments/state")
    assert (state["charges"], state["refunds"]) == (1, 2)
    assert (state["charged"], state["refunded"]) == ({"EUR": 12_000}, {"EUR": 12_000})


async def test_the_same_key_is_the_same_effect(wire: Wire) -> None:
    first = await wire.post("/v1/charges", "k", CHARGE)
    url, headers = f"{wire.address}/v1/charges", {"Idempotency-Key": "k"}
    async with wire.session.post(url, json=CHARGE, headers=headers) as again:
        assert (again.status, await again.json()) == first
        assert again.headers["Idempotent-Replayed"] == "true"
    status, told = await wire.post("/v1/charges", "k", {**CHARGE, "amount": 1})
    assert (status, told["error"]["code"]) == (409, "idempotency_key_reused")
    status, told = await wire.post("/v1/refunds", "k", REFUND)
    assert (status, told["error"]["code"]) == (409, "idempotency_key_reused")
    assert (await wire.get("/v1/effects", idempotency_key="k"))["effects"] == [first[1]]
    assert (await wire.get("/playground/payments/state"))["replays"] == 1


async def test_twenty_at_once_with_one_key_are_one_effect(wire: Wire) -> None:
    await wire.post("/v1/charges", "seed", CHARGE)
    answers = await asyncio.gather(*(wire.post("/v1/refunds", "k", REFUND) for _ in range(20)))
    assert {status for status, _ in answers} == {201}
    assert len({refund["id"] for _, refund in answers}) == 1
    assert (await wire.get("/v1/refunds", account="northwind"))["count"] == 1


@pytest.mark.parametrize(
    ("path", "key", "body", "status", "code"),
    [
        ("/v1/charges", None, CHARGE, 400, "idempotency_key_missing"),
        ("/v1/charges", "k", {**CHARGE, "amount": 0}, 400, "invalid_request"),
        ("/v1/charges", "k", {**CHARGE, "amount": 1.5}, 400, "invalid_request"),
        ("/v1/charges", "k", {**CHARGE, "amount": "12"}, 400, "invalid_request"),
        ("/v1/charges", "k", {**CHARGE, "currency": "eur"}, 400, "invalid_request"),
        ("/v1/charges", "k", {**CHARGE, "tip": 1}, 400, "invalid_request"),
        ("/v1/charges", "k", [], 400, "invalid_request"),
        ("/v1/refunds", "k", {**REFUND, "charge": "ch_1"}, 400, "invalid_request"),
        ("/v1/refunds", "k", {**REFUND, "account": "globex"}, 404, "charge_not_found"),
        ("/v1/refunds", "k", {**REFUND, "reference": "INV-9"}, 404, "charge_not_found"),
        ("/v1/refunds", "k", {**REFUND, "currency": "USD"}, 422, "currency_mismatch"),
    ],
)
async def test_bad_orders_have_no_effect(
    wire: Wire, path: str, key: str | None, body: Any, status: int, code: str
) -> None:
    await wire.post("/v1/charges", "seed", CHARGE)
    got, told = await wire.post(path, key, body)
    assert (got, told["error"]["code"]) == (status, code)
    assert told["error"]["message"]
    state = await wire.get("/playground/payments/state")
    assert (state["charges"], state["refunds"]) == (1, 0)


async def test_without_the_key_nothing_is_shown_or_done(wire: Wire) -> None:
    async with ClientSession() as stranger:
        async with stranger.post(f"{wire.address}/v1/charges", json=CHARGE) as answer:
            assert answer.status == 401
        async with stranger.get(f"{wire.address}/v1/charges") as answer:
            assert answer.status == 401
        async with stranger.get(f"{wire.address}/healthz") as answer:
            assert answer.status == 200
    assert (await wire.get("/v1/charges"))["count"] == 0


async def test_a_dropped_answer_leaves_one_effect_that_can_be_looked_up(wire: Wire) -> None:
    await wire.post("/v1/charges", "seed", CHARGE)
    url = f"{wire.address}/playground/payments/faults"
    order = {"kind": "drop_answer", "method": "POST /v1/refunds"}
    async with wire.session.post(url, json=order) as armed:
        assert armed.status == 200
    with pytest.raises(ServerDisconnectedError):
        await wire.post("/v1/refunds", "k", REFUND)
    found = await wire.get("/v1/effects", idempotency_key="k")
    assert found["count"] == 1
    assert (await wire.post("/v1/refunds", "k", REFUND))[1] == found["effects"][0]
    assert (await wire.get("/v1/refunds"))["count"] == 1


@pytest.mark.parametrize(("kind", "status"), [("rate_limited", 429), ("server_error", 503)])
async def test_refused_calls_have_no_effect(wire: Wire, kind: str, status: int) -> None:
    url = f"{wire.address}/playground/payments/faults"
    async with wire.session.post(url, json={"kind": kind}) as armed:
        assert armed.status == 200
    assert (await wire.post("/v1/charges", "k", CHARGE))[0] == status
    assert (await wire.get("/v1/effects", idempotency_key="k"))["count"] == 0


async def test_the_feed_tells_effects_and_replays(wire: Wire) -> None:
    assert wire.provider is not None
    await wire.post("/v1/charges", "k", CHARGE)
    await wire.post("/v1/charges", "k", CHARGE)
    assert [change["type"] for change in wire.provider.feed.after(0)] == ["charge", "replay"]


@asynccontextmanager
async def process(database: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """The provider in its own process; ended on the way out when it still runs."""
    started = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "playground.payments_api", "--database", str(database)),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert started.stdout is not None
        async with asyncio.timeout(30):
            line = (await started.stdout.readline()).decode()
        address = re.search(r"http://\S+", line)
        assert address is not None, line
        yield started, address.group()
    finally:
        if started.returncode is None:
            started.terminate()
        await started.wait()


async def test_a_killed_provider_keeps_its_effects(tmp_path: Path) -> None:
    database = tmp_path / "payments.db"
    async with process(database) as (provider, address), session() as client:
        wire = Wire(address=address, session=client)
        await wire.post("/v1/charges", "seed", CHARGE)
        arm = {"kind": "slow_answer", "delay_seconds": 60, "method": "POST /v1/refunds"}
        async with client.post(f"{address}/playground/payments/faults", json=arm) as armed:
            assert armed.status == 200
        waiting = asyncio.ensure_future(wire.post("/v1/refunds", "k", REFUND))
        async with asyncio.timeout(10):
            while not (await wire.get("/v1/effects", idempotency_key="k"))["count"]:
                assert not waiting.done()
        provider.send_signal(signal.SIGKILL)
        with pytest.raises((ServerDisconnectedError, ConnectionResetError)):
            await waiting
    async with process(database) as (provider, address), session() as client:
        wire = Wire(address=address, session=client)
        assert (await wire.get("/v1/effects", idempotency_key="k"))["count"] == 1
        assert (await wire.post("/v1/refunds", "k", REFUND))[0] == 201
        assert (await wire.get("/v1/refunds"))["count"] == 1
        provider.send_signal(signal.SIGINT)
        async with asyncio.timeout(10):
            assert await provider.wait() == 0
