"""While a newer version is rolled out, the older one goes on: what a migration may do to it."""

import importlib
import pkgutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from agent_core.errors import ConfigurationError
from agent_core.store import migrations
from agent_core.store.migrations import is_newer, migrate, versions
from agent_core.store.migrations.scope import ours
from agent_core.store.sql_store import make_engine

REVISIONS = sorted(
    importlib.import_module(f"{versions.__name__}.{found.name}").revision
    for found in pkgutil.iter_modules(versions.__path__)
)
HEAD = REVISIONS[-1]
NEWER = f"{int(HEAD) + 1:04}"


def upgrade(engine: sa.Engine, revision: str) -> None:
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(Path(migrations.__file__).parent))
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


Shape = dict[str, dict[str, Any]]


def indexed(one: Any) -> tuple[str, ...]:
    return tuple(name for name in one["column_names"] if name)


def shape(engine: sa.Engine) -> tuple[Shape, dict[str, set[tuple[str, ...]]], str]:
    """Columns by table and name, what is unique in each table, and the floor."""
    with engine.connect() as connection:
        found = sa.inspect(connection)
        names = [name for name in found.get_table_names() if ours(None, name, "table", True, None)]
        columns = {n: {one["name"]: one for one in found.get_columns(n)} for n in names}
        unique = {
            n: {
                indexed(one)
                for one in (*found.get_unique_constraints(n), *found.get_indexes(n))
                if one.get("unique", True)
            }
            for n in names
        }
        floor = "0000"
        if "hr_floor" in names:
            floor = connection.execute(sa.text("SELECT revision FROM hr_floor")).scalar_one()
        return columns, unique, floor


def broken(engine: sa.Engine, revision: str) -> list[str]:
    """What the version before `revision` could no longer do once the database is there."""
    before, unique_before, _ = shape(engine)
    upgrade(engine, revision)
    after, unique_after, floor = shape(engine)
    if floor >= revision:
        return []  # it says so itself: the version before refuses to start
    found = []
    for table, columns in before.items():
        now = after.get(table, {})
        found += [f"{table}.{name} is gone" for name in columns.keys() - now.keys()]
        for name, column in now.items():
            was = columns.get(name)
            required = not column["nullable"] and column["default"] is None
            if was is None and required:
                found.append(f"{table}.{name} is required and has no default")
            if was is not None and was["nullable"] and not column["nullable"]:
                found.append(f"{table}.{name} is required now")
            if was is not None and str(was["type"]) != str(column["type"]):
                found.append(f"{table}.{name} is a {column['type']} now")
        for more in unique_after.get(table, set()) - unique_before[table]:
            if set(more) <= columns.keys():
                found.append(f"{table}: {', '.join(more)} must be unique now")
    return found


def check_every_migration(url: str) -> None:
    engine = make_engine(url)
    try:
        upgrade(engine, REVISIONS[0])
        found = {revision: broken(engine, revision) for revision in REVISIONS[1:]}
    finally:
        engine.dispose()
    assert {revision: what for revision, what in found.items() if what} == {}


def test_a_migration_only_adds_on_sqlite(tmp_path: Path) -> None:
    check_every_migration(f"sqlite:///{tmp_path / 'handrail.db'}")


@pytest.mark.postgres
def test_a_migration_only_adds_on_postgres(fresh_database: Callable[[], str]) -> None:
    check_every_migration(fresh_database())


@pytest.mark.parametrize(
    "statement, said",
    [
        ("ALTER TABLE hr_people RENAME COLUMN name TO title", "hr_people.name is gone"),
        ("DROP TABLE hr_brakes", "hr_brakes.scope is gone"),
        ("CREATE UNIQUE INDEX ux_now ON hr_people (name)", "name must be unique now"),
    ],
)
def test_a_migration_that_takes_away_would_be_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, statement: str, said: str
) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'handrail.db'}")
    upgrade(engine, HEAD)

    def taking_away(engine: sa.Engine, _revision: str) -> None:
        with engine.begin() as connection:
            connection.execute(sa.text(statement))

    monkeypatch.setitem(globals(), "upgrade", taking_away)
    found = broken(engine, NEWER)
    engine.dispose()
    assert said in str(found)


def pretend_newer(url: str, floor: str) -> None:
    """As a newer version leaves the database: another revision, a table and a column more."""
    engine = make_engine(url)
    with engine.begin() as connection:
        for statement in (
            f"UPDATE hr_alembic_version SET version_num = '{NEWER}'",
            f"UPDATE hr_floor SET revision = '{floor}'",
            "ALTER TABLE hr_people ADD COLUMN nickname VARCHAR",
            "CREATE TABLE hr_novelties (id VARCHAR PRIMARY KEY)",
        ):
            connection.execute(sa.text(statement))
    engine.dispose()


def test_an_older_version_starts_beside_a_newer_one_that_lets_it(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'handrail.db'}"
    migrate(url)
    assert not is_newer(url)
    pretend_newer(url, HEAD)
    migrate(url)  # changes nothing
    assert is_newer(url)


def test_an_older_version_that_would_break_something_refuses_to_start(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'handrail.db'}"
    migrate(url)
    pretend_newer(url, NEWER)
    with pytest.raises(ConfigurationError, match="upgrade this process too"):
        migrate(url)
    with pytest.raises(ConfigurationError, match="upgrade this process too"):
        is_newer(url)
