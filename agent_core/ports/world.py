"""The time, and fresh identifiers."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """The time. Aware UTC."""

    def now(self) -> datetime: ...


class Ids(Protocol):
    """Fresh identifiers, unguessable, sortable by time of making. `kind` becomes a prefix."""

    def new(self, kind: str) -> str: ...
