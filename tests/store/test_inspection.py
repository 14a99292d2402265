"""Reading the newest entries from another process: nothing is written, nothing is locked."""

import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from agent_core.errors import StoreError
from agent_core.people import AccountId
from agent_core.ports import UnitOfWork
from agent_core.store.inspection import recent_ledger, recent_proposals
from agent_core.store.migrations import migrate
from agent_core.store.sql_store import SqlStore
from tests.builders import NOON, a_conversation, a_ledger_entry, a_proposal, a_thread


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'hand rail?.db'}"
    fresh_database: Callable[[], str] = request.getfixturevalue("fresh_database")
    return fresh_database()


def fill(tx: UnitOfWork) -> None:
    """Three proposals and entries of two accounts, a minute apart."""
    tx.conversations.add(a_conversation(), a_thread())
    for number, account in enumerate(("northwind", "globex", "northwind")):
        key, at = f"pro_{number}", NOON + timedelta(minutes=number)
        of = {"account_id": AccountId(account)}
        tx.proposals.add(a_proposal(key, **of, fingerprint=f"mark {number}", proposed_at=at))
        tx.ledger.intend(a_ledger_entry(key, **of, intended_at=at))


async def test_the_newest_of_all_accounts_come_first(url: str) -> None:
    migrate(url)
    store = SqlStore(url)
    await store.run(fill)
    try:
        proposals, entries = recent_proposals(url, 2), recent_ledger(url, 2)
        stored = await store.run(lambda tx: [tx.proposals.get(each.id) for each in proposals])
        written = await store.run(lambda tx: [tx.ledger.get(each.key) for each in entries])
    finally:
        await store.close()
    assert [each.id for each in proposals] == ["pro_2", "pro_1"]
    assert list(proposals) == stored
    assert [(each.key, each.account_id) for each in entries] == [
        ("pro_2", "northwind"),
        ("pro_1", "globex"),
    ]
    assert list(entries) == written


async def test_it_reads_beside_a_writer_who_holds_the_database(tmp_path: Path) -> None:
    file = tmp_path / "handrail.db"
    url = f"sqlite:///{file}"
    migrate(url)
    store = SqlStore(url)
    await store.run(fill)
    await store.close()
    writer = sqlite3.connect(file, isolation_level=None)
    try:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("DELETE FROM hr_ledger")
        assert len(recent_ledger(url, 10)) == 3
    finally:
        writer.close()


def test_a_database_that_is_not_there_is_told_and_not_made(tmp_path: Path) -> None:
    file = tmp_path / "nothing.db"
    with pytest.raises(StoreError):
        recent_proposals(f"sqlite:///{file}", 10)
    assert not file.exists()


def test_a_database_without_tables_is_told(tmp_path: Path) -> None:
    file = tmp_path / "empty.db"
    sqlite3.connect(file).close()
    with pytest.raises(StoreError):
        recent_ledger(f"sqlite:///{file}", 10)
