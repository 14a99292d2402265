"""Says whether a database can be used as it is, and what to do where it cannot."""

from pathlib import Path

import sqlalchemy as sa
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from agent_core.store import migrations
from agent_core.store.sql_store import make_engine


def database_problem(url: str) -> str:
    """One sentence with the remedy; "" where the database is reached and up to date.

    Raises ConfigurationError for a URL that names no SQLite file and no Postgres database.
    """
    if url.startswith("sqlite") and not Path(url.partition(":///")[2]).is_file():
        return "The database does not exist yet: make it with: handrail migrate"
    engine = make_engine(url)
    try:
        with engine.connect() as connection:
            options = {"version_table": migrations.VERSION_TABLE}
            current = MigrationContext.configure(connection, opts=options).get_current_revision()
    except sa.exc.SQLAlchemyError as error:
        return f"The database cannot be reached ({type(error).__name__}): check its URL."
    finally:
        engine.dispose()
    if current != _newest():
        return "The database is not at this version: bring it there with: handrail migrate"
    return ""


def _newest() -> str | None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    return ScriptDirectory.from_config(config).get_current_head()
