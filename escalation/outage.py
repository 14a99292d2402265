"""Tells the support team of a platform that takes no messages for long: one post an outage."""

from datetime import timedelta

from agent_core import notices
from agent_core.delivery_outages import TellOfOutage
from agent_core.messages import DestinationId, RoomRef
from agent_core.ports import Clock, UnitOfWork
from escalation.desk import Desk


def outage_teller(desk: Desk, clock: Clock) -> TellOfOutage:
    """What `Outages` calls."""

    def tell(tx: UnitOfWork, room: RoomRef, minutes: int) -> None:
        now = clock.now()
        tenant = f"{room.platform}:{room.tenant_id}"
        # Named by the hour in which it began: told again in the same outage, it is the same row.
        # It began up to a minute before what whole minutes say, maybe in the hour before.
        began = now - timedelta(minutes=minutes)
        around = [began - timedelta(minutes=early) for early in (1, 0, 2)]
        names = [DestinationId(f"outage:{tenant}:{one:%Y%m%d%H}") for one in around]
        if any(tx.outgoing.destination(name) is not None for name in names):
            return
        destination = names[0]
        tx.outgoing.put_destination(desk.thread_in_support_room(tx, destination))
        platform = room.platform.value.capitalize()
        sentence = (
            f"{platform} has taken no messages for {minutes} minutes (tenant {room.tenant_id}). "
            "What we owe people there waits and goes out in order once it answers. Reach who "
            "cannot wait in another way."
        )
        desk.post(tx, destination, str(destination), notices.notice(sentence), now)

    return tell
