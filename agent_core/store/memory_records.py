"""The values of the memory store as rows of the stored tables: see records.py."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agent_core.messages import PlatformIdentity, ReplyAddress
from agent_core.outgoing import Destination
from agent_core.store import codec
from agent_core.store.memory_tables import Kept
from agent_core.store.records import Row, primary_key
from agent_core.store.rows import Rows, thread_key, thread_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawer:
    """One table of the memory store. `value` None: its rows are deleted and never changed."""

    kept: Kept[Any]
    row: Callable[[Any, Any], Row]  # of a key and its value
    value: Callable[[Row], Any] | None = None


def drawer(kept: Kept[Any], rows: Rows[Any]) -> Drawer:
    """A table whose rows are values of one dataclass."""

    def value(row: Row) -> Any:
        return rows.from_row([row[name] for name in rows.names])

    return Drawer(kept=kept, row=lambda _, one: rows.to_row(one), value=value)


def threads(kept: Kept[Any]) -> Drawer:
    return Drawer(
        kept=kept, row=lambda key, owner: {"thread": thread_key(key), "conversation_id": owner}
    )


def told(kept: Kept[Any]) -> Drawer:
    def row(identity: PlatformIdentity, at: Any) -> Row:
        return {"identity": str(identity), "at": at}

    return Drawer(kept=kept, row=row)


def deliveries(kept: Kept[Any]) -> Drawer:
    return Drawer(kept=kept, row=lambda key, at: {"key": key, "at": at})


def counters(kept: Kept[Any]) -> Drawer:
    return Drawer(kept=kept, row=lambda name, value: {"name": name, "value": value})


def destinations(kept: Kept[Any]) -> Drawer:
    def row(key: str, one: Destination) -> Row:
        thread = thread_of(one)
        return {
            "id": key,
            "address": codec.encode(ReplyAddress, one.address),
            "opens_thread": one.opens_thread,
            "thread": thread_key(thread) if thread else None,
        }

    return Drawer(kept=kept, row=row)


class MemoryRecords:
    """`Records` over the memory store's dictionaries."""

    def __init__(self, drawers: Mapping[str, Drawer]) -> None:
        self._drawers = drawers

    def rows(self, table: str, column: str, values: Collection[Any]) -> Sequence[Row]:
        wanted = set(values)
        return [row for _, row in self._all(table) if row[column] in wanted]

    def containing(self, table: str, column: str, texts: Collection[str]) -> Sequence[Row]:
        return [row for _, row in self._all(table) if any(one in row[column] for one in texts)]

    def walk(self, table: str, column: str, after: Any, limit: int) -> Sequence[Row]:
        found = sorted((row for _, row in self._all(table)), key=lambda row: row[column])
        return [row for row in found if after is None or row[column] > after][:limit]

    def change(self, table: str, keys: Row, values: Row) -> None:
        held = self._drawers[table]
        assert held.value is not None, f"rows of {table} are never changed"
        for key, row in self._all(table):
            if all(row[name] == value for name, value in keys.items()):
                held.kept.put(key, held.value({**row, **values}))

    def delete(self, table: str, column: str, values: Collection[Any]) -> int:
        wanted = set(values)
        gone = [key for key, row in self._all(table) if row[column] in wanted]
        for key in gone:
            self._drawers[table].kept.remove(key)
        return len(gone)

    def key_of(self, table: str, row: Row) -> Row:
        return primary_key(table, row)

    def _all(self, table: str) -> list[tuple[Any, Row]]:
        held = self._drawers[table]
        return [(key, held.row(key, value)) for key, value in held.kept.items()]
