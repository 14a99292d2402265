"""Destinations, the rows on their way to them, and cases, in SQL."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from agent_core.conversation import ConversationId
from agent_core.errors import ConversationChanged, StoreError
from agent_core.escalations import Escalation, EscalationId
from agent_core.messages import DestinationId, MessageRef, OutgoingId, ReplyAddress, ThreadRef
from agent_core.outgoing import Destination, OutgoingRow
from agent_core.store import codec, tables
from agent_core.store.rows import ESCALATIONS, OUTGOING, message_key, thread_key, thread_of
from agent_core.store.sql import Sql, given

_PLACES = tables.table(tables.DestinationTable)
_PLACE = sa.select(_PLACES.c.id, _PLACES.c.address, _PLACES.c.opens_thread).where(
    _PLACES.c.id == given("id")
)
_NEXT_SEQ = (
    sa.update(_PLACES)
    .where(_PLACES.c.id == given("id"))
    .values(last_seq=_PLACES.c.last_seq + 1)
    .returning(_PLACES.c.last_seq)
)
_LEASE = sa.update(_PLACES).where(
    _PLACES.c.id == given("id"),
    sa.or_(
        _PLACES.c.lease_holder.is_(None),
        _PLACES.c.lease_holder == given("holder"),
        _PLACES.c.lease_until <= given("now"),
    ),
)
_RELEASE = sa.update(_PLACES).where(
    _PLACES.c.id == given("id"), _PLACES.c.lease_holder == given("holder")
)

_ROWS = OUTGOING.table
_EXISTS = sa.select(_ROWS.c.id).where(_ROWS.c.id == given("id"))
_GET = OUTGOING.select().where(_ROWS.c.id == given("id")).with_for_update()
_NEXT = (
    OUTGOING.select()
    .where(_ROWS.c.destination == given("id"), sa.text(tables.OPEN_OUTGOING))
    .order_by(_ROWS.c.seq)
    .limit(1)
)
_SAVE = sa.update(_ROWS).where(_ROWS.c.id == given("id"))
_OF_MESSAGE = OUTGOING.select().where(_ROWS.c.posted == given("message")).limit(1)
_WAITING = (
    sa.select(_ROWS.c.destination)
    .where(sa.text(tables.OPEN_OUTGOING))
    .group_by(_ROWS.c.destination)
    .order_by(_ROWS.c.destination)
    .limit(given("limit"))
)
_UNATTENDED = (
    sa.select(
        _PLACES.c.id,
        sa.case((_PLACES.c.lease_until > given("now"), _PLACES.c.lease_holder), else_=None),
    )
    .where(
        # From the few open rows to their destinations, and not from all destinations to their rows.
        _PLACES.c.id.in_(
            sa.select(_ROWS.c.destination).where(
                sa.text(tables.OPEN_OUTGOING),
                sa.or_(_ROWS.c.not_before.is_(None), _ROWS.c.not_before <= given("now")),
            )
        )
    )
    .order_by(_PLACES.c.id)
    .limit(given("limit"))
)
_FREE = sa.update(_PLACES).where(_PLACES.c.lease_holder == given("holder")).returning(_PLACES.c.id)

_CASES = ESCALATIONS.table
_COUNTERS = tables.table(tables.CounterTable)
_COUNT = (
    sa.update(_COUNTERS)
    .where(_COUNTERS.c.name == given("name"))
    .values(value=_COUNTERS.c.value + 1)
    .returning(_COUNTERS.c.value)
)
# Without a lock: a case is changed under its conversation's (agent_core/held.py).
_CASE = ESCALATIONS.select().where(_CASES.c.id == given("id"))
_NEWEST = ESCALATIONS.select().order_by(_CASES.c.number.desc()).limit(1)
_OPEN_IN = _NEWEST.where(_CASES.c.conversation_id == given("id"), sa.text(tables.OPEN_ESCALATION))
_OF_DESTINATION = _NEWEST.where(_CASES.c.destination == given("id"))
_OF_THREAD = _NEWEST.join(_PLACES, _PLACES.c.id == _CASES.c.destination).where(
    _PLACES.c.thread == given("thread")
)
_SAVE_CASE = sa.update(_CASES).where(
    _CASES.c.id == given("id"),
    _CASES.c.status == given("status"),
    sa.func.coalesce(_CASES.c.claimed_by, "") == given("claimed_by"),
)
_WAITING_CASES = (
    ESCALATIONS.select()
    .where(sa.text("status = 'waiting'"))
    .order_by(_CASES.c.opened_at, _CASES.c.number)
)


class SqlOutgoing:
    """`ports.Outgoing`."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def put_destination(self, destination: Destination) -> None:
        thread = thread_of(destination)
        row = {
            "id": destination.id,
            "address": codec.encode(ReplyAddress, destination.address),
            "opens_thread": destination.opens_thread,
            "thread": thread_key(thread) if thread else None,
            "last_seq": 0,
        }
        self._sql.put(_PLACES, row, ("address", "opens_thread", "thread"))

    def destination(self, destination_id: DestinationId) -> Destination | None:
        row = self._sql.one(_PLACE, b_id=destination_id)
        if row is None:
            return None
        return Destination(
            id=DestinationId(row[0]),
            address=codec.decode(ReplyAddress, row[1]),
            opens_thread=row[2],
        )

    def add(self, row: OutgoingRow) -> bool:
        """Raises StoreError for an unknown destination."""
        if self._sql.one(_EXISTS, b_id=row.id) is not None:
            return False
        counted = self._sql.one(_NEXT_SEQ, b_id=row.destination)
        if counted is None:
            raise StoreError(f"destination {row.destination} does not exist: put it first")
        return self._sql.add(_ROWS, {**OUTGOING.to_row(row), "seq": counted[0]})

    def get(self, outgoing_id: OutgoingId) -> OutgoingRow | None:
        row = self._sql.one(_GET, b_id=outgoing_id)
        return OUTGOING.from_row(row) if row else None

    def next_row(self, destination_id: DestinationId) -> OutgoingRow | None:
        row = self._sql.one(_NEXT, b_id=destination_id)
        return OUTGOING.from_row(row) if row else None

    def save(self, row: OutgoingRow) -> None:
        """Its destination and place in the order stay. Raises StoreError for an unknown row."""
        params = OUTGOING.to_row(row)
        del params["id"], params["destination"], params["seq"]
        if not self._sql.change(_SAVE, {**params, "b_id": row.id}):
            raise StoreError(f"outgoing row {row.id} does not exist")

    def of_message(self, message: MessageRef) -> OutgoingRow | None:
        row = self._sql.one(_OF_MESSAGE, b_message=message_key(message))
        return OUTGOING.from_row(row) if row else None

    def lease(
        self, destination_id: DestinationId, holder: str, now: datetime, until: datetime
    ) -> bool:
        """False also for an unknown destination."""
        params = {
            "b_id": destination_id,
            "b_holder": holder,
            "b_now": now,
            "lease_holder": holder,
            "lease_until": until,
        }
        return self._sql.change(_LEASE, params) == 1

    def release(self, destination_id: DestinationId, holder: str) -> None:
        params = {"b_id": destination_id, "b_holder": holder}
        self._sql.change(_RELEASE, {**params, "lease_holder": None, "lease_until": None})

    def waiting(self, limit: int = 1000) -> Sequence[DestinationId]:
        return [DestinationId(row[0]) for row in self._sql.all(_WAITING, b_limit=limit)]

    def unattended(
        self, now: datetime, limit: int = 1000
    ) -> Sequence[tuple[DestinationId, str | None]]:
        rows = self._sql.all(_UNATTENDED, b_now=now, b_limit=limit)
        return [(DestinationId(row[0]), row[1]) for row in rows]

    def release_all(self, holder: str) -> Sequence[DestinationId]:
        rows = self._sql.all(_FREE, b_holder=holder, lease_holder=None, lease_until=None)
        return [DestinationId(row[0]) for row in rows]


class SqlEscalations:
    """`ports.Escalations`."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def next_number(self) -> int:
        counted = self._sql.one(_COUNT, b_name="case")
        if counted is None:
            self._sql.add(_COUNTERS, {"name": "case", "value": 0})
            return self.next_number()
        number: int = counted[0]
        return number

    def add(self, escalation: Escalation) -> None:
        """Raises ConversationChanged where the id or the number exists."""
        if not self._sql.add(_CASES, ESCALATIONS.to_row(escalation)):
            raise ConversationChanged(f"case {escalation.number} exists already")

    def get(self, escalation_id: EscalationId) -> Escalation | None:
        return self._one(_CASE, b_id=escalation_id)

    def open_in(self, conversation_id: ConversationId) -> Escalation | None:
        return self._one(_OPEN_IN, b_id=conversation_id)

    def of_destination(self, destination_id: DestinationId) -> Escalation | None:
        return self._one(_OF_DESTINATION, b_id=destination_id)

    def of_thread(self, thread: ThreadRef) -> Escalation | None:
        return self._one(_OF_THREAD, b_thread=thread_key(thread))

    def save(self, escalation: Escalation, *, expected: Escalation) -> None:
        params = ESCALATIONS.to_row(escalation)
        params |= {
            "b_id": escalation.id,
            "b_status": expected.status.value,
            "b_claimed_by": expected.claimed_by or "",
        }
        if not self._sql.change(_SAVE_CASE, params):
            raise ConversationChanged(f"case {escalation.number} was changed by somebody else")

    def waiting(self) -> Sequence[Escalation]:
        return [ESCALATIONS.from_row(row) for row in self._sql.all(_WAITING_CASES)]

    def _one(self, statement: sa.Select[tuple[object, ...]], **params: str) -> Escalation | None:
        row = self._sql.one(statement, **params)
        return ESCALATIONS.from_row(row) if row else None
