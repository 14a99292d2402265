"""What is particular to the SQL account database: opening it, several processes, what it shows."""

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from agent_core.errors import ActionFailed, ConfigurationError
from tests.contracts.accounts_suite import NOW
from tools.accounts.commands import AddSeats
from tools.accounts.gateway import AccountsAway
from tools.accounts.memory_gateway import MemoryPayments
from tools.accounts.seed import NORTHWIND, sample_accounts, seed
from tools.accounts.sql_gateway import SqlAccounts, SqlStorage


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:////nowhere/at/all/accounts.db",
        "nonsense",
        "oracle9://scott:tiger@host/db",
        "postgresql://someone:secret-word@127.0.0.1:1/accounts",
    ],
)
async def test_a_database_that_cannot_be_opened_is_told_without_its_password(url: str) -> None:
    accounts = SqlAccounts(url, MemoryPayments())
    with pytest.raises(ConfigurationError, match="HANDRAIL_ACCOUNTS_URL") as caught:
        await accounts.prepare()
    assert "secret-word" not in str(caught.value)
    await accounts.close()


@pytest.mark.postgres
async def test_whether_a_server_is_away_or_says_no(fresh_database: Callable[[], str]) -> None:
    url = fresh_database()
    host, name = url.rpartition("/")[::2]
    for wrong, away in (
        ("postgresql://someone:secret-word@127.0.0.1:1/accounts", True),
        ("postgresql://someone:secret-word@nowhere.invalid/accounts", False),
        (f"{host}/no-such-database", False),
        (url, True),
    ):
        accounts = SqlAccounts(wrong, MemoryPayments())
        with psycopg.connect(f"{host}/postgres", autocommit=True) as admin:
            admin.execute(SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(Identifier(name)))
        with pytest.raises(ConfigurationError, match="HANDRAIL_ACCOUNTS_URL") as caught:
            await accounts.prepare()
        assert isinstance(caught.value, AccountsAway) is away, wrong
        await accounts.close()


async def test_a_server_whose_connections_are_used_up_is_away() -> None:
    """It keeps the last ones for its administrators, and tells all others so."""
    words = b"remaining connection slots are reserved for roles with the SUPERUSER attribute"
    said = b"SFATAL\0C53300\0M" + words + b"\0\0"

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1024)
        writer.write(b"E" + (len(said) + 4).to_bytes(4, "big") + said)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        place = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        plain = "sslmode=disable&gssencmode=disable"
        accounts = SqlAccounts(f"postgresql://handrail@{place}/accounts?{plain}", MemoryPayments())
        with pytest.raises(AccountsAway):
            await accounts.prepare()
        await accounts.close()


async def test_several_may_prepare_at_once_and_again(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/accounts.db"
    several = [SqlAccounts(url, MemoryPayments()) for _ in range(4)]
    await asyncio.gather(*(each.prepare() for each in several))
    await several[0].prepare()
    await seed(several[0], MemoryPayments(), NOW)
    for each in several:
        assert (await each.state(NORTHWIND, NOW)).account.seats == 12
        await each.close()


async def test_reads_do_not_wait_for_a_writer_of_another_process(tmp_path: Path) -> None:
    accounts = SqlAccounts(f"sqlite:///{tmp_path}/accounts.db", MemoryPayments())
    await accounts.prepare()
    await seed(accounts, MemoryPayments(), NOW)
    other = sqlite3.connect(tmp_path / "accounts.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    other.execute("UPDATE accounts SET seats = 1")
    async with asyncio.timeout(5):
        assert (await accounts.state(NORTHWIND, NOW)).account.seats == 12
    other.execute("ROLLBACK")
    other.close()
    await accounts.close()


async def test_a_broken_database_is_failed_and_not_a_crash(tmp_path: Path) -> None:
    accounts = SqlAccounts(f"sqlite:///{tmp_path}/accounts.db", MemoryPayments())
    await accounts.prepare()
    await seed(accounts, MemoryPayments(), NOW)
    with sqlite3.connect(tmp_path / "accounts.db") as other:
        other.execute("DROP TABLE effects")
    other.close()
    with pytest.raises(ActionFailed):
        await accounts.apply(NORTHWIND, AddSeats(count=1), key="k", expected_version=1, now=NOW)
    await accounts.close()


def test_the_sample_is_the_same_every_time() -> None:
    assert sample_accounts(NOW) == sample_accounts(NOW)
    states = sample_accounts(NOW)
    for state in states:
        assert state.account.period_start < NOW.date() < state.account.period_end
        assert len({member.email for member in state.members}) == len(state.members)
        assert len(state.members) <= state.account.seats


@pytest.mark.postgres
async def test_a_database_that_falls_silent_keeps_no_process_from_its_end(
    fresh_database: Callable[[], str],
) -> None:
    """The loop runs on meanwhile: a second signal has to be heard."""
    url = fresh_database()
    storage = SqlStorage(url, close_seconds=2.0)
    await storage.prepare()
    async with await psycopg.AsyncConnection.connect(url) as other:
        await other.execute("LOCK TABLE accounts")
        looks = [
            asyncio.create_task(storage.read(lambda unit: unit.search("", 1))) for _ in "abcde"
        ]
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        async with asyncio.timeout(20):
            # All its threads.
            while (await (await other.execute(waiting)).fetchone()) != (4,):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        closing = asyncio.create_task(storage.close())
        await other.execute("SELECT 1")
        assert not closing.done()
        async with asyncio.timeout(20):
            await closing
        ends = await asyncio.gather(*looks, return_exceptions=True)
    assert sorted(type(end).__name__ for end in ends) == [*["ActionFailed"] * 4, "CancelledError"]
