"""Brings a database's tables to this version of the code, with Alembic and without its files."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext

from agent_core.errors import ConfigurationError
from agent_core.store.migrations.scope import ours
from agent_core.store.sql_store import in_a_line, make_engine
from agent_core.store.tables import Stored

VERSION_TABLE = "hr_alembic_version"


def migrate(url: str) -> None:
    """Creates or upgrades our tables; does nothing where they are up to date.

    Other tables of the database are left alone. Safe to call from several processes at once.
    Raises ConfigurationError for a URL that names no SQLite file and no Postgres database, and
    for a database that cannot be opened.
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
            command.upgrade(config, "head")
    except sa.exc.OperationalError as problem:
        shown = engine.url.render_as_string(hide_password=True)
        raise ConfigurationError(
            [f"the database {shown} cannot be opened: {in_a_line(problem)}"]
        ) from None
    finally:
        engine.dispose()


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
