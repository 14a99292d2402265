"""The stores that races are run on: memory, a SQLite file, a Postgres database."""

import shutil
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from agent_core.ports import Store
from agent_core.store.memory_store import MemoryStore
from agent_core.store.migrations import migrate
from agent_core.store.sql_store import SqlStore


@dataclass(frozen=True, slots=True)
class Open:
    """Call it for a new, empty store. `is_cheap`: there may be hundreds."""

    new: Callable[[], Store]
    is_cheap: bool = False

    def __call__(self) -> Store:
        return self.new()


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database with its tables, to be copied."""
    path = tmp_path_factory.mktemp("template") / "handrail.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    made = iter(range(100_000))
    if request.param == "memory":
        return Open(MemoryStore, is_cheap=True)
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("migrated_file")

        def copied() -> Store:
            path = tmp_path / f"handrail-{next(made)}.db"
            shutil.copyfile(template, path)
            return SqlStore(f"sqlite:///{path}")

        return Open(copied)
    url: str = request.getfixturevalue("migrated_database")
    return Open(lambda: SqlStore(_emptied(url)))


@pytest.fixture(scope="module")
def migrated_database(postgres_url: str) -> Iterator[str]:
    """A Postgres database with its tables, for one store at a time."""
    name = f"races_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
    url = urlsplit(postgres_url)._replace(path=f"/{name}").geturl()
    migrate(url)
    yield url
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))


def _emptied(url: str) -> str:
    with psycopg.connect(url, autocommit=True) as connection:
        rows = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> %s "
            "AND tablename NOT LIKE 'hr_audit%%'",  # append-only, as it should be
            ("hr_alembic_version",),
        ).fetchall()
        names = SQL(", ").join(Identifier(row[0]) for row in rows)
        connection.execute(SQL("TRUNCATE {} RESTART IDENTITY CASCADE").format(names))
    return url
