"""Turns a verified Slack payload into an `InboundEvent`. Pure; what it cannot read is a value."""

from dataclasses import dataclass
from datetime import datetime

from agent_core.messages import (
    CommandUsed,
    FileRef,
    InboundEvent,
    InboundMessage,
    MessageDeleted,
    MessageEdited,
    Participant,
    Platform,
    ReplyAddress,
    RoomChange,
    RoomChanged,
    Unsupported,
)
from bots.slack import identity, interactions
from bots.slack.entities import mentioned_people, names_agent, to_plain
from bots.slack.identity import Known, Workspace
from bots.slack.shapes import Json, moment, rows, table, text

# What people write. Every other subtype is Slack's own talk about the channel.
_WRITTEN = frozenset({"", "thread_broadcast", "file_share", "me_message"})
_NAMED_MENTIONS = 5
_KIND_LENGTH = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookups:
    """What must be asked before a payload can be read: people's names, homes, and files."""

    named: tuple[str, ...] = ()
    homeless: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


def unsupported(what: str) -> Unsupported:
    return Unsupported(platform=Platform.SLACK, what=what[:_KIND_LENGTH])


def parse(
    payload: Json, workspace: Workspace, known: Known, *, received_at: datetime
) -> InboundEvent:
    """The event in a payload of the Events API, an interaction or a command.

    `received_at` stands in where Slack gives no time of its own: forms and commands.
    """
    kind = text(payload, "type")
    if kind == "event_callback":
        return _event(payload, table(payload, "event"), workspace, known)
    if kind:
        return interactions.parse(payload, workspace, known, received_at=received_at)
    if text(payload, "command"):
        return _command(payload, workspace, known, received_at)
    return unsupported("payload without a type")


def lookups(payload: Json, workspace: Workspace) -> Lookups:
    """What `parse` would like to know about this payload."""
    if text(payload, "command"):
        return Lookups(named=tuple(filter(None, (text(payload, "user_id"),))))
    if text(payload, "type") != "event_callback":
        return _lookups_of_interaction(payload)
    event = table(payload, "event")
    kind, subtype = text(event, "type"), text(event, "subtype")
    message = table(event, "message") if subtype == "message_changed" else event
    user = text(message, "user")
    written = kind in ("message", "app_mention") and subtype in _WRITTEN | {"message_changed"}
    if not written or not user or is_by_bot(message, workspace):
        return Lookups()
    if subtype == "message_changed" and not _text_changed(event):
        return Lookups()
    homeless = () if identity.home_team(payload, message, workspace) else (user,)
    others = [p for p in mentioned_people(text(message, "text")) if p != workspace.bot_user_id]
    hidden = [f for f in rows(message, "files") if f.get("file_access") == "check_file_info"]
    return Lookups(
        named=(user, *others[:_NAMED_MENTIONS]),
        homeless=homeless,
        files=tuple(text(file, "id") for file in hidden if text(file, "id")),
    )


def _lookups_of_interaction(payload: Json) -> Lookups:
    """The one who acts, by full name where the name will be shown: on decided cards and replies."""
    actor = text(payload, "user", "id")
    if not actor or text(payload, "type") not in interactions.READ:
        return Lookups()
    shown = text(payload, "type") != "block_suggestion"
    return Lookups(
        named=(actor,) if shown else (),
        homeless=() if interactions.home_of_actor(payload) else (actor,),
    )


def is_by_bot(message: Json, workspace: Workspace) -> bool:
    """Ours or another bot's. Checked on the message itself: an edit's envelope does not say."""
    return bool(
        message.get("bot_id")
        or message.get("app_id")
        or message.get("bot_profile")
        or text(message, "subtype") == "bot_message"
        or text(message, "user") in (workspace.bot_user_id, "USLACKBOT")
    )


def _event(payload: Json, event: Json, workspace: Workspace, known: Known) -> InboundEvent:
    kind, subtype = text(event, "type"), text(event, "subtype")
    if kind in ("message", "app_mention"):
        if subtype == "message_changed":
            return _changed(payload, event, workspace, known)
        if subtype == "message_deleted":
            return _deleted(event, workspace)
        if is_by_bot(event, workspace):
            return unsupported(f"{kind} by a bot")
        if subtype not in _WRITTEN:
            return unsupported(f"{kind}.{subtype}")
        return _written(payload, event, workspace, known)
    return _room_changed(payload, event, workspace) or unsupported(kind or "event without a type")


def _written(payload: Json, event: Json, workspace: Workspace, known: Known) -> InboundEvent:
    channel, ts, user = text(event, "channel"), text(event, "ts"), text(event, "user")
    sent_at = moment(ts)
    if not channel or not user or sent_at is None:
        return unsupported(f"{text(event, 'type')} without channel, user or ts")
    room = identity.room_ref(workspace.team_id, channel)
    thread_ts = text(event, "thread_ts") or ts
    said = text(event, "text")
    return InboundMessage(
        message=identity.message_ref(room, ts),
        thread=identity.thread_ref(room, thread_ts),
        author=_author(payload, event, workspace, known),
        text=to_plain(said, _names(known), agent_id=workspace.bot_user_id),
        mentions_agent=names_agent(said, workspace.bot_user_id),
        direct=text(event, "channel_type") == "im" or channel.startswith("D"),
        sent_at=sent_at,
        reply_to=ReplyAddress(room=room, thread_id=thread_ts),
        files=tuple(_file(file, known) for file in rows(event, "files") if text(file, "id")),
        shared=payload.get("is_ext_shared_channel") is True,
    )


def _changed(payload: Json, event: Json, workspace: Workspace, known: Known) -> InboundEvent:
    """A person's own edit; unfurls, reply counts and updates of bots' posts are not for us."""
    message, before = table(event, "message"), table(event, "previous_message")
    channel, ts = text(event, "channel"), text(message, "ts")
    changed_at = moment(text(event, "ts")) or moment(ts)
    if not channel or changed_at is None or moment(ts) is None:
        return unsupported("message_changed without channel or ts")
    room = identity.room_ref(workspace.team_id, channel)
    thread = identity.thread_ref(room, text(message, "thread_ts") or ts)
    if text(message, "subtype") == "tombstone":
        return MessageDeleted(
            message=identity.message_ref(room, ts), thread=thread, deleted_at=changed_at
        )
    if is_by_bot(message, workspace) or is_by_bot(before, workspace):
        return unsupported("message_changed of a bot")
    if not text(message, "user") or not _text_changed(event):
        return unsupported("message_changed without new words")
    return MessageEdited(
        message=identity.message_ref(room, ts),
        thread=thread,
        author=_author(payload, message, workspace, known),
        text=to_plain(text(message, "text"), _names(known), agent_id=workspace.bot_user_id),
        edited_at=moment(text(message, "edited", "ts")) or changed_at,
        request=_request_of(payload, event, workspace, known),
    )


def _request_of(
    payload: Json, event: Json, workspace: Workspace, known: Known
) -> InboundMessage | None:
    """The message as it reads now, where this edit has added the agent's name."""
    message, before = table(event, "message"), table(event, "previous_message")
    agent = workspace.bot_user_id
    if not names_agent(text(message, "text"), agent) or names_agent(text(before, "text"), agent):
        return None
    place = {key: event[key] for key in ("channel", "channel_type") if key in event}
    written = _written(payload, {**message, **place}, workspace, known)
    return written if isinstance(written, InboundMessage) else None


def _text_changed(event: Json) -> bool:
    message, before = table(event, "message"), table(event, "previous_message")
    edited = text(message, "edited", "ts")
    return bool(
        edited
        and edited != text(before, "edited", "ts")
        and text(message, "text") != text(before, "text")
    )


def _deleted(event: Json, workspace: Workspace) -> InboundEvent:
    """Also a person's deletion of our own post: Bolt would skip it in silence."""
    before = table(event, "previous_message")
    channel, ts = text(event, "channel"), text(event, "deleted_ts") or text(before, "ts")
    deleted_at = moment(text(event, "ts")) or moment(ts)
    if not channel or deleted_at is None or moment(ts) is None:
        return unsupported("message_deleted without channel or ts")
    ours = text(before, "user") == workspace.bot_user_id or (
        workspace.bot_id and text(before, "bot_id") == workspace.bot_id
    )
    if is_by_bot(before, workspace) and not ours:
        return unsupported("message_deleted of another bot")
    room = identity.room_ref(workspace.team_id, channel)
    return MessageDeleted(
        message=identity.message_ref(room, ts),
        thread=identity.thread_ref(room, text(before, "thread_ts") or ts),
        deleted_at=deleted_at,
    )


_ROOM_CHANGES = {
    "channel_shared": RoomChange.SHARED,
    "channel_unshared": RoomChange.UNSHARED,
    "channel_archive": RoomChange.ARCHIVED,
    "group_archive": RoomChange.ARCHIVED,
    "channel_deleted": RoomChange.ARCHIVED,
    "group_deleted": RoomChange.ARCHIVED,
    "channel_left": RoomChange.AGENT_REMOVED,
    "group_left": RoomChange.AGENT_REMOVED,
}


def _room_changed(payload: Json, event: Json, workspace: Workspace) -> InboundEvent | None:
    kind, event_id = text(event, "type"), text(payload, "event_id")
    if kind in ("app_uninstalled", "tokens_revoked"):
        if kind == "tokens_revoked" and not table(event, "tokens").get("bot"):
            return unsupported("tokens_revoked of people")
        everywhere = identity.room_ref(workspace.team_id, "*")
        return RoomChanged(event_id=event_id, room=everywhere, change=RoomChange.UNINSTALLED)
    channel = text(event, "channel") or text(event, "channel", "id")
    room = identity.room_ref(workspace.team_id, channel)
    if kind == "channel_id_changed":
        return _moved(event, event_id, workspace)
    if kind in ("member_joined_channel", "member_left_channel"):
        if text(event, "user") != workspace.bot_user_id or not channel:
            return unsupported(f"{kind} of a person")
        if kind == "member_left_channel":
            return RoomChanged(event_id=event_id, room=room, change=RoomChange.AGENT_REMOVED)
        return RoomChanged(
            event_id=event_id,
            room=room,
            change=RoomChange.AGENT_ADDED,
            reply_to=ReplyAddress(room=room, thread_id=None),
        )
    if kind in _ROOM_CHANGES and channel:
        return RoomChanged(event_id=event_id, room=room, change=_ROOM_CHANGES[kind])
    return None


def _moved(event: Json, event_id: str, workspace: Workspace) -> InboundEvent:
    old, new = text(event, "old_channel_id"), text(event, "new_channel_id")
    if not old or not new:
        return unsupported("channel_id_changed without ids")
    return RoomChanged(
        event_id=event_id,
        room=identity.room_ref(workspace.team_id, old),
        change=RoomChange.MOVED,
        moved_to=identity.room_ref(workspace.team_id, new),
    )


def _command(
    payload: Json, workspace: Workspace, known: Known, received_at: datetime
) -> InboundEvent:
    channel, user = text(payload, "channel_id"), text(payload, "user_id")
    trigger = text(payload, "trigger_id")
    if not channel or not user or not trigger:
        return unsupported("command without channel, user or trigger")
    room = identity.room_ref(workspace.team_id, channel)
    person = known.people.get(user)
    home = text(payload, "team_id")
    return CommandUsed(
        command_id=trigger,
        by=Participant(
            identity=identity.person_ref(home, user),
            name=(person.name if person else "") or text(payload, "user_name") or user,
            is_guest=identity.is_guest(person, home, workspace),
        ),
        room=room,
        text=to_plain(text(payload, "text"), _names(known)).strip(),
        used_at=received_at,
        reply_to=ReplyAddress(room=room, thread_id=None),
        trigger=trigger,
    )


def _author(payload: Json, message: Json, workspace: Workspace, known: Known) -> Participant:
    user = text(message, "user")
    person = known.people.get(user)
    home = identity.home_team(payload, message, workspace) or (person.home_team if person else "")
    profile = table(message, "user_profile")
    name = (person.name if person else "") or (
        text(profile, "real_name") or text(profile, "display_name") or user
    )
    guest = identity.is_guest(person, home, workspace, profile)
    return Participant(identity=identity.person_ref(home, user), name=name, is_guest=guest)


def _file(file: Json, known: Known) -> FileRef:
    full = known.files.get(text(file, "id"), file)
    size = full.get("size")
    return FileRef(
        file_id=text(file, "id"),
        name=text(full, "name") or text(full, "title") or "file",
        media_type=text(full, "mimetype") or "application/octet-stream",
        size=size if isinstance(size, int) and not isinstance(size, bool) else None,
    )


def _names(known: Known) -> dict[str, str]:
    return {user: person.name for user, person in known.people.items()}
