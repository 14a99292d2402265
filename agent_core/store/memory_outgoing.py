"""Destinations, the rows on their way to them, and cases, in memory."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from agent_core.conversation import ConversationId
from agent_core.errors import ConversationChanged, StoreError
from agent_core.escalations import Escalation, EscalationId, EscalationStatus
from agent_core.messages import DestinationId, MessageRef, OutgoingId, ThreadRef
from agent_core.outgoing import Destination, OutgoingRow, OutgoingStatus
from agent_core.store.memory_records import Drawer, counters, destinations, drawer
from agent_core.store.memory_tables import Kept, Undo
from agent_core.store.rows import ESCALATIONS, OUTGOING, thread_of

_OPEN = (OutgoingStatus.READY, OutgoingStatus.STARTED)


class MemoryOutgoing:
    """`ports.Outgoing`."""

    def __init__(self, undo: Undo) -> None:
        self._places = Kept[Destination](Destination, undo)
        self._rows = Kept[OutgoingRow](OutgoingRow, undo)
        self._last_seq = Kept[int](int, undo)
        self._leases = Kept[tuple[str, datetime]](tuple[str, datetime], undo)

    def put_destination(self, destination: Destination) -> None:
        self._places.put(destination.id, destination)

    def destination(self, destination_id: DestinationId) -> Destination | None:
        return self._places.get(destination_id)

    def add(self, row: OutgoingRow) -> bool:
        if self._rows.get(row.id) is not None:
            return False
        if self._places.get(row.destination) is None:
            raise StoreError(f"destination {row.destination} does not exist: put it first")
        seq = (self._last_seq.get(row.destination) or 0) + 1
        self._last_seq.put(row.destination, seq)
        return self._rows.add(row.id, replace(row, seq=seq))

    def get(self, outgoing_id: OutgoingId) -> OutgoingRow | None:
        return self._rows.get(outgoing_id)

    def next_row(self, destination_id: DestinationId) -> OutgoingRow | None:
        found = (row for row in self._open_rows() if row.destination == destination_id)
        return min(found, key=lambda row: row.seq, default=None)

    def save(self, row: OutgoingRow) -> None:
        stored = self._rows.get(row.id)
        if stored is None:
            raise StoreError(f"outgoing row {row.id} does not exist")
        self._rows.put(row.id, replace(row, destination=stored.destination, seq=stored.seq))

    def of_message(self, message: MessageRef) -> OutgoingRow | None:
        return next((row for row in self._rows if row.posted == message), None)

    def lease(
        self, destination_id: DestinationId, holder: str, now: datetime, until: datetime
    ) -> bool:
        if self._places.get(destination_id) is None:
            return False
        held = self._leases.get(destination_id)
        if held is not None and held[0] != holder and held[1] > now:
            return False
        self._leases.put(destination_id, (holder, until))
        return True

    def release(self, destination_id: DestinationId, holder: str) -> None:
        held = self._leases.get(destination_id)
        if held is not None and held[0] == holder:
            self._leases.remove(destination_id)

    def waiting(self, limit: int = 1000) -> Sequence[DestinationId]:
        return sorted({row.destination for row in self._open_rows()})[:limit]

    def unattended(
        self, now: datetime, limit: int = 1000
    ) -> Sequence[tuple[DestinationId, str | None]]:
        due = {
            row.destination
            for row in self._open_rows()
            if row.not_before is None or row.not_before <= now
        }
        found: list[tuple[DestinationId, str | None]] = []
        for destination_id in sorted(due):
            held = self._leases.get(destination_id)
            found.append((destination_id, held[0] if held and held[1] > now else None))
        return found[:limit]

    def release_all(self, holder: str) -> Sequence[DestinationId]:
        found = [
            place.id for place in self._places if (self._leases.get(place.id) or ("",))[0] == holder
        ]
        for destination_id in found:
            self._leases.remove(destination_id)
        return found

    def _open_rows(self) -> list[OutgoingRow]:
        return [row for row in self._rows if row.status in _OPEN]

    def drawers(self) -> dict[str, Drawer]:
        return {
            "hr_outgoing": drawer(self._rows, OUTGOING),
            "hr_destinations": destinations(self._places),
        }


class MemoryEscalations:
    """`ports.Escalations`."""

    def __init__(self, undo: Undo, outgoing: MemoryOutgoing) -> None:
        self._outgoing = outgoing
        self._cases = Kept[Escalation](Escalation, undo)
        self._counters = Kept[int](int, undo)

    def next_number(self) -> int:
        number = (self._counters.get("case") or 0) + 1
        self._counters.put("case", number)
        return number

    def add(self, escalation: Escalation) -> None:
        taken = any(case.number == escalation.number for case in self._cases)
        if taken or not self._cases.add(escalation.id, escalation):
            raise ConversationChanged(f"case {escalation.number} exists already")

    def get(self, escalation_id: EscalationId) -> Escalation | None:
        return self._cases.get(escalation_id)

    def open_in(self, conversation_id: ConversationId) -> Escalation | None:
        return self._newest(
            case
            for case in self._cases
            if case.conversation_id == conversation_id and case.status.is_open
        )

    def of_destination(self, destination_id: DestinationId) -> Escalation | None:
        return self._newest(case for case in self._cases if case.destination == destination_id)

    def of_thread(self, thread: ThreadRef) -> Escalation | None:
        return self._newest(case for case in self._cases if self._thread(case) == thread)

    def save(self, escalation: Escalation, *, expected: Escalation) -> None:
        stored = self._cases.get(escalation.id)
        wanted = (expected.status, expected.claimed_by)
        if stored is None or (stored.status, stored.claimed_by) != wanted:
            raise ConversationChanged(f"case {escalation.number} was changed by somebody else")
        self._cases.put(escalation.id, escalation)

    def waiting(self) -> Sequence[Escalation]:
        found = [case for case in self._cases if case.status is EscalationStatus.WAITING]
        return sorted(found, key=lambda case: (case.opened_at, case.number))

    def _thread(self, case: Escalation) -> ThreadRef | None:
        destination = self._outgoing.destination(case.destination)
        return thread_of(destination) if destination else None

    def _newest(self, cases: Iterable[Escalation]) -> Escalation | None:
        return max(cases, key=lambda case: case.number, default=None)

    def drawers(self) -> dict[str, Drawer]:
        return {
            "hr_escalations": drawer(self._cases, ESCALATIONS),
            "hr_counters": counters(self._counters),
        }
