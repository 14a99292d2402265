"""Core statements on one connection: the few verbs that the repositories share.

A refused insert or update is seen in its row count and never as a database error: on Postgres an
error would end the whole transaction, also where the caller knows what to do next.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

Params = Mapping[str, Any]


@cache
def _insert_new(dialect: str, table: sa.Table) -> sa.Insert:
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    return insert(table).on_conflict_do_nothing()


@cache
def _replace(dialect: str, table: sa.Table, changed: tuple[str, ...]) -> sa.Insert:
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    statement = insert(table)
    return statement.on_conflict_do_update(
        index_elements=list(table.primary_key.columns),
        set_={name: statement.excluded[name] for name in changed},
    )


class Sql:
    """One transaction's connection."""

    __slots__ = ("_dialect", "connection")

    def __init__(self, connection: sa.Connection) -> None:
        self.connection = connection
        self._dialect = connection.dialect.name

    def one(self, statement: sa.Executable, **params: Any) -> Sequence[Any] | None:
        return self.connection.execute(statement, params).first()

    def all(self, statement: sa.Executable, **params: Any) -> Sequence[Sequence[Any]]:
        return self.connection.execute(statement, params).all()

    def change(self, statement: sa.Executable, params: Params) -> int:
        """How many rows an UPDATE or DELETE touched."""
        return self.connection.execute(statement, dict(params)).rowcount

    def add(self, table: sa.Table, row: Params) -> bool:
        """False where a unique column has this value already."""
        return self.connection.execute(_insert_new(self._dialect, table), dict(row)).rowcount == 1

    def add_all(self, table: sa.Table, rows: Sequence[Params]) -> bool:
        """In one statement. False where any of them has a unique column's value already: the
        others are in then, and the caller has to end the transaction."""
        if not rows:
            return True
        statement = _insert_new(self._dialect, table)
        return self.connection.execute(statement, rows).rowcount == len(rows)

    def put(self, table: sa.Table, row: Params, changed: tuple[str, ...]) -> None:
        """Inserts the row, or sets the `changed` columns of the one with its primary key."""
        self.connection.execute(_replace(self._dialect, table, changed), dict(row))


def given(name: str) -> sa.BindParameter[Any]:
    """A parameter of a WHERE clause. Its name must not be a column's, which would be set."""
    return sa.bindparam(f"b_{name}")


def given_many(name: str) -> sa.BindParameter[Any]:
    """A list in a WHERE clause."""
    return sa.bindparam(f"b_{name}", expanding=True)
