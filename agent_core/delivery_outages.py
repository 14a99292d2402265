"""Sends nothing into an outage: a breaker for each tenant of a platform; rows wait, in order.

What waits uses up no tries. When a tenant stays out of reach for long, the support team is told,
once for each outage; and so it is where a platform goes on saying "too many requests".
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from time import monotonic
from typing import TypeVar

from agent_core.breaker import Breaker, BreakerRules, BreakerView, Pass, log_change
from agent_core.errors import LimitedMidway, PlatformError, PlatformUnavailable
from agent_core.messages import RoomRef
from agent_core.ports import UnitOfWork

T = TypeVar("T")
# In a transaction: a room that is out of reach with its whole tenant, or that a message is refused
# for again and again as one too many; and for how many minutes.
TellOfOutage = Callable[[UnitOfWork, RoomRef, int], None]

LONG_SECONDS = 600.0
TENANTS_REMEMBERED = 1_000
SOON_SECONDS = 2.0


class Outages:
    """What is known of each tenant. For one event loop; store threads ask too, but `enter` not."""

    def __init__(
        self,
        tell: TellOfOutage = lambda *_: None,
        *,
        tell_of_refusals: TellOfOutage = lambda *_: None,
        rules: BreakerRules | None = None,
        seconds: Callable[[], float] = monotonic,
    ) -> None:
        self._tell = tell
        self._tell_of_refusals = tell_of_refusals
        self._rules = rules
        self._seconds = seconds
        self._breakers: OrderedDict[str, Breaker] = OrderedDict()

    def views(self) -> tuple[BreakerView, ...]:
        """How each platform that was posted to stands: as its worst tenant does.

        Failures, calls and counts are those of all its tenants. No tenant is named: these are
        labels of metrics.
        """
        found: dict[str, list[BreakerView]] = {}
        for tenant, breaker in list(self._breakers.items()):
            found.setdefault(tenant.partition(":")[0], []).append(breaker.view())
        return tuple(_together(platform, each) for platform, each in found.items())

    def wait(self, tx: UnitOfWork, room: RoomRef) -> float:
        """Seconds until something may be sent there; 0: now. Tells of an outage that lasts."""
        breaker = self._breakers.get(_tenant(room))
        if breaker is None:
            return 0.0
        if breaker.down_for >= LONG_SECONDS:
            self._tell(tx, room, int(breaker.down_for // 60))
        return 0.0 if breaker.lets_through else self.pause(room)

    def pause(self, room: RoomRef) -> float:
        """Seconds to leave an outage alone.

        While somebody tries, as long as before: a try may hang for most of a minute, and a thousand
        rows that look every moment whether it has ended leave no time for anything else.
        """
        breaker = self._breakers.get(_tenant(room))
        if breaker is None:
            return SOON_SECONDS
        return max(breaker.retry_in or breaker.rest, SOON_SECONDS)

    def refused(self, tx: UnitOfWork, room: RoomRef, seconds: float) -> None:
        """A message there was one too many again, for so long now. Tells of it where it lasts."""
        if seconds >= LONG_SECONDS:
            self._tell_of_refusals(tx, room, int(seconds // 60))

    def is_down(self, room: RoomRef) -> bool:
        """Whether the whole tenant is known to take nothing."""
        breaker = self._breakers.get(_tenant(room))
        return breaker is not None and breaker.is_open

    def lasts(self, room: RoomRef) -> bool:
        """Whether the whole tenant has taken nothing for long."""
        breaker = self._breakers.get(_tenant(room))
        return breaker is not None and breaker.down_for >= LONG_SECONDS

    def enter(self, room: RoomRef) -> Pass | None:
        """Leave for one call; None where none may be made now."""
        return self._breaker(_tenant(room)).enter()

    def _breaker(self, tenant: str) -> Breaker:
        breaker = self._breakers.get(tenant)
        if breaker is None:
            breaker = Breaker(
                f"platform:{tenant}", self._rules, seconds=self._seconds, on_change=log_change
            )
            self._breakers[tenant] = breaker
        self._breakers.move_to_end(tenant)
        if len(self._breakers) > TENANTS_REMEMBERED:
            self._breakers.popitem(last=False)
        return breaker


def _together(platform: str, tenants: Sequence[BreakerView]) -> BreakerView:
    worst = max(tenants, key=lambda one: one.down_for)
    return replace(
        worst,
        name=f"platform:{platform}",
        failures=sum(one.failures for one in tenants),
        calls=sum(one.calls for one in tenants),
        opened=sum(one.opened for one in tenants),
        turned_away=sum(one.turned_away for one in tenants),
    )


def _tenant(room: RoomRef) -> str:
    return f"{room.platform}:{room.tenant_id}"


async def watched(leave: Pass, call: Awaitable[T]) -> T:
    """The call's result, and what it tells of the tenant."""
    try:
        result = await call
    except PlatformError as error:
        if isinstance(error, PlatformUnavailable) and not isinstance(error, LimitedMidway):
            leave.failed()
        else:
            leave.succeeded()  # it answered, if only to say no, or later
        raise
    except (asyncio.CancelledError, Exception):
        leave.dropped()
        raise
    leave.succeeded()
    return result
