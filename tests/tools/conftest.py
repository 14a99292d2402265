"""The real payment stand-in, and a seeded account system that uses it over HTTP."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest

from playground import people
from playground.faults import Fault, FaultKind
from playground.payments_api.app import Provider, running
from tools.accounts.payments import Payments
from tools.accounts.seed import seed
from tools.accounts.sql_gateway import SqlAccounts

NOW = datetime(2026, 3, 16, 9, 30, tzinfo=UTC)


@dataclass(slots=True, kw_only=True)
class Till:
    """A payment server and our client for it. `waits` are the pauses that the client made."""

    provider: Provider
    url: str
    payments: Payments
    waits: list[float]

    def spoil(self, kind: FaultKind, method: str, **more) -> None:
        self.provider.faults.add(Fault(server="payments", kind=kind, method=method, **more))

    def effects(self, key: str) -> list:
        return self.provider.book.find(None, idempotency_key=key)


@pytest.fixture
async def till(tmp_path: Path) -> AsyncIterator[Till]:
    waits: list[float] = []

    async def wait(seconds: float) -> None:
        waits.append(seconds)

    async with (
        running(tmp_path / "payments.db") as (provider, url),
        aiohttp.ClientSession() as session,
    ):
        payments = Payments(url, people.PAYMENTS_API_KEY, session, answer_seconds=2.0, wait=wait)
        yield Till(provider=provider, url=url, payments=payments, waits=waits)


@pytest.fixture
async def accounts(till: Till, tmp_path: Path) -> AsyncIterator[SqlAccounts]:
    """The sample accounts on SQLite, paid at the payment stand-in."""
    gateway = SqlAccounts(f"sqlite:///{tmp_path}/accounts.db", till.payments)
    await gateway.prepare()
    await seed(gateway, till.payments, NOW)
    yield gateway
    await gateway.close()
