"""What our rows hold of one trace: kinds, times and states, and nobody's words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from agent_core.errors import StoreError
from agent_core.store.inspection import reading
from agent_core.store.rows import ESCALATIONS, INBOX, JOURNAL, OUTGOING, TURNS
from agent_core.store.sql import given


@dataclass(frozen=True, slots=True, kw_only=True)
class Traced:
    """One thing that happened. `what` and `state` are words of the code, `id` is our own."""

    at: datetime
    what: str
    id: str
    state: str


_TURNS, _INBOX = TURNS.table, INBOX.table
_OUT, _CASES, _JOURNAL = OUTGOING.table, ESCALATIONS.table, JOURNAL.table
_OF_TURN = sa.select(
    _TURNS.c.started_at, _TURNS.c.id, _TURNS.c.status, _TURNS.c.attempts, _TURNS.c.conversation_id
).where(_TURNS.c.trace.between(given("low"), given("high")))
_OF_JOURNAL = (
    sa.select(_JOURNAL.c.at, _JOURNAL.c.kind, _JOURNAL.c.turn_id)
    .where(_JOURNAL.c.turn_id == given("turn"))
    .order_by(_JOURNAL.c.position)
)
_OF_INBOX = sa.select(
    _INBOX.c.received_at, _INBOX.c.kind, _INBOX.c.seq, _INBOX.c.status, _INBOX.c.conversation_id
).where(_INBOX.c.trace.between(given("low"), given("high")))
_OF_CASES = sa.select(
    _CASES.c.opened_at, _CASES.c.number, _CASES.c.status, _CASES.c.conversation_id
).where(_CASES.c.trace.between(given("low"), given("high")))
_OF_OUTGOING = sa.select(
    _OUT.c.created_at, _OUT.c.seq, _OUT.c.status, _OUT.c.attempts, _OUT.c.conversation_id
).where(_OUT.c.trace.between(given("low"), given("high")))


def traced(url: str, trace_id: str) -> Sequence[Traced]:
    """In the order of time. `trace_id`: 32 hex digits. Blocks; looks through whole tables.

    Raises StoreError where the database cannot be read.
    """
    bounds = {
        "b_low": f"00-{trace_id}-{'0' * 16}-00",
        "b_high": f"00-{trace_id}-{'f' * 16}-ff",
    }
    try:
        with reading(url) as connection:
            return sorted(_found(connection, bounds), key=lambda one: one.at)
    except sa.exc.DBAPIError as problem:
        raise StoreError(f"the database refused: {type(problem.orig).__name__}") from None


def _found(connection: sa.Connection, bounds: dict[str, Any]) -> Iterator[Traced]:
    for at, kind, seq, status, conversation in connection.execute(_OF_INBOX, bounds):
        yield Traced(at=at, what=f"request ({kind})", id=f"{conversation}:{seq}", state=status)
    for at, turn, status, attempts, _ in connection.execute(_OF_TURN, bounds):
        state = status if attempts <= 1 else f"{status}, attempt {attempts}"
        yield Traced(at=at, what="turn", id=turn, state=state)
        for noted_at, kind, _ in connection.execute(_OF_JOURNAL, {"b_turn": turn}):
            yield Traced(at=noted_at, what="journal", id=turn, state=kind)
    for at, number, status, conversation in connection.execute(_OF_CASES, bounds):
        yield Traced(at=at, what=f"Case {number}", id=conversation, state=status)
    for at, seq, status, attempts, conversation in connection.execute(_OF_OUTGOING, bounds):
        whose = conversation or "support"
        state = status if attempts <= 1 else f"{status}, {attempts} tries"
        yield Traced(at=at, what="message", id=f"{whose}:{seq}", state=state)
