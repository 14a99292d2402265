"""Migrations and tables agree, and other people's tables are left alone."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from agent_core.errors import ConfigurationError
from agent_core.store.migrations import differences, migrate
from agent_core.store.sql_store import SqlStore, database_url, make_engine
from agent_core.store.tables import Stored


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
