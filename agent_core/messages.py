"""What arrives from a platform and what goes out to it, in words that no platform owns."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, NewType, Self

from agent_core.blocks import Block

# The home of somebody of whom the platform does not tell it: nobody's, and no two people's.
UNKNOWN_TENANT: Final = "unknown"

OutgoingId = NewType("OutgoingId", str)
DestinationId = NewType("DestinationId", str)


class Platform(StrEnum):
    """Where people write: a chat platform, or another product that has the core as a library."""

    SLACK = "slack"
    TEAMS = "teams"
    EMBEDDED = "embedded"  # no chat platform: agent_core.embed


def _split_address(address: str, example: str) -> tuple[Platform, str, str]:
    """`platform:TENANT/ID` in its three parts. Raises ValueError that shows `example`."""
    platform, colon, rest = address.partition(":")
    tenant, slash, identifier = rest.partition("/")
    if not (colon and slash and tenant and identifier) or platform not in list(Platform):
        raise ValueError(f"{address!r} is not of the form {example}")
    return Platform(platform), tenant, identifier


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomRef:
    """A channel, group chat or direct chat. `tenant_id` is the installation the agent acts in."""

    platform: Platform
    tenant_id: str
    room_id: str

    @classmethod
    def parse(cls, address: str) -> Self:
        """Reads `slack:TEAM/CHANNEL` or `teams:TENANT/CONVERSATION`. Raises ValueError."""
        platform, tenant, room = _split_address(
            address, "slack:TEAM/CHANNEL or teams:TENANT/CONVERSATION"
        )
        return cls(platform=platform, tenant_id=tenant, room_id=room)

    def __str__(self) -> str:
        return f"{self.platform}:{self.tenant_id}/{self.room_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadRef:
    """A thread in a room. `thread_id` is "" where the room has no threads (a Teams chat)."""

    room: RoomRef
    thread_id: str

    def __str__(self) -> str:
        return f"{self.room}#{self.thread_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRef:
    """One message on its platform: (channel, ts) in Slack, (conversation, activity id) in Teams."""

    room: RoomRef
    message_id: str

    def __str__(self) -> str:
        return f"{self.room}!{self.message_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformIdentity:
    """A person as one platform knows them. `tenant_id` is their home, not where they write."""

    platform: Platform
    tenant_id: str
    user_id: str

    @classmethod
    def parse(cls, address: str) -> Self:
        """Reads `slack:TEAM/USER` or `teams:TENANT/OBJECT_ID`. Raises ValueError."""
        platform, tenant, user = _split_address(
            address, "slack:TEAM/USER or teams:TENANT/OBJECT_ID"
        )
        return cls(platform=platform, tenant_id=tenant, user_id=user)

    def __str__(self) -> str:
        return f"{self.platform}:{self.tenant_id}/{self.user_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Participant:
    """Somebody who wrote or clicked. `name` is for display only; it proves nothing.

    `is_guest`: let into the tenant for a few rooms, and no member of the company it belongs to.
    """

    identity: PlatformIdentity
    name: str
    is_guest: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyAddress:
    """Where a message goes. `thread_id` None: the post opens a new thread (or the room has none).

    `delivery` is the adapter's own, opaque to everybody else, and never part of an identity: the
    Teams service URL lives here. Plain strings, so that it can be stored.
    """

    room: RoomRef
    thread_id: str | None
    delivery: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRef:
    """A file that somebody attached. `size` in bytes; None where the platform does not say."""

    file_id: str
    name: str
    media_type: str
    size: int | None = None


# --- in -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundMessage:
    """Somebody wrote. `text` is Markdown with the agent's own mention taken out."""

    message: MessageRef
    thread: ThreadRef
    author: Participant
    text: str
    mentions_agent: bool
    direct: bool  # a chat of this person and the agent alone
    sent_at: datetime
    reply_to: ReplyAddress
    files: tuple[FileRef, ...] = ()
    shared: bool = False  # the platform says that another company reads along


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageEdited:
    """A person changed a message. `text` is the new one.

    `request`: the message as it reads now, where it names the agent. It asks for something if the
    message was for nobody of ours before.
    """

    message: MessageRef
    thread: ThreadRef
    author: Participant
    text: str
    edited_at: datetime
    request: InboundMessage | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageDeleted:
    """A person deleted a message."""

    message: MessageRef
    thread: ThreadRef
    deleted_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ButtonPressed:
    """Somebody pressed a button. `action` and `value` are what `blocks.Button` was given.

    `card` is the message that bears the button. `trigger` opens a form, and lives for seconds.
    `inputs` holds fields of the card itself (Teams), by input id.
    """

    press_id: str  # the platform's id of this press, for taking it once
    card: MessageRef
    thread: ThreadRef
    by: Participant
    action: str
    value: str
    pressed_at: datetime
    reply_to: ReplyAddress
    trigger: str | None = None
    inputs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class FormSubmitted:
    """Somebody sent a form. `form` and `value` are what `blocks.Form` was given."""

    submission_id: str
    by: Participant
    form: str
    value: str
    inputs: Mapping[str, str]
    submitted_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionsAsked:
    """A form's picker asks what matches `query`. Answered in the request, from stored state."""

    by: Participant
    form: str
    field: str
    query: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandUsed:
    """Somebody typed the agent's slash command; `text` is what follows its name."""

    command_id: str
    by: Participant
    room: RoomRef
    text: str
    used_at: datetime
    reply_to: ReplyAddress
    trigger: str | None = None


class RoomChange(StrEnum):
    """What happened to a room."""

    AGENT_ADDED = "agent_added"
    AGENT_REMOVED = "agent_removed"
    SHARED = "shared"
    UNSHARED = "unshared"
    MOVED = "moved"
    ARCHIVED = "archived"
    UNINSTALLED = "uninstalled"  # the whole tenant; `room.room_id` is "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomChanged:
    """A room was shared, moved, archived, or the agent came or went."""

    event_id: str
    room: RoomRef
    change: RoomChange
    moved_to: RoomRef | None = None
    reply_to: ReplyAddress | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsupported:
    """Understood to be none of the above, and said so. `what` names the kind, without content."""

    platform: Platform
    what: str


InboundEvent = (
    InboundMessage
    | MessageEdited
    | MessageDeleted
    | ButtonPressed
    | FormSubmitted
    | OptionsAsked
    | CommandUsed
    | RoomChanged
    | Unsupported
)


# --- out ------------------------------------------------------------------------------------


class Author(StrEnum):
    """Who speaks. Only `AGENT` rows bear an epoch, and are held back once a person owns."""

    AGENT = "agent"  # words of the model: labelled as AI, in words and machine-readably
    CODE = "code"  # a receipt, card or notice: labelled "automatic"
    PERSON = "person"  # a support person, under their own name: "Name, support team"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundMessage:
    """A message in neutral parts. `fallback` is the whole of it in plain text.

    `author_name` is set where `author` is PERSON. `private_to`: only this person sees it.
    `discloses_ai` opens the message with the sentence that this is an AI.
    """

    blocks: tuple[Block, ...]
    fallback: str
    author: Author
    author_name: str | None = None
    private_to: PlatformIdentity | None = None
    discloses_ai: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """Where a post ended up. `address` reaches the same thread again."""

    message: MessageRef
    thread: ThreadRef
    address: ReplyAddress
