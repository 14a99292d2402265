"""Brings a database's tables to this version of the code, with Alembic and without its files.

While a newer version is rolled out, the older one works on the tables that the newer has migrated.
So a migration only adds: what it takes away was unused for a whole version, and it then raises the
floor (`raise_floor`), below which a version refuses to start.
"""

from functools import cache
from pathlib import Path

import sqlalchemy as sa
from alembic import command, op
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from agent_core.errors import ConfigurationError
from agent_core.store.migrations.scope import ours
from agent_core.store.sql_store import in_a_line, make_engine
from agent_core.store.tables import Stored

VERSION_TABLE = "hr_alembic_version"


def migrate(url: str) -> None:
    """Creates or upgrades our tables; does nothing where they are up to date.

    Other tables of the database are left alone. Safe to call from several processes at once.
    A newer version's database is used as it is, where that version allows it.
    Raises ConfigurationError for a URL that names no SQLite file and no Postgres database, for a
    database that cannot be opened or changed, and for one that only newer versions may use.
    """
    engine = make_engine(url)
    try:
        with engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                # SQLite's BEGIN IMMEDIATE holds the others back already.
                connection.execute(sa.text("SELECT pg_advisory_xact_lock(7217310001)"))
            config = Config()
            config.set_main_option("script_location", str(Path(__file__).parent))
            config.attributes["connection"] = connection
            if not _is_newer(connection, ScriptDirectory.from_config(config)):
                command.upgrade(config, "head")
    except sa.exc.DBAPIError as problem:
        shown = engine.url.render_as_string(hide_password=True)
        raise ConfigurationError(
            [f"the database {shown} cannot be opened or migrated: {in_a_line(problem)}"]
        ) from None
    finally:
        engine.dispose()


def raise_floor(revision: str) -> None:
    """In a migration that takes something away: code older than `revision` may not work on."""
    op.execute(sa.text("UPDATE hr_floor SET revision = :revision").bindparams(revision=revision))


def is_newer(url: str) -> bool:
    """Whether a newer version has migrated the database, and lets this one work on it.

    Raises ConfigurationError where it does not.
    """
    engine = make_engine(url)
    try:
        with engine.connect() as connection:
            return _is_newer(connection, ScriptDirectory(str(Path(__file__).parent)))
    finally:
        engine.dispose()


@cache
def newest_revision() -> str:
    """The revision that this version of the code brings a database to."""
    return ScriptDirectory(str(Path(__file__).parent)).get_current_head() or ""


def _is_newer(connection: sa.Connection, known: ScriptDirectory) -> bool:
    if not sa.inspect(connection).has_table(VERSION_TABLE):
        return False
    found = connection.execute(sa.text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()
    ours_is = known.get_current_head() or ""
    if found is None or str(found) <= ours_is:
        return False
    floor = connection.execute(sa.text("SELECT revision FROM hr_floor")).scalar_one()
    if str(floor) > ours_is:
        raise ConfigurationError(
            [
                f"a newer Handrail has changed the database (to {found}; this version knows "
                f"{ours_is}, and it takes {floor} at least): upgrade this process too"
            ]
        )
    return True


def differences(url: str) -> list[object]:
    """What a migration would still have to change for the tables to be as the code says."""
    engine = make_engine(url)
    try:
        with engine.connect() as connection:
            options = {"include_object": ours, "version_table": VERSION_TABLE}
            context = MigrationContext.configure(connection, opts=options)
            return list(compare_metadata(context, Stored.metadata))
    finally:
        engine.dispose()
