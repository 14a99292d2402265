"""Statements compiled once for SQLite: to run one again costs little more than SQLite's own work.

SQLAlchemy's way through `Connection.execute` takes several times what SQLite takes for a row by
its key, and a turn runs some fifty such statements. What is not simple (a list in a WHERE clause, a
default made in Python) is not prepared, and goes SQLAlchemy's way.
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.sql.compiler import SQLCompiler

Params = Mapping[str, Any]
_Convert = Callable[[Any], Any]
_REMEMBERED: Final = 1_024


class Prepared:
    """One statement's text, and how its parameters and columns are converted."""

    __slots__ = ("_columns", "_dialect", "_slots", "text")

    def __init__(self, compiled: SQLCompiler, columns: Sequence[sa.ColumnElement[Any]]) -> None:
        self._dialect = compiled.dialect
        self.text = compiled.string
        # For each place: the key of a given parameter or None, its fixed value, how to bind it.
        self._slots: list[tuple[str | None, Any, _Convert | None]] = [
            self._slot(compiled.binds[name]) for name in compiled.positiontup or ()
        ]
        reads = tuple(_reader(column.type, self._dialect) for column in columns)
        self._columns = reads if any(reads) else None

    def _slot(self, bind: sa.BindParameter[Any]) -> tuple[str | None, Any, _Convert | None]:
        convert = bind.type.dialect_impl(self._dialect).bind_processor(self._dialect)
        if bind.required:
            return bind.key, None, convert
        fixed = bind.effective_value
        return None, convert(fixed) if convert else fixed, None

    def values(self, params: Params) -> list[Any]:
        """The parameters in the statement's order. Raises KeyError for a missing one."""
        return [
            fixed if key is None else params[key] if convert is None else convert(params[key])
            for key, fixed, convert in self._slots
        ]

    def rows(self, cursor: sqlite3.Cursor) -> list[Sequence[Any]]:
        """All rows, as the columns' types have them."""
        found = cursor.fetchall()
        if self._columns is None:
            return found
        return [
            [read(value) if read else value for read, value in zip(self._columns, row, strict=True)]
            for row in found
        ]

    def refused(self, problem: sqlite3.Error) -> BaseException:
        """As SQLAlchemy would tell it, without the parameters: customers wrote those."""
        return sa.exc.DBAPIError.instance(
            self.text, None, problem, sqlite3.Error, hide_parameters=True, dialect=self._dialect
        )


def _reader(kind: sa.types.TypeEngine[Any], dialect: sa.Dialect) -> _Convert | None:
    return kind.dialect_impl(dialect).result_processor(dialect, None)


@lru_cache(_REMEMBERED)
def prepared(
    statement: sa.ClauseElement, dialect: sa.Dialect, keys: tuple[str, ...]
) -> Prepared | None:
    """The statement with these parameters; None where it is not simple."""
    compiled = statement.compile(dialect=dialect, column_keys=keys)
    if not isinstance(compiled, SQLCompiler) or compiled.positiontup is None:
        return None
    made_late = compiled.literal_execute_params | compiled.post_compile_params
    if made_late or compiled.insert_prefetch or compiled.update_prefetch:
        return None
    columns = statement.exported_columns if isinstance(statement, sa.ReturnsRows) else ()
    return Prepared(compiled, tuple(columns))
