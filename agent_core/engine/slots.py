"""Advisory-lock slots on Postgres: which worker is alive, and what the dead have left."""

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import psycopg

from agent_core.errors import ConfigurationError

_CLASS: Final = 7_217_311  # our space of two-part advisory lock keys
MOST_SLOTS: Final = 500
# From here on are the slots of processes that run no turns. Nobody would look for what a dead
# worker has left under a slot that somebody alive holds, unless that one is a worker too.
FIRST_WITHOUT_TURNS: Final = 500
SILENT_SECONDS: Final = 30  # a stopped process (SIGSTOP, a frozen machine) loses its slot
_FROM_14: Final = 140_000  # the first version that ends silent sessions by itself
# A network that swallows packets is noticed by the operating system in about half a minute.
_KEEPALIVE: Final = {"keepalives": 1, "keepalives_idle": 10, "keepalives_interval": 5,
                     "keepalives_count": 3}  # fmt: skip


def slot_name(number: int) -> str:
    """The executor id of a slot."""
    return f"slot-{number}"


def slot_number(name: str | None) -> int | None:
    """The slot of an executor id; None for ids that are no slots."""
    prefix, _, number = (name or "").partition("-")
    return int(number) if prefix == "slot" and number.isdigit() else None


class Slots:
    """One connection that holds this worker's slot for as long as it lives.

    Needs a direct connection: a transaction-pooling proxy would drop the locks. Methods may be
    called from any thread. All raise psycopg.OperationalError once the connection is lost.
    """

    def __init__(self, url: str) -> None:
        self._lock = threading.Lock()
        self._connection = psycopg.connect(url, autocommit=True, **_KEEPALIVE)  # type: ignore[arg-type]
        self.number: int | None = None
        if self._connection.info.server_version >= _FROM_14:
            self._connection.execute(f"SET idle_session_timeout = '{SILENT_SECONDS}s'")

    @property
    def descriptor(self) -> int:
        """The connection's socket; readable when the server has ended it."""
        return self._connection.fileno()

    def take_own(self, first: int = 0) -> str:
        """Takes the first free slot from `first` on and returns its name. Raises
        ConfigurationError."""
        for number in range(first, first + MOST_SLOTS):
            if self._try(number):
                self.number = number
                return slot_name(number)
        raise ConfigurationError([f"all {MOST_SLOTS} worker slots of this database are taken"])

    def check(self) -> None:
        """Asks the server whether this connection, and so the lock, is still there."""
        with self._lock:
            self._connection.execute("SELECT 1")

    def dead(self, number: int) -> "DeadSlot | None":
        """Takes another worker's slot if that worker is gone; None while it lives."""
        if number == self.number or not self._try(number):
            return None
        return DeadSlot(lambda: self._release(number))

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def _try(self, number: int) -> bool:
        with self._lock:
            row = self._connection.execute(
                "SELECT pg_try_advisory_lock(%s, %s)", (_CLASS, number)
            ).fetchone()
        return row is not None and bool(row[0])

    def _release(self, number: int) -> None:
        # Where the connection is lost, the lock has gone with it.
        with self._lock, suppress(psycopg.OperationalError):
            self._connection.execute("SELECT pg_advisory_unlock(%s, %s)", (_CLASS, number))


class DeadSlot:
    """A dead worker's slot, held while its work is moved: no new worker can take it meanwhile."""

    def __init__(self, release: Callable[[], None]) -> None:
        self.release = release
