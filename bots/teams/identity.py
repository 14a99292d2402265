"""Joins Teams' conversation, tenant and directory ids to our references, and back."""

from agent_core.messages import Platform, PlatformIdentity, ReplyAddress, RoomRef, ThreadRef

_THREAD_MARK = ";messageid="
_CHANNEL_ENDINGS = ("@thread.tacv2", "@thread.skype")

CHANNEL = "channel"
PERSONAL = "personal"
SERVICE_URL = "service_url"
CONVERSATION_TYPE = "conversation_type"
BOT_ID = "bot_id"


def bot_id(app_id: str) -> str:
    """The app's own id as a participant."""
    return f"28:{app_id}"


def room_ref(tenant_id: str, conversation_id: str) -> RoomRef:
    """The room of a conversation id; a thread's suffix is no part of it."""
    room_id, _, _ = conversation_id.partition(_THREAD_MARK)
    return RoomRef(platform=Platform.TEAMS, tenant_id=tenant_id, room_id=room_id)


def thread_of(conversation_id: str) -> str:
    """The root message's id where the conversation id names a thread, else ""."""
    return conversation_id.partition(_THREAD_MARK)[2]


def thread_ref(room: RoomRef, thread_id: str) -> ThreadRef:
    """A thread of a room; chats have one thread, "" by name."""
    return ThreadRef(room=room, thread_id=thread_id)


def is_channel(room: RoomRef, conversation_type: str = "") -> bool:
    """Whether a room has threads. The type decides where it is known, else the id's ending."""
    if conversation_type:
        return conversation_type == CHANNEL
    return room.room_id.endswith(_CHANNEL_ENDINGS)


def conversation_id(address: ReplyAddress) -> str:
    """Where the Connector posts for this address."""
    if not address.thread_id:
        return address.room.room_id
    return f"{address.room.room_id}{_THREAD_MARK}{address.thread_id}"


def message_conversation_id(room: RoomRef, thread_id: str | None) -> str:
    """The conversation of a message that is already there."""
    return conversation_id(ReplyAddress(room=room, thread_id=thread_id))


def reply_address(
    room: RoomRef, thread_id: str, *, service_url: str, conversation_type: str, own_id: str
) -> ReplyAddress:
    """Where answers go: delivery data, refreshed with every activity."""
    delivery = {
        SERVICE_URL: service_url,
        CONVERSATION_TYPE: conversation_type,
        BOT_ID: own_id,
    }
    return ReplyAddress(room=room, thread_id=thread_id, delivery=delivery)


def person_identity(tenant_id: str, object_id: str | None, participant_id: str) -> PlatformIdentity:
    """A person by directory object id.

    People whom the directory does not know (anonymous guests) keep their Bot Framework id: it
    never equals an object id, so that they stay unknown until somebody names them.
    """
    user_id = object_id.lower() if object_id else participant_id
    return PlatformIdentity(platform=Platform.TEAMS, tenant_id=tenant_id, user_id=user_id)


def is_guest(*, home: str, here: str, object_id: str, role: str, principal_name: str) -> bool:
    """Whether Teams says anywhere that this is no member of the tenant in which they write.

    A guest's account in the directory bears the mark `#EXT#` in its name; whoever the directory
    does not know at all came by a link.
    """
    let_in = role.casefold() in ("guest", "anonymous") or "#ext#" in principal_name.casefold()
    return let_in or not object_id or home != here
