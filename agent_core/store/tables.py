"""The tables of the store. All names begin with `hr_`: the engine keeps its own beside them.

Rows are written and read by Core statements; `rows.py` turns them into the core's values.
Indexes exist for every question whose cost must not grow with the number of stored messages.
"""

from datetime import UTC, datetime
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel


class UtcTime(sa.types.TypeDecorator[datetime]):
    """An aware UTC time: timestamptz on Postgres, ISO text that sorts on SQLite."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive time cannot be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


OPEN_OUTGOING = "status IN ('ready', 'started')"
OPEN_PROPOSAL = "status IN ('awaiting_confirmation', 'awaiting_approval', 'decided')"
UNDECIDED_PROPOSAL = "status IN ('awaiting_confirmation', 'awaiting_approval')"
IN_A_PLAN = "plan_id IS NOT NULL"
UNDOES = "undoes IS NOT NULL"
OPEN_ESCALATION = "status IN ('waiting', 'claimed')"
NEW_INBOX = "status = 'new'"
UNFINISHED_INBOX = "status <> 'done'"
RUNNING_TURN = "status = 'running'"
UNSETTLED = "outcome IS NULL"
HELD = "lease_holder IS NOT NULL"
STAFF_SPOKE = "speaker = 'staff'"
UNKNOWN_OUTCOME = "outcome = 'unknown'"


def _some(name: str, *columns: str, where: str, unique: bool = False) -> sa.Index:
    """An index over the few rows that are still open, however many are finished."""
    condition = sa.text(where)
    return sa.Index(
        name, *columns, unique=unique, sqlite_where=condition, postgresql_where=condition
    )


class Stored(SQLModel, registry=registry()):
    """All tables of the store, apart from other SQLModel tables of the same process."""


class RoomTable(Stored, table=True):
    __tablename__ = "hr_rooms"
    room: str = Field(primary_key=True)
    audience: str
    account_id: str | None = None
    mode: str
    is_support: bool
    name: str


class DepartureTable(Stored, table=True):
    __tablename__ = "hr_departures"
    place: str = Field(primary_key=True)
    left_at: datetime = Field(sa_type=UtcTime)


class PersonTable(Stored, table=True):
    __tablename__ = "hr_people"
    id: str = Field(primary_key=True)
    name: str


class IdentityTable(Stored, table=True):
    __tablename__ = "hr_identities"
    identity: str = Field(primary_key=True)
    person_id: str = Field(foreign_key="hr_people.id", index=True)
    position: int


class RoleTable(Stored, table=True):
    __tablename__ = "hr_roles"
    __table_args__ = (sa.Index("ix_hr_roles_account", "account_id", "role"),)
    person_id: str = Field(primary_key=True, foreign_key="hr_people.id")
    account_id: str = Field(primary_key=True)
    role: str


class CapabilityTable(Stored, table=True):
    __tablename__ = "hr_capabilities"
    person_id: str = Field(primary_key=True, foreign_key="hr_people.id")
    capability: str = Field(primary_key=True, index=True)


class ToldTable(Stored, table=True):
    __tablename__ = "hr_told"
    identity: str = Field(primary_key=True)
    at: datetime = Field(sa_type=UtcTime)


class JoinCodeTable(Stored, table=True):
    __tablename__ = "hr_join_codes"
    selector: str = Field(primary_key=True)
    digest: str
    identity: str = Field(index=True)
    name: str
    expires_at: datetime = Field(sa_type=UtcTime)
    tries: int
    asked_by: str | None = None


class ConversationTable(Stored, table=True):
    __tablename__ = "hr_conversations"
    id: str = Field(primary_key=True)
    room: str
    destination: str
    audience: str
    account_id: str | None = None
    status: str
    epoch: int
    opened_at: datetime = Field(sa_type=UtcTime)
    support_person: str | None = None
    subject: str | None = None
    last_seq: int = Field(sa_column_kwargs={"server_default": "0"})


class ThreadTable(Stored, table=True):
    __tablename__ = "hr_conversation_threads"
    thread: str = Field(primary_key=True)
    conversation_id: str = Field(foreign_key="hr_conversations.id", index=True)


class TranscriptTable(Stored, table=True):
    __tablename__ = "hr_transcript"
    __table_args__ = (_some("ix_hr_transcript_staff", "conversation_id", "seq", where=STAFF_SPOKE),)
    conversation_id: str = Field(primary_key=True, foreign_key="hr_conversations.id")
    seq: int = Field(primary_key=True)
    speaker: str
    name: str
    text: str = Field(sa_type=sa.Text)
    at: datetime = Field(sa_type=UtcTime)
    identity: str | None = None
    message: str | None = Field(default=None, index=True)
    edited_at: datetime | None = Field(default=None, sa_type=UtcTime)
    deleted_at: datetime | None = Field(default=None, sa_type=UtcTime)
    told: str | None = None


class SummaryTable(Stored, table=True):
    __tablename__ = "hr_history_summaries"
    conversation_id: str = Field(primary_key=True)
    upto: int = Field(primary_key=True)
    audience: str = Field(primary_key=True)
    text: str = Field(sa_type=sa.Text)
    written_by: str
    at: datetime = Field(sa_type=UtcTime)


class DeliveryTable(Stored, table=True):
    __tablename__ = "hr_deliveries"
    key: str = Field(primary_key=True)
    at: datetime = Field(sa_type=UtcTime)


class InboxTable(Stored, table=True):
    __tablename__ = "hr_inbox"
    __table_args__: ClassVar[Any] = (
        _some("ix_hr_inbox_new", "conversation_id", "seq", where=NEW_INBOX),
        _some("ix_hr_inbox_unfinished", "conversation_id", where=UNFINISHED_INBOX),
        {"sqlite_autoincrement": True},
    )
    seq: int | None = Field(
        default=None,
        primary_key=True,
        # SQLite counts only in a column of type INTEGER.
        sa_type=sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
    )
    conversation_id: str
    kind: str
    author: str = Field(sa_type=sa.Text)
    author_key: str
    received_at: datetime = Field(sa_type=UtcTime)
    transcript_seq: int | None = None
    proposal_id: str | None = None
    status: str
    turn_id: str | None = Field(default=None, index=True)
    trace: str | None = None


class TurnTable(Stored, table=True):
    __tablename__ = "hr_turns"
    __table_args__ = (
        # One running turn a conversation, whatever the engine does.
        _some("ux_hr_turns_running", "conversation_id", where=RUNNING_TURN, unique=True),
    )
    id: str = Field(primary_key=True)
    conversation_id: str
    author: str = Field(sa_type=sa.Text)
    author_key: str
    epoch: int
    token: str
    attempts: int
    status: str
    started_at: datetime = Field(sa_type=UtcTime)
    trace: str | None = Field(default=None, index=True)


class JournalTable(Stored, table=True):
    __tablename__ = "hr_journal"
    turn_id: str = Field(primary_key=True, foreign_key="hr_turns.id")
    position: int = Field(primary_key=True)
    kind: str
    body: str = Field(sa_type=sa.Text)
    at: datetime = Field(sa_type=UtcTime)


class ProposalTable(Stored, table=True):
    __tablename__ = "hr_proposals"
    __table_args__ = (
        sa.UniqueConstraint(
            "account_id", "fingerprint", "occurrence", name="ux_hr_proposals_occurrence"
        ),
        _some("ix_hr_proposals_open", "conversation_id", "proposed_at", where=OPEN_PROPOSAL),
        _some("ix_hr_proposals_undecided", "expires_at", where=UNDECIDED_PROPOSAL),
        _some("ix_hr_proposals_plan", "plan_id", where=IN_A_PLAN),
        _some("ix_hr_proposals_undoes", "undoes", where=UNDOES),
    )
    id: str = Field(primary_key=True)
    conversation_id: str
    account_id: str
    tool: str
    arguments: str = Field(sa_type=sa.Text)
    fingerprint: str
    occurrence: int
    title: str
    changes: str = Field(sa_type=sa.Text)
    notes: str = Field(sa_type=sa.Text)
    amount: str | None = None
    version: int = Field(sa_type=sa.BigInteger)
    requester: str
    requester_key: str
    requester_name: str
    status: str
    rule: str
    needs_confirmation: bool
    approval: str | None = Field(default=None, sa_type=sa.Text)
    epoch: int
    inbox_seqs: str = Field(sa_type=sa.Text)
    proposed_at: datetime = Field(sa_type=UtcTime)
    expires_at: datetime = Field(sa_type=UtcTime)
    confirmed_at: datetime | None = Field(default=None, sa_type=UtcTime)
    approver: str | None = None
    approver_name: str
    approved_at: datetime | None = Field(default=None, sa_type=UtcTime)
    card: str | None = None
    approval_card: str | None = None
    plan_id: str | None = None
    step: int = Field(sa_column_kwargs={"server_default": "0"})
    undoes: str | None = None
    approvals: str = Field(sa_type=sa.Text, sa_column_kwargs={"server_default": "[]"})
    from_outside: bool = Field(sa_column_kwargs={"server_default": sa.false()})
    asked_as: str | None = Field(default=None, sa_type=sa.Text)
    account_name: str


class LedgerTable(Stored, table=True):
    __tablename__ = "hr_ledger"
    __table_args__ = (
        sa.Index("ix_hr_ledger_conversation", "conversation_id", "intended_at"),
        sa.Index("ix_hr_ledger_account", "account_id", "intended_at"),
        sa.Index("ix_hr_ledger_time", "intended_at"),
        _some("ix_hr_ledger_unsettled", "intended_at", where=UNSETTLED),
        _some("ix_hr_ledger_unknown", "intended_at", where=UNKNOWN_OUTCOME),
    )
    key: str = Field(primary_key=True)
    conversation_id: str
    account_id: str
    tool: str
    arguments: str = Field(sa_type=sa.Text)
    amount: str | None = None
    requester: str
    person_id: str | None = None
    intended_at: datetime = Field(sa_type=UtcTime)
    outcome: str | None = None
    settled_at: datetime | None = Field(default=None, sa_type=UtcTime)
    title: str
    fields: str = Field(sa_type=sa.Text)
    content: str | None = Field(default=None, sa_type=sa.Text)
    reason: str = Field(sa_type=sa.Text)
    undo_until: datetime | None = Field(default=None, sa_type=UtcTime)


class DestinationTable(Stored, table=True):
    __tablename__ = "hr_destinations"
    __table_args__ = (_some("ix_hr_destinations_held", "lease_holder", where=HELD),)
    id: str = Field(primary_key=True)
    address: str = Field(sa_type=sa.Text)
    opens_thread: bool
    thread: str | None = Field(default=None, index=True)  # once it is known
    last_seq: int = Field(sa_column_kwargs={"server_default": "0"})
    lease_holder: str | None = None
    lease_until: datetime | None = Field(default=None, sa_type=UtcTime)


class OutgoingTable(Stored, table=True):
    __tablename__ = "hr_outgoing"
    __table_args__ = (
        sa.UniqueConstraint("destination", "seq", name="ux_hr_outgoing_seq"),
        _some("ix_hr_outgoing_open", "destination", "seq", where=OPEN_OUTGOING),
    )
    id: str = Field(primary_key=True)
    destination: str = Field(foreign_key="hr_destinations.id")
    message: str = Field(sa_type=sa.Text)
    created_at: datetime = Field(sa_type=UtcTime)
    conversation_id: str | None = None
    epoch: int | None = None
    updates: str | None = None
    seq: int
    status: str
    attempts: int
    not_before: datetime | None = Field(default=None, sa_type=UtcTime)
    posted: str | None = Field(default=None, index=True)
    problem: str = Field(sa_type=sa.Text)
    trace: str | None = None


class EscalationTable(Stored, table=True):
    __tablename__ = "hr_escalations"
    __table_args__ = (
        _some("ix_hr_escalations_waiting", "opened_at", where="status = 'waiting'"),
        _some("ix_hr_escalations_open", "conversation_id", where=OPEN_ESCALATION),
    )
    id: str = Field(primary_key=True)
    number: int = Field(unique=True)
    conversation_id: str
    account_id: str | None = None
    reason: str
    priority: str
    status: str
    asked: str = Field(sa_type=sa.Text)
    asked_by: str
    suggestion: str = Field(sa_type=sa.Text)
    destination: str = Field(index=True)
    opened_at: datetime = Field(sa_type=UtcTime)
    card: str | None = None
    claimed_by: str | None = None
    claimed_by_name: str
    claimed_at: datetime | None = Field(default=None, sa_type=UtcTime)
    closed_at: datetime | None = Field(default=None, sa_type=UtcTime)
    trace: str | None = None
    asker: str | None = None


class BrakeTable(Stored, table=True):
    __tablename__ = "hr_brakes"
    scope: str = Field(primary_key=True)
    target: str = Field(primary_key=True)
    set_by: str
    set_at: datetime = Field(sa_type=UtcTime)
    reason: str
    set_by_key: str | None = None


class PaceTable(Stored, table=True):
    __tablename__ = "hr_paces"
    room: str = Field(primary_key=True)
    due: float  # seconds since 1970 by the server's clock: when the room would be idle


class FloorTable(Stored, table=True):
    __tablename__ = "hr_floor"
    id: int = Field(primary_key=True)  # one row, 1
    revision: str  # the oldest revision whose code may work on this database


class CounterTable(Stored, table=True):
    __tablename__ = "hr_counters"
    name: str = Field(primary_key=True)
    value: int


def table(model: type[Stored]) -> sa.Table:
    """The Core table of a model."""
    found: sa.Table = model.__table__  # type: ignore[attr-defined]
    return found
