"""A circuit breaker: asks nobody who has failed too often of late, and tries one call at a time.

On a monotonic clock, so that a clock that jumps neither opens nor holds one.
"""

import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from time import monotonic

log = logging.getLogger(__name__)

REMEMBERED = 200  # calls of the window that are looked at


class BreakerState(StrEnum):
    """Whether calls go through: all, none, or one that tries whether it works again."""

    CLOSED = "closed"
    OPEN = "open"
    TRYING = "trying"


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerView:
    """How a breaker stands, for metrics, readyz and logs. Times in seconds.

    `failures` and `calls` count the window. `retry_in` is 0 unless it is open. `opened` counts how
    often it opened since the process began, `turned_away` the calls that were not made, `down_for`
    how long ago it first opened without having closed since.
    """

    name: str
    state: BreakerState
    failures: int
    calls: int
    retry_in: float
    opened: int
    turned_away: int
    down_for: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerRules:
    """When a breaker opens, and for how long. Times in seconds.

    It opens at `failures` within `window`, where they are at least `part` of the calls in it.
    After `rest`, one call tries; each that fails doubles the rest, up to `longest_rest`.
    """

    failures: int = 5
    part: float = 0.5
    window: float = 60.0
    rest: float = 5.0
    longest_rest: float = 60.0


class Pass:
    """Leave for one call. Tell exactly one outcome; a second one is ignored."""

    def __init__(self, breaker: "Breaker", *, tries: bool) -> None:
        self._breaker = breaker
        self._tries = tries
        self._used = False

    def succeeded(self) -> None:
        """The other side answered, if only to say no."""
        self._end(True)

    def failed(self) -> None:
        """The other side could not be reached, gave up, or took too long."""
        self._end(False)

    def dropped(self) -> None:
        """The call was cut off by ourselves: nothing is known of the other side."""
        self._end(None)

    def _end(self, answered: bool | None) -> None:
        if not self._used:
            self._used = True
            self._breaker.ended(answered, tried=self._tries)


class Breaker:
    """One for each thing that is called. For one event loop; not for threads."""

    def __init__(
        self,
        name: str,
        rules: BreakerRules | None = None,
        *,
        seconds: Callable[[], float] = monotonic,
        on_change: Callable[[BreakerView], None] = lambda _: None,
    ) -> None:
        self.name = name
        self._rules = rules or BreakerRules()
        self._seconds = seconds
        self._on_change = on_change
        self._calls: deque[tuple[float, bool]] = deque(maxlen=REMEMBERED)
        self._open_until: float | None = None
        self._rest = self._rules.rest
        self._down_since = 0.0
        self._trying = False
        self._opened = 0
        self._turned_away = 0

    def enter(self) -> Pass | None:
        """Leave for one call; None where none may be made now."""
        if self._open_until is None:
            return Pass(self, tries=False)
        if self._trying or self._seconds() < self._open_until:
            self._turned_away += 1
            return None
        self._trying = True
        self._on_change(self.view())
        return Pass(self, tries=True)

    @property
    def lets_through(self) -> bool:
        """Whether `enter` would give leave now."""
        return self._open_until is None or (
            not self._trying and self._seconds() >= self._open_until
        )

    @property
    def is_open(self) -> bool:
        """Whether it opened and has not closed since, also while one call tries."""
        return self._open_until is not None

    @property
    def retry_in(self) -> float:
        """Seconds until the next try is due; 0 where one is, or where it is closed."""
        return 0.0 if self._open_until is None else max(0.0, self._open_until - self._seconds())

    @property
    def rest(self) -> float:
        """Seconds that it last rested for: what a try that is under way may be given, too."""
        return self._rest

    @property
    def down_for(self) -> float:
        """Seconds since it opened, however often somebody tried since; 0 where it is closed."""
        return 0.0 if self._open_until is None else self._seconds() - self._down_since

    def ended(self, answered: bool | None, *, tried: bool) -> None:
        """What came of a call; `Pass` tells it."""
        if tried:
            self._trying = False
            if answered is not None:
                self._after_trying(answered)
            return
        if answered is None or self._open_until is not None:
            return  # begun before it opened: only the one that tries decides from here on
        self._calls.append((self._seconds(), answered))
        if not answered and self._has_failed_too_often():
            self._open()

    def view(self) -> BreakerView:
        """How it stands now."""
        self._forget()
        state = BreakerState.CLOSED
        if self._open_until is not None:
            state = BreakerState.TRYING if self._trying else BreakerState.OPEN
        return BreakerView(
            name=self.name,
            state=state,
            failures=sum(not answered for _, answered in self._calls),
            calls=len(self._calls),
            retry_in=self.retry_in,
            opened=self._opened,
            turned_away=self._turned_away,
            down_for=self.down_for,
        )

    def _after_trying(self, answered: bool) -> None:
        if not answered:
            self._rest = min(self._rest * 2, self._rules.longest_rest)
            self._open()
            return
        self._open_until, self._rest = None, self._rules.rest
        self._calls.clear()
        self._on_change(self.view())

    def _open(self) -> None:
        now = self._seconds()
        if self._open_until is None:
            self._down_since = now
        self._open_until = now + self._rest
        self._opened += 1
        self._on_change(self.view())

    def _has_failed_too_often(self) -> bool:
        self._forget()
        failures = sum(not answered for _, answered in self._calls)
        return failures >= max(self._rules.failures, self._rules.part * len(self._calls))

    def _forget(self) -> None:
        since = self._seconds() - self._rules.window
        while self._calls and self._calls[0][0] < since:
            self._calls.popleft()


def log_change(view: BreakerView) -> None:
    """For `on_change`: one line where it opens first, and one where it closes."""
    if view.state is BreakerState.CLOSED:
        log.info("%s answers again", view.name)
    elif view.state is BreakerState.OPEN and view.down_for < 1:
        log.warning("%s is not asked for now: %d calls failed", view.name, view.failures)
    else:
        log.debug("%s is still down", view.name)


def views(breakers: Sequence[Breaker]) -> tuple[BreakerView, ...]:
    """How all of these stand now."""
    return tuple(breaker.view() for breaker in breakers)
