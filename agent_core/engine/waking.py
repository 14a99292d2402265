"""Wakes a queue's polling where this process knows that there is work: else it polls seldom."""

import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Final

_log = logging.getLogger(__name__)
REMEMBERED: Final = 10_000  # keys with entries that nobody has begun
SPACING_SECONDS: Final = 0.03  # between two rounds: of a crowd each takes many
AGAIN_SECONDS: Final = 1.0
JOIN_SECONDS: Final = 10.0


class Alarm(threading.Event):
    """`wait` returns early once it is rung: a poll with a long pause is then as quick as a call.

    A ring is not lost where nobody waits: the next `wait` returns at once, or as soon as the one
    before it returned `spacing` seconds ago. For one thread that waits.
    """

    def __init__(self, spacing: float = SPACING_SECONDS) -> None:
        super().__init__()
        self._rung = threading.Event()
        self._spacing = spacing
        self._next = 0.0  # by the monotonic clock: no ring is heard before

    def ring(self) -> None:
        """From any thread."""
        self._rung.set()

    def set(self) -> None:
        super().set()
        self._rung.set()

    def wait(self, timeout: float | None = None) -> bool:
        """Whether it is set. Returns once that is so, once it is rung, or after the timeout."""
        if not self.is_set() and self._rung.wait(timeout):
            super().wait(max(0.0, self._next - time.monotonic()))
            self._rung.clear()
        self._next = time.monotonic() + self._spacing
        return self.is_set()


class Waking:
    """A polling thread, and which keys have entries that it has not begun.

    All but the thread itself is for one event loop. Entries of one key run one at a time, so it is
    rung when one is committed, and when one ends that others of its key wait for.
    """

    def __init__(self) -> None:
        self._alarm = Alarm()
        self._make: Callable[[], threading.Thread] = threading.Thread
        self._thread: threading.Thread | None = None
        self._not_begun: dict[str, int] = {}

    def start(self, poll: Callable[[threading.Event], None], name: str) -> None:
        """Runs `poll` in a thread until `stop`, again where it returns by itself."""
        alarm = self._alarm = Alarm()

        def run() -> None:
            while not alarm.is_set():
                poll(alarm)
                alarm.wait(AGAIN_SECONDS)

        self._make = partial(threading.Thread, target=run, name=name, daemon=True)
        self._begin()

    def revive(self) -> None:
        """A thread that a defect has ended begins anew: without it no entry would run."""
        if self._thread is not None and not self._thread.is_alive() and not self._alarm.is_set():
            _log.error("%s has ended by a defect, and begins anew", self._thread.name)
            self._begin()

    def _begin(self) -> None:
        self._alarm.ring()  # for what is there already
        self._thread = self._make()
        self._thread.start()

    def committed(self, key: str) -> None:
        """An entry of this key is there."""
        if self._thread is None:
            return  # other processes poll
        if len(self._not_begun) >= REMEMBERED:
            self._not_begun.clear()  # others began them; what is missed here waits for a poll
        self._not_begun[key] = self._not_begun.get(key, 0) + 1
        self._alarm.ring()

    def begun(self, key: str) -> None:
        """One of the key's entries runs."""
        left = self._not_begun.pop(key, 0) - 1
        if left > 0:
            self._not_begun[key] = left

    def ended(self, key: str) -> None:
        """It does not run any more: the key's next may begin."""
        if key in self._not_begun:
            self._alarm.ring()

    def stop(self) -> None:
        """Nothing more is begun."""
        self._alarm.set()

    def join(self) -> None:
        """Waits until the thread has ended. Blocking."""
        if self._thread is not None:
            self._thread.join(JOIN_SECONDS)
            self._thread = None
