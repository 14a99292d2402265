"""The time: the system's, or one that a test sets."""

from datetime import UTC, datetime, timedelta


class SystemClock:
    """The machine's clock, in UTC."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class ManualClock:
    """A clock that stands still until it is moved."""

    def __init__(self, start: datetime | None = None) -> None:
        self._now = start or datetime(2026, 1, 5, 9, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self._now

    def advance(self, step: timedelta) -> datetime:
        """Moves on by `step` and returns the new time. Raises ValueError for a step back."""
        if step < timedelta(0):
            raise ValueError("time does not go back")
        self._now += step
        return self._now

    def set(self, now: datetime) -> None:
        """Sets the time. Raises ValueError for a naive one."""
        if now.tzinfo is None:
            raise ValueError("a clock tells aware times only")
        self._now = now
