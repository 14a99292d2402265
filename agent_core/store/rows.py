"""Rows and the core's frozen values, turned into each other; nested values become JSON columns."""

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar, get_type_hints

import sqlalchemy as sa

from agent_core.audit import AuditEntry
from agent_core.brakes import Brake
from agent_core.conversation import Conversation, HistorySummary, RoomBinding, TranscriptEntry
from agent_core.escalations import Escalation
from agent_core.journal import InboxRow, JournalEntry, Turn
from agent_core.messages import MessageRef, PlatformIdentity, RoomRef, ThreadRef
from agent_core.outgoing import Destination, OutgoingRow
from agent_core.people import JoinCode
from agent_core.proposals import LedgerEntry, Proposal
from agent_core.store import audit_tables, codec, tables

T = TypeVar("T")


def _quote(text: str, mark: str) -> str:
    return text.replace("%", "%25").replace(mark, "%" + format(ord(mark), "02X"))


def _unquote(text: str, mark: str) -> str:
    return text.replace("%" + format(ord(mark), "02X"), mark).replace("%25", "%")


def thread_key(thread: ThreadRef) -> str:
    """A thread as a column: `slack:TEAM/CHANNEL#THREAD`, also where an id holds a `#`."""
    return f"{_quote(str(thread.room), '#')}#{thread.thread_id}"


def message_key(message: MessageRef) -> str:
    """A message as a column: `slack:TEAM/CHANNEL!ID`, also where an id holds a `!`."""
    return f"{_quote(str(message.room), '!')}!{message.message_id}"


def thread_of(destination: Destination) -> ThreadRef | None:
    """The thread that posts to this destination land in, once it exists."""
    address = destination.address
    if address.thread_id is None and destination.opens_thread:
        return None
    return ThreadRef(room=address.room, thread_id=address.thread_id or "")


def _thread(text: str) -> ThreadRef:
    room, _, thread_id = text.partition("#")
    return ThreadRef(room=RoomRef.parse(_unquote(room, "#")), thread_id=thread_id)


def _message(text: str) -> MessageRef:
    room, _, message_id = text.partition("!")
    return MessageRef(room=RoomRef.parse(_unquote(room, "!")), message_id=message_id)


_AS_KEYS: Mapping[Any, tuple[codec.Convert, codec.Convert]] = {
    RoomRef: (str, RoomRef.parse),
    PlatformIdentity: (str, PlatformIdentity.parse),
    ThreadRef: (thread_key, _thread),
    MessageRef: (message_key, _message),
}


def _or_none(convert: codec.Convert) -> codec.Convert:
    return lambda value: None if value is None else convert(value)


def _converters(hint: Any) -> tuple[codec.Convert | None, codec.Convert | None]:
    """To the column and from it; None where the value is stored as it is."""
    kind, had_none = codec.optional(codec.plain(hint))
    kind = codec.plain(kind)
    if kind in (str, int, bool, datetime):
        return None, None
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        to, back = codec.encoder(kind), codec.decoder(kind)
    elif kind in _AS_KEYS:
        to, back = _AS_KEYS[kind]
    else:
        to = lambda value: codec.encode(kind, value)  # noqa: E731
        back = lambda text: codec.decode(kind, text)  # noqa: E731
    return (_or_none(to), _or_none(back)) if had_none else (to, back)


class Rows(Generic[T]):
    """The rows of one table as values of one dataclass whose fields are its columns."""

    def __init__(self, kind: type[T], model: type[tables.Stored]) -> None:
        hints = get_type_hints(kind)
        self._kind = kind
        self.table = tables.table(model)
        self.names = tuple(field.name for field in dataclasses.fields(kind))  # type: ignore[arg-type]
        self.columns = tuple(self.table.c[name] for name in self.names)
        self._converters = tuple((name, *_converters(hints[name])) for name in self.names)

    def to_row(self, value: T) -> dict[str, Any]:
        row = {}
        for name, to, _ in self._converters:
            part = getattr(value, name)
            row[name] = part if to is None else to(part)
        return row

    def from_row(self, row: Sequence[Any]) -> T:
        """The value of a row that was selected with `columns`."""
        parts = {}
        for (name, _, back), part in zip(self._converters, row, strict=True):
            parts[name] = part if back is None else back(part)
        return self._kind(**parts)

    def select(self) -> sa.Select[Any]:
        return sa.select(*self.columns)


ROOMS = Rows(RoomBinding, tables.RoomTable)
CONVERSATIONS = Rows(Conversation, tables.ConversationTable)
TRANSCRIPT = Rows(TranscriptEntry, tables.TranscriptTable)
SUMMARIES = Rows(HistorySummary, tables.SummaryTable)
INBOX = Rows(InboxRow, tables.InboxTable)
TURNS = Rows(Turn, tables.TurnTable)
JOURNAL = Rows(JournalEntry, tables.JournalTable)
PROPOSALS = Rows(Proposal, tables.ProposalTable)
JOIN_CODES = Rows(JoinCode, tables.JoinCodeTable)
LEDGER = Rows(LedgerEntry, tables.LedgerTable)
OUTGOING = Rows(OutgoingRow, tables.OutgoingTable)
BRAKES = Rows(Brake, tables.BrakeTable)
ESCALATIONS = Rows(Escalation, tables.EscalationTable)
AUDIT = Rows(AuditEntry, audit_tables.AuditTable)
