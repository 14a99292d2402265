"""Migrations and tables agree, and other people's tables are left alone."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from agent_core import store as store_package
from agent_core.errors import ConfigurationError
from agent_core.ports import UnitOfWork
from agent_core.proposals import Proposal, fingerprint
from agent_core.provenance import FROM_OUTSIDE
from agent_core.store.migrations import differences, migrate
from agent_core.store.sql_store import SqlStore, database_url, make_engine
from agent_core.store.tables import Stored
from agent_core.tooling import ToolName
from tests.builders import ACME, NOON, a_proposal


def names(url: str) -> set[str]:
    engine = make_engine(url)
    try:
        return set(sa.inspect(engine).get_table_names())
    finally:
        engine.dispose()


def check_migrations(url: str) -> None:
    engine = make_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE notifications (id integer)"))
    engine.dispose()
    assert differences(url)
    with ThreadPoolExecutor(4) as threads:  # several processes may start at once
        list(threads.map(migrate, [url] * 4))
    assert differences(url) == []
    assert names(url) == {"notifications", "hr_alembic_version", *Stored.metadata.tables}


def test_migrations_make_the_tables_of_the_code_on_sqlite(tmp_path: Path) -> None:
    check_migrations(f"sqlite:///{tmp_path / 'handrail.db'}")


@pytest.mark.postgres
def test_migrations_make_the_tables_of_the_code_on_postgres(
    fresh_database: Callable[[], str],
) -> None:
    check_migrations(fresh_database())


def test_a_column_too_many_would_be_seen(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'handrail.db'}"
    migrate(url)
    engine = make_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE hr_people ADD COLUMN surplus TEXT"))
        connection.execute(sa.text("DROP INDEX ix_hr_inbox_new"))
    engine.dispose()
    found = str(differences(url))
    assert "surplus" in found
    assert "ix_hr_inbox_new" in found


def test_all_tables_bear_the_prefix() -> None:
    assert [name for name in Stored.metadata.tables if not name.startswith("hr_")] == []


@pytest.mark.parametrize(
    "url", ["mysql://localhost/x", "no url", "sqlite://", "sqlite:///:memory:"]
)
def test_a_url_that_cannot_serve_is_refused_in_words(url: str) -> None:
    with pytest.raises(ConfigurationError, match="HANDRAIL_DATABASE_URL"):
        SqlStore(url)


def test_a_file_that_is_no_database_is_said_in_words(tmp_path: Path) -> None:
    file = tmp_path / "handrail.db"
    file.write_text("what somebody copied here by mistake\n" * 50, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"opened or migrated: .*not a database"):
        migrate(f"sqlite:///{file}")


def test_postgres_goes_through_psycopg() -> None:
    for url in ("postgresql://h/db", "postgres://h/db", "postgresql+psycopg2://h/db"):
        assert database_url(url).drivername == "postgresql+psycopg"


@pytest.mark.parametrize(
    "url", ["sqlite:////no/such/folder/x.db", "postgresql://u:secret@[::1]:1/x"]
)
def test_a_database_that_cannot_be_opened_is_said_without_its_password(url: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be opened") as raised:
        migrate(url)
    assert "secret" not in str(raised.value)


# --- rows of a former version -------------------------------------------------------------------

ADD = ToolName("add_seats")


def brought_back(url: str, revision: str) -> None:
    """The tables as they were."""
    engine = make_engine(url)
    config = Config()
    folder = Path(str(store_package.__file__)).parent / "migrations"
    config.set_main_option("script_location", str(folder))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, revision)
    engine.dispose()


async def check_priced_rows(url: str) -> None:
    """Twins of two days, one in each occurrence before, count on; others stay as they are."""
    migrate(url)
    store = SqlStore(url)

    def put(tx: UnitOfWork) -> None:
        for number, (price, occurrence) in enumerate([(500, 1), (480, 1), (480, 2)]):
            tx.proposals.add(
                a_proposal(
                    f"pro_{number}",
                    arguments={"seats": 5, "agreed_minor": price},
                    occurrence=occurrence,
                    proposed_at=NOON.replace(day=NOON.day + number),
                    notes=(FROM_OUTSIDE,) if number == 1 else (),
                )
            )
        more = {"seats": 6, "agreed_minor": 500}
        tx.proposals.add(a_proposal("pro_more", arguments=more))
        contact = {"name": "agreed_minor"}
        tx.proposals.add(a_proposal("pro_else", tool=ToolName("contact"), arguments=contact))

    await store.run(put)
    await store.close()
    brought_back(url, "0006")
    migrate(url)
    store = SqlStore(url)

    def twins(tx: UnitOfWork) -> list[Proposal]:
        return list(tx.proposals.twins(ACME, fingerprint(ACME, ADD, {"seats": 5})))

    def others(tx: UnitOfWork) -> list[Proposal]:
        more = tx.proposals.twins(ACME, fingerprint(ACME, ADD, {"seats": 6}))
        mark = fingerprint(ACME, ToolName("contact"), {"name": "agreed_minor"})
        return [*more, *tx.proposals.twins(ACME, mark)]

    found = await store.run(twins)
    assert [(one.id, one.occurrence) for one in found] == [
        ("pro_0", 1),
        ("pro_1", 2),
        ("pro_2", 3),
    ]
    assert [one.arguments["agreed_minor"] for one in found] == [500, 480, 480]
    assert [one.from_outside for one in found] == [False, True, False]
    assert [(one.id, one.occurrence) for one in await store.run(others)] == [
        ("pro_more", 1),
        ("pro_else", 1),
    ]
    await store.close()


async def test_wishes_of_a_former_version_find_their_twins_on_sqlite(tmp_path: Path) -> None:
    await check_priced_rows(f"sqlite:///{tmp_path / 'handrail.db'}")


@pytest.mark.postgres
async def test_wishes_of_a_former_version_find_their_twins_on_postgres(
    fresh_database: Callable[[], str],
) -> None:
    await check_priced_rows(fresh_database())
