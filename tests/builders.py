"""Small builders of domain values: `a_person(name="Ada")` says only what the test is about."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from agent_core.blocks import Text
from agent_core.conversation import (
    Audience,
    Conversation,
    ConversationId,
    ConversationStatus,
    HistorySummary,
    RoomBinding,
    RoomMode,
    Speaker,
    TranscriptEntry,
)
from agent_core.escalations import (
    Escalation,
    EscalationId,
    EscalationReason,
    EscalationStatus,
    Priority,
)
from agent_core.journal import JournalEntry, Turn, TurnId, TurnStatus
from agent_core.messages import (
    Author,
    DestinationId,
    InboundMessage,
    MessageRef,
    OutboundMessage,
    OutgoingId,
    Participant,
    Platform,
    PlatformIdentity,
    ReplyAddress,
    RoomRef,
    ThreadRef,
)
from agent_core.outgoing import Destination, OutgoingRow
from agent_core.people import AccountId, Person, PersonId, Requester, Role
from agent_core.proposals import LedgerEntry, Proposal, ProposalId, ProposalStatus, fingerprint
from agent_core.tooling import Amount, ToolName

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
ACME = AccountId("acc_acme")


def a_room(room_id: str = "C1", platform: Platform = Platform.SLACK) -> RoomRef:
    return RoomRef(platform=platform, tenant_id="T1", room_id=room_id)


def a_thread(thread_id: str = "1700000000.000100", room: RoomRef | None = None) -> ThreadRef:
    return ThreadRef(room=room or a_room(), thread_id=thread_id)


def a_message_ref(message_id: str = "1700000000.000100") -> MessageRef:
    return MessageRef(room=a_room(), message_id=message_id)


def an_identity(user_id: str = "U1", platform: Platform = Platform.SLACK) -> PlatformIdentity:
    return PlatformIdentity(platform=platform, tenant_id="T1", user_id=user_id)


def a_participant(user_id: str = "U1", name: str = "Ada") -> Participant:
    return Participant(identity=an_identity(user_id), name=name)


def a_binding(**changes: Any) -> RoomBinding:
    binding = RoomBinding(
        room=a_room(), audience=Audience.SHARED, account_id=ACME, mode=RoomMode.MENTION, name="acme"
    )
    return replace(binding, **changes)


def a_person(person_id: str = "per_ada", name: str = "Ada", **changes: Any) -> Person:
    """An owner of ACME with one Slack identity."""
    person = Person(
        id=PersonId(person_id),
        name=name,
        roles={ACME: Role.OWNER},
        identities=(an_identity(f"U_{person_id}"),),
    )
    return replace(person, **changes)


def a_requester(person: Person | None = None) -> Requester:
    person = person or a_person()
    return Requester(identity=person.identities[0], name=person.name, person=person)


def a_conversation(conversation_id: str = "con_1", **changes: Any) -> Conversation:
    conversation = Conversation(
        id=ConversationId(conversation_id),
        room=a_room(),
        destination=DestinationId(f"des_{conversation_id}"),
        audience=Audience.SHARED,
        account_id=ACME,
        status=ConversationStatus.WITH_AGENT,
        epoch=1,
        opened_at=NOON,
    )
    return replace(conversation, **changes)


def an_entry(
    conversation_id: str = "con_1", text: str = "Add 5 seats", **changes: Any
) -> TranscriptEntry:
    entry = TranscriptEntry(
        conversation_id=ConversationId(conversation_id),
        speaker=Speaker.CUSTOMER,
        name="Ada",
        text=text,
        at=NOON,
        identity=an_identity(),
    )
    return replace(entry, **changes)


def a_summary(
    upto: int = 12, text: str = "Ada asked for 5 seats.", **changes: Any
) -> HistorySummary:
    """Of con_1, made for a shared room by code."""
    summary = HistorySummary(
        conversation_id=ConversationId("con_1"),
        upto=upto,
        audience=Audience.SHARED,
        text=text,
        written_by="",
        at=NOON,
    )
    return replace(summary, **changes)


def an_inbound_message(text: str = "Add 5 seats", **changes: Any) -> InboundMessage:
    message = InboundMessage(
        message=a_message_ref(),
        thread=a_thread(),
        author=a_participant(),
        text=text,
        mentions_agent=True,
        direct=False,
        sent_at=NOON,
        reply_to=ReplyAddress(room=a_room(), thread_id="1700000000.000100"),
    )
    return replace(message, **changes)


def a_turn(turn_id: str = "tur_1", conversation_id: str = "con_1", **changes: Any) -> Turn:
    turn = Turn(
        id=TurnId(turn_id),
        conversation_id=ConversationId(conversation_id),
        author=a_participant(),
        author_key="per_ada",
        epoch=1,
        token="token-1",
        attempts=1,
        status=TurnStatus.RUNNING,
        started_at=NOON,
    )
    return replace(turn, **changes)


def a_journal_entry(position: int = 0, turn_id: str = "tur_1", **changes: Any) -> JournalEntry:
    entry = JournalEntry(
        turn_id=TurnId(turn_id), position=position, kind="note", body={"n": position}, at=NOON
    )
    return replace(entry, **changes)


def a_proposal(proposal_id: str = "pro_1", **changes: Any) -> Proposal:
    """Five seats for ACME, awaiting the requester's yes. The fingerprint follows the changes."""
    proposal = Proposal(
        id=ProposalId(proposal_id),
        conversation_id=ConversationId("con_1"),
        account_id=ACME,
        tool=ToolName("add_seats"),
        arguments={"seats": 5},
        fingerprint="",
        occurrence=1,
        title="Add 5 seats",
        changes=(),
        notes=(),
        amount=Amount(minor=12_500, currency="USD"),
        version=7,
        requester=an_identity(),
        requester_key="per_ada",
        requester_name="Ada",
        status=ProposalStatus.AWAITING_CONFIRMATION,
        rule="defaults/add_seats",
        needs_confirmation=True,
        approval=None,
        epoch=1,
        inbox_seqs=(1,),
        proposed_at=NOON,
        expires_at=NOON + timedelta(hours=1),
    )
    changed = replace(proposal, **changes)
    if changed.fingerprint:
        return changed
    mark = fingerprint(changed.account_id, changed.tool, changed.arguments)
    return replace(changed, fingerprint=mark)


def a_ledger_entry(key: str = "pro_1", **changes: Any) -> LedgerEntry:
    """Intended at noon, outcome not known."""
    entry = LedgerEntry(
        key=ProposalId(key),
        conversation_id=ConversationId("con_1"),
        account_id=ACME,
        tool=ToolName("add_seats"),
        arguments={"seats": 5},
        amount=Amount(minor=12_500, currency="USD"),
        requester=an_identity(),
        person_id=PersonId("per_ada"),
        intended_at=NOON,
    )
    return replace(entry, **changes)


def an_outbound_message(text: str = "Done.", **changes: Any) -> OutboundMessage:
    message = OutboundMessage(blocks=(Text(markdown=text),), fallback=text, author=Author.CODE)
    return replace(message, **changes)


def a_destination(destination_id: str = "des_con_1", **changes: Any) -> Destination:
    destination = Destination(
        id=DestinationId(destination_id),
        address=ReplyAddress(room=a_room(), thread_id="1700000000.000100"),
        opens_thread=False,
    )
    return replace(destination, **changes)


def an_outgoing_row(row_id: str = "out_1", **changes: Any) -> OutgoingRow:
    row = OutgoingRow(
        id=OutgoingId(row_id),
        destination=DestinationId("des_con_1"),
        message=an_outbound_message(),
        created_at=NOON,
        conversation_id=ConversationId("con_1"),
    )
    return replace(row, **changes)


def an_escalation(escalation_id: str = "esc_1", number: int = 1, **changes: Any) -> Escalation:
    escalation = Escalation(
        id=EscalationId(escalation_id),
        number=number,
        conversation_id=ConversationId("con_1"),
        account_id=ACME,
        reason=EscalationReason.ASKED_FOR,
        priority=Priority.NORMAL,
        status=EscalationStatus.WAITING,
        asked="I want to talk to someone",
        asked_by="Ada",
        suggestion="Say hello",
        destination=DestinationId("des_support"),
        opened_at=NOON,
    )
    return replace(escalation, **changes)
