"""Follows what happens to rooms, so that a room never keeps an account it no longer belongs to."""

import logging
from dataclasses import replace
from datetime import datetime

from agent_core.audit import AuditKind
from agent_core.audit_notes import note_room
from agent_core.conversation import Audience, RoomBinding
from agent_core.departures import note_change
from agent_core.messages import RoomChange, RoomChanged, RoomRef
from agent_core.ports import UnitOfWork

log = logging.getLogger(__name__)


class RoomIntake:
    """What follows from a change of a room. Conversations keep their account; rooms may lose it."""

    def shared(self, tx: UnitOfWork, room: RoomRef, event_id: str, now: datetime) -> None:
        """As the platform's event that a room is shared: for whoever learns it another way."""
        self.apply(tx, RoomChanged(event_id=event_id, room=room, change=RoomChange.SHARED), now)

    def apply(self, tx: UnitOfWork, event: RoomChanged, now: datetime) -> None:
        note_change(tx, event, now)
        binding = tx.rooms.get(event.room)
        if binding is None:
            return
        match event.change:
            case RoomChange.MOVED if event.moved_to is not None:
                tx.rooms.remove(event.room)
                _note(tx, binding, AuditKind.ROOM_UNLINKED, event, now)
                _put(tx, replace(binding, room=event.moved_to), event, now)
                log.warning("room moved", extra={"room": str(event.room)})
            case RoomChange.SHARED if binding.audience is Audience.INTERNAL:
                # A new, less trusted reader: nothing internal may be said here any more.
                _put(tx, replace(binding, audience=Audience.SHARED), event, now)
                if binding.is_support:
                    log.critical(
                        "the support room is shared with another company: nothing is posted there",
                        extra={"room": str(event.room)},
                    )
                else:
                    log.warning("internal room is shared now", extra={"room": str(event.room)})
            case RoomChange.UNSHARED if binding.is_support and binding.account_id is None:
                _put(tx, replace(binding, audience=Audience.INTERNAL), event, now)
            case RoomChange.UNSHARED | RoomChange.ARCHIVED if binding.account_id is not None:
                tx.rooms.remove(event.room)
                _note(tx, binding, AuditKind.ROOM_UNLINKED, event, now)
                log.warning("room unlinked", extra={"room": str(event.room), "why": event.change})
            case RoomChange.AGENT_REMOVED:
                log.warning("agent removed from a linked room", extra={"room": str(event.room)})


def _put(tx: UnitOfWork, binding: RoomBinding, event: RoomChanged, now: datetime) -> None:
    tx.rooms.put(binding)
    _note(tx, binding, AuditKind.ROOM_LINKED, event, now)


def _note(
    tx: UnitOfWork, binding: RoomBinding, kind: AuditKind, event: RoomChanged, now: datetime
) -> None:
    note_room(tx, binding, kind, now, why=event.change.value)
