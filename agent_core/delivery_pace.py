"""Keeps to each platform's pace: a small burst to a room, then a steady rate."""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Protocol

from agent_core.messages import Platform, RoomRef
from agent_core.ports import UnitOfWork

ROOMS_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """So many posts at once, and so many a second after that."""

    burst: int
    per_second: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """When a room may be posted to. `is_ours` False: the line is full, ask again by then."""

    seconds: float
    is_ours: bool = True


class PostPace(Protocol):
    """Who may post to a room when. Several processes that share a room share its pace."""

    def take(self, tx: UnitOfWork, room: RoomRef) -> Place:
        """Takes the room's next place in line."""
        ...


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled_at: float


class Pace:
    """One token bucket for each room, where one process does all the posting.

    Rooms not heard of for long are forgotten. Many processes: `store.sql_pace.SharedPace`.
    """

    def __init__(self, rates: Mapping[Platform, Rate]) -> None:
        self._rates = rates
        self._lock = threading.Lock()
        self._buckets: OrderedDict[RoomRef, _Bucket] = OrderedDict()

    def take(self, tx: UnitOfWork, room: RoomRef) -> Place:
        rate = self._rates.get(room.platform)
        if rate is None:
            return Place(seconds=0.0)
        with self._lock:  # store threads ask too
            return Place(seconds=self._take(room, rate, monotonic()))

    def _take(self, room: RoomRef, rate: Rate, now: float) -> float:
        bucket = self._buckets.setdefault(room, _Bucket(tokens=rate.burst, filled_at=now))
        self._buckets.move_to_end(room)
        if len(self._buckets) > ROOMS_REMEMBERED:
            self._buckets.popitem(last=False)
        grown = bucket.tokens + (now - bucket.filled_at) * rate.per_second
        bucket.tokens = min(float(rate.burst), grown) - 1
        bucket.filled_at = now
        return max(0.0, -bucket.tokens / rate.per_second)
