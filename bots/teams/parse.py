"""Turns an activity into an event of ours. Pure; what is not understood becomes a value."""

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any

from agent_core.messages import (
    ButtonPressed,
    FileRef,
    FormSubmitted,
    InboundEvent,
    InboundMessage,
    MessageDeleted,
    MessageEdited,
    MessageRef,
    OptionsAsked,
    Participant,
    Platform,
    ReplyAddress,
    RoomChange,
    RoomChanged,
    RoomRef,
    ThreadRef,
    Unsupported,
)
from bots.teams import identity, wire
from bots.teams.activity import Attachment, IncomingActivity, activity_from
from bots.teams.markup import read_text

_FILE = "application/vnd.microsoft.teams.file.download.info"
_WORD = re.compile(r"[^A-Za-z0-9/._-]+")
_TEAM_CHANGES = {
    "teamArchived": RoomChange.ARCHIVED,
    "teamDeleted": RoomChange.AGENT_REMOVED,
    "channelDeleted": RoomChange.AGENT_REMOVED,
}


def parse(body: Mapping[str, Any]) -> InboundEvent:
    """The event of a decoded activity. Raises MalformedActivity."""
    return parse_activity(activity_from(dict(body)))


def parse_activity(activity: IncomingActivity) -> InboundEvent:
    """The event of an activity that was read already."""
    reader = _READERS.get(activity.type)
    if reader is None:
        return _unsupported(activity.type)
    if _is_bot(activity):
        return _unsupported("message of a bot")
    return reader(activity)


# --- messages -------------------------------------------------------------------------------


def _message(activity: IncomingActivity) -> InboundEvent:
    if not (activity.text or "").strip() and activity.value is not None:
        return _pressed(activity, activity.value, _verb_of(activity.value))
    files = tuple(filter(None, (_file(part) for part in activity.attachments)))
    text, mentioned = read_text(activity)
    direct = _is_direct(activity)
    if not text and not files and not mentioned:
        return _unsupported("message without text")
    return InboundMessage(
        message=MessageRef(room=_room(activity), message_id=activity.id),
        thread=_thread(activity),
        author=_author(activity),
        text=text,
        mentions_agent=direct or mentioned,
        direct=direct,
        sent_at=activity.at,
        reply_to=_reply_to(activity),
        files=files,
    )


def _edited(activity: IncomingActivity) -> InboundEvent:
    now = _message(activity)
    named = isinstance(now, InboundMessage) and now.mentions_agent and not now.direct
    return MessageEdited(
        message=MessageRef(room=_room(activity), message_id=activity.id),
        thread=_thread(activity),
        author=_author(activity),
        text=read_text(activity)[0],
        edited_at=activity.at,
        request=now if isinstance(now, InboundMessage) and named else None,
    )


def _deleted(activity: IncomingActivity) -> InboundEvent:
    return MessageDeleted(
        message=MessageRef(room=_room(activity), message_id=activity.id),
        thread=_thread(activity),
        deleted_at=activity.at,
    )


def _file(part: Attachment) -> FileRef | None:
    content = part.content if isinstance(part.content, dict) else {}
    if part.content_type == _FILE:
        file_id = str(content.get("uniqueId") or part.content_url)
        kind = str(content.get("fileType") or "")
        return FileRef(file_id=file_id, name=part.name, media_type=kind)
    if part.content_type.startswith("image/") and part.content_url:
        name = part.name or "image"
        return FileRef(file_id=part.content_url, name=name, media_type=part.content_type)
    return None


# --- cards and dialogs ----------------------------------------------------------------------


def _invoke(activity: IncomingActivity) -> InboundEvent:
    value = activity.value if isinstance(activity.value, dict) else {}
    match activity.name:
        case "adaptiveCard/action":
            action = value.get("action")
            action = action if isinstance(action, dict) else {}
            return _pressed(activity, action.get("data"), action.get("verb"))
        case "task/fetch":
            data = value.get("data")
            return _pressed(activity, data, _verb_of(data), trigger="task/fetch")
        case "task/submit":
            return _submitted(activity, value.get("data"))
        case "application/search":
            return _asked(activity, value)
        case _:
            return _unsupported(f"invoke {activity.name}")


def _pressed(
    activity: IncomingActivity, data: Any, verb: Any, *, trigger: str | None = None
) -> InboundEvent:
    own = wire.own_part(data)
    value = own.get(wire.VALUE)
    if not isinstance(verb, str) or not verb or not isinstance(value, str):
        return _unsupported("press of a button that is not ours")
    return ButtonPressed(
        press_id=_once(activity, verb),
        card=MessageRef(room=_room(activity), message_id=activity.reply_to_id),
        thread=_thread(activity),
        by=_author(activity),
        action=verb,
        value=value,
        pressed_at=activity.at,
        reply_to=_reply_to(activity),
        trigger=trigger,
        inputs=wire.inputs(data),
    )


def _submitted(activity: IncomingActivity, data: Any) -> InboundEvent:
    own = wire.own_part(data)
    form, value = own.get(wire.FORM), own.get(wire.VALUE)
    if not isinstance(form, str) or not form or not isinstance(value, str):
        return _unsupported("form that is not ours")
    return FormSubmitted(
        submission_id=_once(activity, form),
        by=_author(activity),
        form=form,
        value=value,
        inputs=wire.inputs(data),
        submitted_at=activity.at,
    )


def _asked(activity: IncomingActivity, value: Mapping[str, Any]) -> InboundEvent:
    form, mark, field = str(value.get("dataset") or "").partition(wire.DATASET_MARK)
    if not (form and mark and field):
        return _unsupported("search that is not ours")
    query = str(value.get("queryText") or "")[:200]
    return OptionsAsked(by=_author(activity), form=form, field=field, query=query)


def _verb_of(data: Any) -> Any:
    return wire.own_part(data).get(wire.ACTION)


# --- rooms ----------------------------------------------------------------------------------


def _conversation_update(activity: IncomingActivity) -> InboundEvent:
    event = activity.channel_data.event_type
    if event in _TEAM_CHANGES:
        return _changed(activity, _TEAM_CHANGES[event])
    own = activity.recipient.id
    if any(member.id == own for member in activity.members_added):
        return _changed(activity, RoomChange.AGENT_ADDED)
    if any(member.id == own for member in activity.members_removed):
        return _changed(activity, RoomChange.AGENT_REMOVED)
    return _unsupported(f"conversationUpdate {event}".rstrip())


def _installation_update(activity: IncomingActivity) -> InboundEvent:
    if activity.action.startswith("add"):
        return _changed(activity, RoomChange.AGENT_ADDED)
    if activity.action.startswith("remove"):
        return _changed(activity, RoomChange.AGENT_REMOVED)
    return _unsupported("installationUpdate")


def _changed(activity: IncomingActivity, change: RoomChange) -> RoomChanged:
    return RoomChanged(
        event_id=_once(activity, change),
        room=_room(activity),
        change=change,
        reply_to=_reply_to(activity),
    )


# --- parts ----------------------------------------------------------------------------------


def _room(activity: IncomingActivity) -> RoomRef:
    return identity.room_ref(activity.tenant_id, activity.conversation.id)


def _thread_id(activity: IncomingActivity) -> str:
    thread = identity.thread_of(activity.conversation.id)
    if thread or not identity.is_channel(_room(activity), activity.conversation.conversation_type):
        return thread
    # A post that names no thread is the root of its own.
    return activity.reply_to_id or activity.id if activity.type.startswith("message") else ""


def _thread(activity: IncomingActivity) -> ThreadRef:
    return ThreadRef(room=_room(activity), thread_id=_thread_id(activity))


def _reply_to(activity: IncomingActivity) -> ReplyAddress:
    return identity.reply_address(
        _room(activity),
        _thread_id(activity),
        service_url=activity.service_url,
        conversation_type=activity.conversation.conversation_type,
        own_id=activity.recipient.id,
    )


def _author(activity: IncomingActivity) -> Participant:
    sender = activity.from_
    home = sender.tenant_id.lower() or activity.tenant_id
    who = identity.person_identity(home, sender.aad_object_id, sender.id)
    guest = identity.is_guest(
        home=home,
        here=activity.tenant_id,
        object_id=sender.aad_object_id,
        role=sender.user_role or sender.role,
        principal_name=sender.user_principal_name,
    )
    return Participant(identity=who, name=sender.name, is_guest=guest)


def _is_direct(activity: IncomingActivity) -> bool:
    return activity.conversation.conversation_type == identity.PERSONAL


def _is_bot(activity: IncomingActivity) -> bool:
    sender = activity.from_
    own = sender.id == activity.recipient.id
    return own or sender.id.startswith("28:") or sender.role in ("bot", "skill")


def _once(activity: IncomingActivity, what: str) -> str:
    """What this press, submission or change is taken once by.

    Teams sends an unanswered invoke again under a new id, which is a new press here: what the
    press decides is compared with the stored state and so happens once all the same.
    """
    parts = (
        activity.conversation.id,
        activity.reply_to_id,
        what,
        activity.from_.id,
        activity.id or f"{activity.type} {activity.at.isoformat()}",
    )
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:40]


def _unsupported(what: str) -> Unsupported:
    return Unsupported(platform=Platform.TEAMS, what=_WORD.sub(" ", what).strip()[:60])


def _reaction(_: IncomingActivity) -> InboundEvent:
    return _unsupported("messageReaction")


_READERS: Mapping[str, Callable[[IncomingActivity], InboundEvent]] = {
    "message": _message,
    "messageUpdate": _edited,
    "messageDelete": _deleted,
    "invoke": _invoke,
    "conversationUpdate": _conversation_update,
    "installationUpdate": _installation_update,
    "messageReaction": _reaction,
}
