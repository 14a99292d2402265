"""Core statements on one connection: the few verbs that the repositories share.

A refused insert or update is seen in its row count and never as a database error: on Postgres an
error would end the whole transaction, also where the caller knows what to do next.
"""

import sqlite3
from collections.abc import Sequence
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from agent_core.store.prepared import Params, Prepared, prepared


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
    """One transaction's connection.

    On SQLite statements run prepared, unless somebody listens to what SQLAlchemy executes.
    """

    __slots__ = ("_dialect", "_driver", "connection")

    def __init__(self, connection: sa.Connection) -> None:
        self.connection = connection
        self._dialect = connection.dialect
        self._driver: Any = None
        if self._dialect.name == "sqlite" and not connection.engine.dispatch.before_cursor_execute:
            self._driver = connection.connection.dbapi_connection

    def one(self, statement: sa.Executable, **params: Any) -> Sequence[Any] | None:
        simple = self._prepared(statement, params)
        if simple is None:
            return self.connection.execute(statement, params).first()
        return next(iter(self._rows(simple, params)), None)

    def all(self, statement: sa.Executable, **params: Any) -> Sequence[Sequence[Any]]:
        simple = self._prepared(statement, params)
        if simple is None:
            return self.connection.execute(statement, params).all()
        return self._rows(simple, params)

    def change(self, statement: sa.Executable, params: Params) -> int:
        """How many rows an INSERT, UPDATE or DELETE touched."""
        simple = self._prepared(statement, params)
        if simple is None:
            return self.connection.execute(statement, dict(params)).rowcount
        return self._count(simple, [params])

    def add(self, table: sa.Table, row: Params) -> bool:
        """False where a unique column has this value already."""
        return self.change(_insert_new(self._dialect.name, table), row) == 1

    def add_all(self, table: sa.Table, rows: Sequence[Params]) -> bool:
        """In one statement. False where any of them has a unique column's value already: the
        others are in then, and the caller has to end the transaction."""
        if not rows:
            return True
        statement = _insert_new(self._dialect.name, table)
        simple = self._prepared(statement, rows[0])
        if simple is None:
            return self.connection.execute(statement, rows).rowcount == len(rows)
        return self._count(simple, rows) == len(rows)

    def put(self, table: sa.Table, row: Params, changed: tuple[str, ...]) -> None:
        """Inserts the row, or sets the `changed` columns of the one with its primary key."""
        self.change(_replace(self._dialect.name, table, changed), row)

    def _prepared(self, statement: sa.Executable, params: Params) -> Prepared | None:
        if self._driver is None:
            return None
        return prepared(statement, self._dialect, tuple(params))

    def _rows(self, simple: Prepared, params: Params) -> list[Sequence[Any]]:
        try:
            cursor = self._driver.execute(simple.text, simple.values(params))
            found = simple.rows(cursor)
            cursor.close()
        except sqlite3.Error as problem:
            raise simple.refused(problem) from problem
        return found

    def _count(self, simple: Prepared, rows: Sequence[Params]) -> int:
        try:
            if len(rows) == 1:
                cursor = self._driver.execute(simple.text, simple.values(rows[0]))
            else:
                cursor = self._driver.executemany(simple.text, map(simple.values, rows))
            count: int = cursor.rowcount
            cursor.close()
        except sqlite3.Error as problem:
            raise simple.refused(problem) from problem
        return count


def given(name: str) -> sa.BindParameter[Any]:
    """A parameter of a WHERE clause. Its name must not be a column's, which would be set."""
    return sa.bindparam(f"b_{name}")


def given_many(name: str) -> sa.BindParameter[Any]:
    """A list in a WHERE clause."""
    return sa.bindparam(f"b_{name}", expanding=True)
