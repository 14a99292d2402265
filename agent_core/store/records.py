"""The stored tables row by row, under their own names: for erasure and retention alone.

Both have to reach every column of every table, in every store alike. Whatever else the core does
with its rows, it does through the repositories.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Protocol

import sqlalchemy as sa

from agent_core.store.tables import Stored

Row = Mapping[str, Any]
CHUNK = 400  # values in one statement: SQLite takes a limited number


class Records(Protocol):
    """Rows as they are stored: JSON columns are text, times are aware."""

    def rows(self, table: str, column: str, values: Collection[Any]) -> Sequence[Row]:
        """Those whose column has one of the values."""
        ...

    def containing(self, table: str, column: str, texts: Collection[str]) -> Sequence[Row]:
        """Those whose text has one of these in it. Reads the whole table."""
        ...

    def walk(self, table: str, column: str, after: Any, limit: int) -> Sequence[Row]:
        """The next `limit` rows by this column, which is the primary key; None: from the start."""
        ...

    def change(self, table: str, keys: Row, values: Row) -> None:
        """Sets columns of the one row that `keys` (its primary key) names."""
        ...

    def delete(self, table: str, column: str, values: Collection[Any]) -> int:
        """How many rows there were."""
        ...

    def key_of(self, table: str, row: Row) -> Row:
        """The row's primary key."""
        ...


def chunks(values: Collection[Any]) -> Iterator[list[Any]]:
    """The values in lists that one statement can take."""
    left = iter(sorted(set(values), key=str))
    while chunk := list(islice(left, CHUNK)):
        yield chunk


def stored_table(name: str) -> sa.Table:
    """The Core table of this name."""
    return Stored.metadata.tables[name]


def primary_key(table: str, row: Row) -> dict[str, Any]:
    """The row's primary key, by the names of its columns."""
    return {column.name: row[column.name] for column in stored_table(table).primary_key.columns}


class SqlRecords:
    """`Records` on one transaction's connection."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def rows(self, table: str, column: str, values: Collection[Any]) -> Sequence[Row]:
        stored = stored_table(table)
        found: list[Row] = []
        for chunk in chunks(values):
            query = sa.select(stored).where(stored.c[column].in_(chunk))
            found += [dict(row) for row in self._connection.execute(query).mappings()]
        return found

    def containing(self, table: str, column: str, texts: Collection[str]) -> Sequence[Row]:
        stored = stored_table(table)
        found: list[Row] = []
        for text in sorted(set(texts)):
            query = sa.select(stored).where(stored.c[column].contains(text, autoescape=True))
            found += [dict(row) for row in self._connection.execute(query).mappings()]
        return found

    def walk(self, table: str, column: str, after: Any, limit: int) -> Sequence[Row]:
        stored = stored_table(table)
        query = sa.select(stored).order_by(stored.c[column]).limit(limit)
        if after is not None:
            query = query.where(stored.c[column] > after)
        return [dict(row) for row in self._connection.execute(query).mappings()]

    def change(self, table: str, keys: Row, values: Row) -> None:
        stored = stored_table(table)
        matches = [stored.c[name] == value for name, value in keys.items()]
        self._connection.execute(sa.update(stored).where(*matches).values(dict(values)))

    def delete(self, table: str, column: str, values: Collection[Any]) -> int:
        stored = stored_table(table)
        return sum(
            self._connection.execute(sa.delete(stored).where(stored.c[column].in_(chunk))).rowcount
            for chunk in chunks(values)
        )

    def key_of(self, table: str, row: Row) -> Row:
        return primary_key(table, row)
