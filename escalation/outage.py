"""Tells the support team of a platform that takes no messages for long: one post an outage."""

from collections.abc import Callable
from datetime import timedelta

from agent_core import notices
from agent_core.delivery_outages import TellOfOutage
from agent_core.messages import DestinationId, RoomRef
from agent_core.ports import Clock, UnitOfWork
from escalation.desk import Desk

_OWED = (
    "What we owe people there waits and goes out in order once it {}. Reach who cannot wait in "
    "another way."
)


def outage_teller(desk: Desk, clock: Clock) -> TellOfOutage:
    """What `Outages` calls of a tenant that is out of reach."""

    def sentence(platform: str, room: RoomRef, minutes: int) -> str:
        return (
            f"{platform} has taken no messages for {minutes} minutes (tenant {room.tenant_id}). "
            f"{_OWED.format('answers')}"
        )

    return _teller(desk, clock, "outage", sentence)


def refusal_teller(desk: Desk, clock: Clock) -> TellOfOutage:
    """What `Outages` calls where a message is refused as one too many: once for each tenant and
    hour in which that began, also where other channels are still served."""

    def sentence(platform: str, room: RoomRef, minutes: int) -> str:
        return (
            f"{platform} has refused a message as one too many for {minutes} minutes, in "
            f"{room}, and perhaps others (tenant {room.tenant_id}). {_OWED.format('takes more')}"
        )

    return _teller(desk, clock, "refusals", sentence)


def _teller(
    desk: Desk, clock: Clock, what: str, sentence: Callable[[str, RoomRef, int], str]
) -> TellOfOutage:
    def tell(tx: UnitOfWork, room: RoomRef, minutes: int) -> None:
        now = clock.now()
        tenant = f"{room.platform}:{room.tenant_id}"
        # Named by the hour in which it began: told again in the same outage, it is the same row.
        # It began up to a minute before what whole minutes say, maybe in the hour before.
        began = now - timedelta(minutes=minutes)
        around = [began - timedelta(minutes=early) for early in (1, 0, 2)]
        names = [DestinationId(f"{what}:{tenant}:{one:%Y%m%d%H}") for one in around]
        if any(tx.outgoing.destination(name) is not None for name in names):
            return
        destination = names[0]
        tx.outgoing.put_destination(desk.thread_in_support_room(tx, destination))
        words = sentence(room.platform.value.capitalize(), room, minutes)
        desk.post(tx, destination, str(destination), notices.notice(words), now)

    return tell
