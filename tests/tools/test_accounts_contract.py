"""The account gateway's contract on memory, SQLite and Postgres."""

from collections.abc import AsyncIterator, Callable
from datetime import datetime
from pathlib import Path

import pytest

from tests.contracts.accounts_suite import NOW, AccountsContract, FaultyPayments, World
from tools.accounts.memory_gateway import MemoryAccounts, MemoryStorage
from tools.accounts.seed import seed
from tools.accounts.sql_gateway import SqlAccounts
from tools.accounts.stored_gateway import StoredAccounts

Make = Callable[[FaultyPayments, Callable[[], datetime]], StoredAccounts]


async def _seeded(make: Make) -> AsyncIterator[World]:
    payments, times = FaultyPayments(), {"now": NOW}

    def again() -> StoredAccounts:
        return make(payments, lambda: times["now"])

    accounts = again()
    await accounts.prepare()
    await seed(accounts, payments, NOW)
    yield World(accounts=accounts, payments=payments, again=again, times=times)
    await accounts.close()


class TestMemory(AccountsContract):
    @pytest.fixture
    async def world(self) -> AsyncIterator[World]:
        storage = MemoryStorage()
        async for world in _seeded(lambda pay, clock: MemoryAccounts(pay, clock, storage)):
            yield world


class TestSqlite(AccountsContract):
    @pytest.fixture
    async def world(self, tmp_path: Path) -> AsyncIterator[World]:
        url = f"sqlite:///{tmp_path}/accounts.db"
        async for world in _seeded(lambda pay, clock: SqlAccounts(url, pay, clock)):
            yield world


@pytest.mark.postgres
class TestPostgres(AccountsContract):
    @pytest.fixture
    async def world(self, fresh_database: Callable[[], str]) -> AsyncIterator[World]:
        url = fresh_database()
        async for world in _seeded(lambda pay, clock: SqlAccounts(url, pay, clock)):
            yield world
