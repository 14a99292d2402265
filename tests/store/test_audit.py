"""The audit log's store: its seal, its cost, its trigger, and many writers at once."""

import asyncio
import stat
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from agent_core.audit import parse_key
from agent_core.audit_check import verify
from agent_core.errors import ConfigurationError, StoreError
from agent_core.ports import UnitOfWork
from agent_core.store.audit_seal import AesSeal, key_of_file
from agent_core.store.migrations import migrate
from agent_core.store.sql_store import SqlStore, make_engine
from tests.builders import ACME
from tests.contracts.store_audit_suite import a_draft, write

FIRST, SECOND = b"1" * 32, b"2" * 32


@pytest.fixture
def url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'handrail.db'}"
    migrate(url)
    return url


# --- the seal ---------------------------------------------------------------------------------


def test_what_is_sealed_opens_in_its_own_place_only() -> None:
    seal = AesSeal(FIRST)
    key = seal.new_key()
    sealed = seal.close(key, "Ada", "acme\n1")
    assert seal.open(key, sealed, "acme\n1") == "Ada"
    with pytest.raises(StoreError, match="spoilt"):
        seal.open(key, sealed, "acme\n2")
    assert seal.open(seal.new_key(), sealed, "acme\n1") is None


def test_another_master_key_opens_nothing_and_refers_to_others() -> None:
    key = AesSeal(FIRST).new_key()
    with pytest.raises(StoreError, match="HANDRAIL_AUDIT_KEY"):
        AesSeal(SECOND).close(key, "Ada", "")
    assert AesSeal(FIRST).reference("slack:T1/U1") != AesSeal(SECOND).reference("slack:T1/U1")


@pytest.mark.parametrize("text", ["", "short", "!" * 44, "A" * 44])
def test_a_key_that_is_none_is_refused_with_the_remedy(text: str) -> None:
    with pytest.raises(ValueError, match="openssl rand"):
        parse_key(text)


def test_both_alphabets_are_read() -> None:
    assert parse_key("+/" * 21 + "+=") == parse_key("-_" * 21 + "-=")


def test_the_key_file_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "data" / "audit.key"
    start = threading.Barrier(8)

    def read(_: int) -> bytes:
        start.wait()
        return key_of_file(path)

    with ThreadPoolExecutor(8) as threads:
        keys = set(threads.map(read, range(8)))
    assert len(keys) == 1
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["audit.key"]


def test_a_spoilt_key_file_is_told_and_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "audit.key"
    path.write_text("nothing\n")
    with pytest.raises(ConfigurationError, match=r"audit\.key.*holds no key"):
        key_of_file(path)
    assert path.read_text() == "nothing\n"


# --- the rows -----------------------------------------------------------------------------------


@pytest.fixture
def statements() -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_c: object, _k: object, statement: str, *_: object) -> None:
        if "hr_audit" in statement:
            seen.append(statement)

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    yield seen
    sa.event.remove(sa.Engine, "before_cursor_execute", note)


async def test_an_entry_costs_two_statements(url: str, statements: list[str]) -> None:
    store = SqlStore(url)
    await write(store, a_draft())  # the person's key is made
    statements.clear()
    await write(store, a_draft())
    assert len(statements) == 2
    statements.clear()
    await write(store, a_draft(), a_draft(), a_draft())
    assert len(statements) == 4
    await store.close()


async def test_rows_cannot_be_changed_or_deleted(url: str) -> None:
    await _refuses_changes(url)


@pytest.mark.postgres
async def test_rows_cannot_be_changed_or_deleted_on_postgres(
    fresh_database: Callable[[], str],
) -> None:
    url = fresh_database()
    migrate(url)
    await _refuses_changes(url)


async def _refuses_changes(url: str) -> None:
    store = SqlStore(url)
    await write(store, a_draft())
    await store.close()
    engine = make_engine(url)
    for statement in ("UPDATE hr_audit SET facts = '{}'", "DELETE FROM hr_audit"):
        with (
            pytest.raises(sa.exc.DBAPIError, match="never changed"),
            engine.begin() as connection,
        ):
            connection.execute(sa.text(statement))
    engine.dispose()


async def test_with_another_master_key_nothing_is_written(url: str) -> None:
    first = SqlStore(url, seal=AesSeal(FIRST))
    await write(first, a_draft())
    await first.close()
    second = SqlStore(url, seal=AesSeal(SECOND))
    rows = await second.run(lambda tx: tx.audit.entries(ACME))
    assert verify(rows) == ()
    refused: tuple[Callable[[UnitOfWork], object], ...] = (
        lambda tx: tx.audit.opened(rows),
        lambda tx: tx.audit.append(a_draft()),
        lambda tx: tx.audit.check(),
    )
    for work in refused:
        with pytest.raises(StoreError, match="HANDRAIL_AUDIT_KEY"):
            await second.run(work)
    assert await second.run(lambda tx: tx.audit.entries(ACME)) == rows
    await second.close()


@pytest.mark.postgres
async def test_two_services_on_one_chain_wait_for_each_other(
    fresh_database: Callable[[], str],
) -> None:
    """The second one reads the head before the first one commits, and has to read it again."""
    url = fresh_database()
    migrate(url)
    stores = SqlStore(url), SqlStore(url)
    await write(stores[0], a_draft("pro_0"))
    both_read = threading.Barrier(2, timeout=20)

    def append(subject: str) -> Callable[[UnitOfWork], None]:
        def work(tx: UnitOfWork) -> None:
            assert len(tx.audit.entries(ACME)) >= 1
            both_read.wait()
            tx.audit.append(a_draft(subject))

        return work

    await asyncio.gather(stores[0].run(append("pro_1")), stores[1].run(append("pro_2")))
    rows = await stores[0].run(lambda tx: tx.audit.entries(ACME))
    assert [row.seq for row in rows] == [1, 2, 3]
    assert {row.subject for row in rows} == {"pro_0", "pro_1", "pro_2"}
    assert verify(rows) == ()
    for store in stores:
        await store.close()
