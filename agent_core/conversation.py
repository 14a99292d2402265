"""A conversation: who has it, which moves are allowed, and what was said in it."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import NewType, Self

from agent_core.errors import ConversationChanged
from agent_core.messages import DestinationId, MessageRef, PlatformIdentity, RoomRef
from agent_core.people import AccountId, PersonId

ConversationId = NewType("ConversationId", str)


class Audience(StrEnum):
    """Who can read a room: what may be said there follows from its least-trusted reader."""

    PRIVATE = "private"  # one person and the agent
    INTERNAL = "internal"  # the vendor's own people
    SHARED = "shared"  # a customer's people and the vendor's


class RoomMode(StrEnum):
    """When the agent speaks in a room."""

    MENTION = "mention"  # when mentioned, and in threads it takes part in
    ALWAYS = "always"  # on every message of the account's people
    SILENT = "silent"  # never; people are still served by hand


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomBinding:
    """What a room is to us. A shared room without an account serves general questions only."""

    room: RoomRef
    audience: Audience
    account_id: AccountId | None
    mode: RoomMode
    is_support: bool = False
    name: str = ""


class ConversationStatus(StrEnum):
    """Who has the conversation."""

    WITH_AGENT = "with_agent"
    WAITING_FOR_SUPPORT = "waiting_for_support"
    WITH_SUPPORT = "with_support"
    RESOLVED = "resolved"


_ALLOWED = {
    ConversationStatus.WITH_AGENT: {
        ConversationStatus.WAITING_FOR_SUPPORT,
        ConversationStatus.WITH_SUPPORT,
        ConversationStatus.RESOLVED,
    },
    ConversationStatus.WAITING_FOR_SUPPORT: {
        ConversationStatus.WITH_AGENT,
        ConversationStatus.WITH_SUPPORT,
        ConversationStatus.RESOLVED,
    },
    ConversationStatus.WITH_SUPPORT: {
        ConversationStatus.WITH_AGENT,
        ConversationStatus.WAITING_FOR_SUPPORT,
        ConversationStatus.WITH_SUPPORT,
        ConversationStatus.RESOLVED,
    },
    ConversationStatus.RESOLVED: {
        ConversationStatus.WITH_AGENT,
        ConversationStatus.WAITING_FOR_SUPPORT,
        ConversationStatus.WITH_SUPPORT,
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """One matter, in one or more threads. `account_id` is fixed at creation.

    `epoch` grows with every change of owner. `subject` is the account that staff named, confirmed
    on every card; it is None where the room is bound.
    """

    id: ConversationId
    room: RoomRef
    destination: DestinationId  # where replies to the customer go
    audience: Audience
    account_id: AccountId | None
    status: ConversationStatus
    epoch: int
    opened_at: datetime
    support_person: PersonId | None = None
    subject: AccountId | None = None

    @property
    def account(self) -> AccountId | None:
        """The account that actions of this conversation touch."""
        return self.account_id or self.subject

    @property
    def share(self) -> str:
        """Whose share of the agent's time its turns use: the account's, else the room's."""
        return self.account_id or str(self.room)

    def moved(self, status: ConversationStatus, *, to: PersonId | None = None) -> Self:
        """The conversation after a change of owner. Raises ConversationChanged if not allowed."""
        if status not in _ALLOWED[self.status]:
            raise ConversationChanged(f"conversation is {self.status}, cannot become {status}")
        if (to is not None) != (status is ConversationStatus.WITH_SUPPORT):
            raise ValueError("a person owns a conversation exactly while it is with_support")
        return replace(self, status=status, support_person=to, epoch=self.epoch + 1)


class Speaker(StrEnum):
    """Whose words a transcript entry holds."""

    CUSTOMER = "customer"
    STAFF = "staff"
    SUPPORT = "support"
    AGENT = "agent"
    CODE = "code"


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptEntry:
    """One thing said, append-only. `seq` is 0 until the store gives it one (from 1, no gaps)."""

    conversation_id: ConversationId
    speaker: Speaker
    name: str
    text: str
    at: datetime
    identity: PlatformIdentity | None = None
    message: MessageRef | None = None
    edited_at: datetime | None = None
    deleted_at: datetime | None = None
    told: PlatformIdentity | None = None  # of our own words: whom they answer, where it is one
    seq: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class HistorySummary:
    """What was said in a conversation up to `upto`, in short. Untrusted text, like what it sums up.

    `audience`: who could read the room when it was made; what was said among ourselves is in none
    that was made for a shared room. `written_by` is the model's label, or empty for code's own.
    """

    conversation_id: ConversationId
    upto: int
    audience: Audience
    text: str
    written_by: str
    at: datetime
