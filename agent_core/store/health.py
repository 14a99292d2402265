"""Whether a database can be used as it is: reached, and at this version of the code."""

from pathlib import Path

import sqlalchemy as sa

from agent_core.errors import ConfigurationError, StoreError
from agent_core.store.inspection import reading
from agent_core.store.migrations import VERSION_TABLE, differences, is_newer, newest_revision
from agent_core.store.sql_store import database_url

_REMEDY = "run: handrail migrate"


def database_problem(url: str) -> str | None:
    """A sentence that says what is wrong and what to do; None where all is well.

    Creates no file and changes nothing. Blocks while it asks the database.
    """
    try:
        parsed = database_url(url)
        is_file = parsed.get_backend_name() == "sqlite"
        if is_file and not Path(parsed.database or "").is_file():
            return f"There is no database at {parsed.database} yet: {_REMEDY}"
        if is_newer(url):
            return None  # a rolling upgrade: this older version may work on
        left = differences(url)
    except ConfigurationError as problem:
        return str(problem)
    except sa.exc.DBAPIError as problem:
        return _unreachable(problem)
    if left:
        return f"The database is not at this version ({len(left)} differences): {_REMEDY}"
    return None


def _unreachable(problem: sa.exc.DBAPIError) -> str:
    # Only the first line of what the driver says: it holds no password.
    said = str(problem.orig).strip().partition("\n")[0]
    return f"The database cannot be reached ({said}): check HANDRAIL_DATABASE_URL"


def version_problem(url: str) -> str | None:
    """The same by the version's number alone: cheap enough to ask each minute.

    Names no address, since anybody may read it. Raises StoreError where the database cannot be
    read. Blocks.
    """
    try:
        with reading(url) as connection:
            found = connection.execute(sa.text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()
    except sa.exc.ProgrammingError:
        found = None
    except sa.exc.DBAPIError as problem:
        if "no such table" not in str(problem.orig):
            raise StoreError(f"the database refused: {type(problem.orig).__name__}") from None
        found = None
    if found is None or str(found) < newest_revision():
        return f"The database's tables are older than this version: {_REMEDY}"
    return None
