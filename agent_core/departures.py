"""Workspaces and rooms from which the app was taken out, and when what they left is erased."""

import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final

from agent_core.audit import AuditKind
from agent_core.audit_notes import note_operation
from agent_core.errors import PlatformError
from agent_core.forget import Forgetting, InTheWay, place_to_forget
from agent_core.messages import Platform, RoomChange, RoomChanged, RoomRef
from agent_core.ports import Clock, Departure, Store, UnitOfWork

_log = logging.getLogger(__name__)

EVERYWHERE: Final = "*"  # the room of a place that is a whole workspace
Installed = Callable[[RoomRef], Awaitable[bool]]


def note_change(tx: UnitOfWork, event: RoomChanged, now: datetime) -> None:
    """Writes a departure down, or that the app is back: then nothing is erased."""
    if event.change is RoomChange.AGENT_ADDED:
        workspace = RoomRef(
            platform=event.room.platform, tenant_id=event.room.tenant_id, room_id=EVERYWHERE
        )
        for place in (event.room, workspace):
            _returned(tx, place, now)
        return
    in_teams = event.room.platform is Platform.TEAMS  # Slack's channels are left and joined freely
    if event.change is not RoomChange.UNINSTALLED and not (
        event.change is RoomChange.AGENT_REMOVED and in_teams
    ):
        return
    binding = tx.rooms.get(event.room)
    if binding is not None and binding.is_support:
        return
    tx.rooms.note_departed(event.room, now)
    note_operation(tx, AuditKind.UNINSTALLED, str(event.room), now)
    _log.warning(
        "the app was uninstalled; what is stored of it is erased after `retention: workspaces`",
        extra={"place": str(event.room)},
    )


class Departures:
    """Erases what a place left behind, `days` after it went; None: never.

    A place is kept where the app is installed again, or somebody wrote there since. `own`: the
    vendor's workspaces. All customers may write in these, so they are never erased as a whole.
    """

    def __init__(
        self,
        store: Store,
        *,
        forgetting: Forgetting,
        clock: Clock,
        days: int | None,
        own: frozenset[str],
        installed: Installed,
    ) -> None:
        self._store = store
        self._forgetting = forgetting
        self._clock = clock
        self._days = days
        self._own = own
        self._installed = installed

    async def sweep(self) -> None:
        """Looks at each place that is due. What is in the way is tried again next time."""
        if self._days is None:
            return
        due = self._clock.now() - timedelta(days=self._days)
        for one in await self._store.run(lambda tx: list(tx.rooms.departed())):
            if one.left_at <= due:
                await self._erase(one)

    async def _erase(self, one: Departure) -> None:
        place = one.place
        whole = place.room_id == EVERYWHERE
        if whole and place.tenant_id in self._own:
            _log.error(
                "our own workspace has uninstalled the app: nothing is erased; install it again",
                extra={"place": str(place)},
            )
            return
        try:
            back = whole and await self._installed(place)
        except PlatformError:
            return  # nobody can tell now
        if back or await self._store.run(lambda tx: tx.upkeep.heard_since(str(place), one.left_at)):
            await self._store.run(lambda tx: _returned(tx, place, self._clock.now()))
            return
        try:
            whom = await self._store.run(lambda tx: place_to_forget(tx, place))
            receipt = await self._forgetting.forget(whom)
        except InTheWay as problem:
            _log.warning(
                "an uninstalled place cannot be erased yet",
                extra={"place": str(place), "open": len(problem.reasons)},
            )
            return
        if not receipt.left:
            await self._store.run(lambda tx: tx.rooms.note_returned(place))


def _returned(tx: UnitOfWork, place: RoomRef, now: datetime) -> None:
    """Nothing of it is erased any more."""
    if tx.rooms.note_returned(place):
        note_operation(tx, AuditKind.INSTALLED_AGAIN, str(place), now)
        _log.warning("the app is installed again", extra={"place": str(place)})
