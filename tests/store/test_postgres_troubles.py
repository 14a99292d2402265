"""What only Postgres can do to a transaction: deadlocks and connections that go away."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable

import psycopg
import pytest

from agent_core.errors import StoreError
from agent_core.ports import UnitOfWork
from agent_core.store import sql_store
from agent_core.store.migrations import migrate
from agent_core.store.sql_store import SqlStore
from tests.builders import NOON, a_conversation, a_thread, an_entry

pytestmark = pytest.mark.postgres


@pytest.fixture
def url(fresh_database: Callable[[], str]) -> str:
    url = fresh_database()
    migrate(url)
    return url


@pytest.fixture
async def store(url: str) -> AsyncIterator[SqlStore]:
    store = SqlStore(url)
    yield store
    await store.close()


async def test_a_deadlock_costs_a_second_try_and_nothing_else(store: SqlStore) -> None:
    names = ("con_1", "con_2")
    for name in names:
        conversation, thread = a_conversation(name), a_thread(name)
        await store.run(lambda tx: tx.conversations.add(conversation, thread))  # noqa: B023
    met, tries = threading.Barrier(2), []

    def lock_both(tx: UnitOfWork, first: str, second: str) -> None:
        tries.append(first)
        tx.transcript.append(an_entry(first))
        if tries.count(first) == 1:
            met.wait(timeout=20)
        tx.transcript.append(an_entry(second))

    await asyncio.gather(
        store.run(lambda tx: lock_both(tx, *names)),
        store.run(lambda tx: lock_both(tx, *reversed(names))),
    )
    assert len(tries) == 3
    for name in names:
        last = await store.run(lambda tx: tx.transcript.last(a_conversation(name).id, 9))  # noqa: B023
        assert [entry.seq for entry in last] == [1, 2]


async def test_a_lost_connection_fails_one_transaction(store: SqlStore, url: str) -> None:
    def cut_and_write(tx: UnitOfWork) -> None:
        assert tx.inbox.take("event-1", NOON)
        with psycopg.connect(url, autocommit=True) as admin:
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        tx.inbox.take("event-2", NOON)

    with pytest.raises(StoreError, match="the database refused"):
        await store.run(cut_and_write)
    assert await store.run(lambda tx: tx.inbox.take("event-1", NOON))


async def test_a_lock_that_somebody_holds_keeps_no_process_from_its_end(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql_store, "CLOSE_SECONDS", 0.5)
    store, begun = SqlStore(url), threading.Barrier(2)

    def write(tx: UnitOfWork) -> None:
        begun.wait(timeout=20)
        tx.inbox.take("event-1", NOON)

    async with await psycopg.AsyncConnection.connect(url) as other:
        await other.execute("LOCK TABLE hr_deliveries")
        writing = asyncio.create_task(store.run(write))
        await asyncio.to_thread(begun.wait, 20)
        async with asyncio.timeout(20):
            await store.close()
        with pytest.raises(StoreError):
            await writing
