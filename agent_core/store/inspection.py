"""The newest proposals and ledger entries of all accounts, read without a chance to write.

For pages that show what is happening, also in another process than the service: SQLite is opened
read-only, Postgres in a read-only transaction, and no lock is taken.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa

from agent_core.errors import StoreError
from agent_core.proposals import LedgerEntry, Proposal
from agent_core.store.rows import LEDGER, PROPOSALS
from agent_core.store.sql import given
from agent_core.store.sql_store import database_url, postgres_wishes

_BUSY_SECONDS = 5
_PROPOSALS = (
    PROPOSALS.select()
    .order_by(PROPOSALS.table.c.proposed_at.desc(), PROPOSALS.table.c.id.desc())
    .limit(given("limit"))
)
_LEDGER = (
    LEDGER.select()
    .order_by(LEDGER.table.c.intended_at.desc(), LEDGER.table.c.key.desc())
    .limit(given("limit"))
)


def recent_proposals(url: str, limit: int) -> Sequence[Proposal]:
    """The newest first. Blocks. Raises StoreError where the database cannot be read."""
    return [PROPOSALS.from_row(row) for row in _read(url, _PROPOSALS, limit)]


def recent_ledger(url: str, limit: int) -> Sequence[LedgerEntry]:
    """The newest first. Blocks. Raises StoreError where the database cannot be read."""
    return [LEDGER.from_row(row) for row in _read(url, _LEDGER, limit)]


def _read(url: str, statement: sa.Select[Any], limit: int) -> Sequence[Sequence[Any]]:
    try:
        with reading(url) as connection:
            return connection.execute(statement, {"b_limit": limit}).all()
    except sa.exc.DBAPIError as problem:
        raise StoreError(f"the database refused: {type(problem.orig).__name__}") from problem.orig


@contextmanager
def reading(url: str) -> Iterator[sa.Connection]:
    """A connection that can write nothing, and is gone afterwards. Raises DBAPIError."""
    parsed = database_url(url)
    if parsed.get_backend_name() == "sqlite":
        engine = sa.create_engine(
            "sqlite://", creator=lambda: _read_only(parsed.database or ""), poolclass=sa.NullPool
        )
    else:
        engine = sa.create_engine(
            parsed,
            poolclass=sa.NullPool,
            execution_options={"postgresql_readonly": True},
            connect_args=postgres_wishes(parsed),
        )
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def _read_only(path: str) -> sqlite3.Connection:
    file = quote(str(Path(path).absolute()))
    return sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=_BUSY_SECONDS)
