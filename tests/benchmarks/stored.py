"""Fills a database with what an account of many messages leaves behind."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Final

import sqlalchemy as sa

from agent_core.store import audit_tables, tables
from agent_core.store.tables import Stored, UtcTime

Row = dict[str, Any]
LATEST: Final = datetime(2026, 3, 1, tzinfo=UTC)  # nothing of it is from today
_EACH: Final = 20  # messages of one conversation: half of them answers
_CHUNK: Final = 10_000


def fill(engine: sa.Engine, messages: int, *, account: str, room: str) -> None:
    """So many messages in finished conversations of this account, with all that goes with them."""
    with engine.begin() as connection:
        for model, rows in _everything(messages, account, room):
            table = tables.table(model)
            rest = _rest_of(table)
            while chunk := list(islice(rows, _CHUNK)):
                connection.execute(sa.insert(table), [{**rest, **row} for row in chunk])
    if engine.dialect.name == "postgresql":  # it does so by itself after a while; SQLite never
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text("ANALYZE"))


def talk(
    engine: sa.Engine, conversation: str, entries: int, *, identity: str, seq: int = 0
) -> None:
    """So many entries in a conversation that exists: a customer's and the agent's by turns."""
    table = tables.table(tables.TranscriptTable)
    rows = []
    for n in range(seq + 1, seq + entries + 1):
        asks = n % 2 == 1
        rows.append(
            {
                **_rest_of(table),
                "conversation_id": conversation,
                "seq": n,
                "speaker": "customer" if asks else "agent",
                "name": "Olive Marsh" if asks else "Handrail",
                "identity": identity if asks else None,
                "text": f"Question {n} about our invoices: which of them is still open, and why?"
                if asks
                else f"Answer {n}: all of them are paid, the newest one on the third of March.",
            }
        )
    talks = tables.table(tables.ConversationTable)
    with engine.begin() as connection:
        if rows:
            connection.execute(sa.insert(table), rows)
        ours = sa.update(talks).where(talks.c.id == conversation)
        connection.execute(ours.values(last_seq=seq + entries))


def _rest_of(table: sa.Table) -> Row:
    """A value for each column that must have one."""
    return {
        column.name: _plain(column)
        for column in table.columns
        if not column.nullable and column.server_default is None
    }


def _plain(column: sa.Column[Any]) -> Any:
    kind = column.type
    if isinstance(kind, UtcTime):
        return LATEST
    if isinstance(kind, sa.Boolean):
        return False
    return "" if isinstance(kind, sa.String) else 0


def _at(n: int) -> datetime:
    return LATEST - timedelta(minutes=n)


def _everything(
    messages: int, account: str, room: str
) -> Iterator[tuple[type[Stored], Iterator[Row]]]:
    talks, turns = range(messages // _EACH or 1), range(messages // 2)
    actions = range(messages // 10)

    def of(n: int) -> str:
        return f"old_{n * 2 // _EACH}"

    yield tables.ConversationTable, (
        {"id": f"old_{n}", "room": room, "destination": f"to_{n}", "audience": "shared",
         "account_id": account, "status": "with_agent", "epoch": 1, "opened_at": _at(n),
         "last_seq": _EACH}
        for n in talks
    )  # fmt: skip
    yield tables.ThreadTable, ({"thread": f"{room}#o{n}", "conversation_id": f"old_{n}"}
                               for n in talks)  # fmt: skip
    yield tables.TranscriptTable, (
        {"conversation_id": f"old_{n // _EACH}", "seq": n % _EACH + 1, "at": _at(n),
         "speaker": "agent" if n % 2 else "customer", "name": "Somebody", "message": f"{room}!o{n}",
         "text": "What somebody wanted to know about an invoice, in a sentence or two."}
        for n in range(messages)
    )  # fmt: skip
    yield tables.DeliveryTable, ({"key": f"message:{room}!o{n}", "at": _at(n)} for n in turns)
    yield tables.TurnTable, (
        {"id": f"old_turn_{n}", "conversation_id": of(n), "author": "{}", "author_key": "p",
         "status": "finished", "started_at": _at(n)}
        for n in turns
    )  # fmt: skip
    yield tables.InboxTable, (
        {"seq": n + 1, "conversation_id": of(n), "kind": "message", "author": "{}",
         "author_key": "p", "received_at": _at(n), "status": "done", "turn_id": f"old_turn_{n}"}
        for n in turns
    )  # fmt: skip
    yield (
        tables.JournalTable,
        (
            {"turn_id": f"old_turn_{n // 2}", "position": n % 2, "kind": "entered", "body": "{}"}
            for n in range(len(turns) * 2)
        ),
    )
    yield tables.DestinationTable, ({"id": f"to_{n}", "address": "{}"} for n in talks)
    yield tables.OutgoingTable, (
        {"id": f"reply:{n}", "destination": f"to_{n * 2 // _EACH}", "seq": n, "status": "sent",
         "conversation_id": of(n), "message": "{}", "posted": f"{room}!p{n}", "created_at": _at(n)}
        for n in turns
    )  # fmt: skip
    yield tables.ProposalTable, (
        {"id": f"old_pro_{n}", "conversation_id": of(n), "account_id": account, "tool": "add_seats",
         "fingerprint": f"f{n}", "occurrence": 1, "status": "consumed", "arguments": "{}",
         "changes": "[]", "notes": "[]", "inbox_seqs": "[]", "proposed_at": _at(n)}
        for n in actions
    )  # fmt: skip
    yield tables.LedgerTable, (
        {"key": f"old_pro_{n}", "conversation_id": of(n), "account_id": account,
         "tool": "add_seats", "arguments": "{}", "requester": "slack:T/U", "outcome": "succeeded",
         "intended_at": _at(n), "settled_at": _at(n), "fields": "[]"}
        for n in actions
    )  # fmt: skip
    yield tables.EscalationTable, (
        {"id": f"old_esc_{n}", "number": 1_000_000 + n, "conversation_id": f"old_{n}",
         "account_id": account, "status": "resolved", "destination": f"to_{n}",
         "reason": "asked_for", "priority": "normal", "opened_at": _at(n)}
        for n in talks
    )  # fmt: skip
    yield (
        audit_tables.AuditTable,
        (
            {"chain": account, "seq": n + 1, "at": _at(n).isoformat(), "hash": f"h{n}"}
            for n in range(len(actions) * 2)
        ),
    )
