"""What the memory store keeps its values in: dictionaries that can be rolled back."""

from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

from agent_core.store import codec

V = TypeVar("V")
Undo = list[Callable[[], None]]


class Kept(Generic[V]):
    """Values of one type by key, in the order in which they were first put.

    Each goes through the JSON of the real stores, so that what they could not keep fails here too.
    """

    def __init__(self, kind: Any, undo: Undo) -> None:
        self._kind = kind
        self._undo = undo
        self._values: dict[Any, V] = {}

    def get(self, key: Any) -> V | None:
        return self._values.get(key)

    def put(self, key: Any, value: V) -> None:
        self._remember(key)
        self._values[key] = codec.decode(self._kind, codec.encode(self._kind, value))

    def add(self, key: Any, value: V) -> bool:
        """False where the key is there already."""
        if key in self._values:
            return False
        self.put(key, value)
        return True

    def remove(self, key: Any) -> None:
        if key in self._values:
            self._remember(key)
            del self._values[key]

    def __iter__(self) -> Iterator[V]:
        return iter(list(self._values.values()))

    def items(self) -> list[tuple[Any, V]]:
        return list(self._values.items())

    def _remember(self, key: Any) -> None:
        if key in self._values:
            old = self._values[key]
            self._undo.append(lambda: self._values.__setitem__(key, old))
        else:
            self._undo.append(lambda: self._values.__delitem__(key))
