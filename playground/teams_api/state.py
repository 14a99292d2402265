"""What the stand-in holds: rooms, messages, each person's own view of a card, open dialogs."""

import itertools
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from playground.people import TeamsPerson, TeamsRoom, TeamsRoomKind

CARD_TYPE = "application/vnd.microsoft.card.adaptive"
AI_LABEL = "AIGeneratedContent"
Json = dict[str, Any]


@dataclass(slots=True, kw_only=True)
class Room:
    """A room and how the bot stands in it.

    `installed`: the bot may post. `reads_all`: every message reaches the bot, as with the RSC
    permission ChannelMessage.Read.Group; otherwise only mentions do (personal chats always).
    """

    spec: TeamsRoom
    installed: bool = True
    reads_all: bool = False
    member_ids: list[str] = field(default_factory=list)

    @property
    def id(self) -> str:
        """The conversation id, without a thread."""
        return self.spec.conversation_id

    @property
    def kind(self) -> TeamsRoomKind:
        """personal, groupChat or channel."""
        return self.spec.kind


@dataclass(slots=True, kw_only=True)
class Message:
    """A message as everybody sees it; `views` are cards that one person alone sees instead."""

    id: str
    room_id: str
    thread_id: str | None
    author_id: str
    activity: Json
    created_at: datetime
    edited_at: datetime | None = None
    deleted_at: datetime | None = None
    streaming: bool = False
    delivered: bool = True
    reactions: dict[str, list[str]] = field(default_factory=dict)
    views: dict[str, Json] = field(default_factory=dict)

    def card(self, person_id: str | None = None) -> Json | None:
        """The first Adaptive Card, as this person sees it."""
        if person_id is not None and person_id in self.views:
            return self.views[person_id]
        for attachment in self.activity.get("attachments") or []:
            if attachment.get("contentType") == CARD_TYPE:
                content: Json = attachment["content"]
                return content
        return None


@dataclass(slots=True, kw_only=True)
class Dialog:
    """A task module that one person has open: a card or a page in a frame."""

    id: str
    person_id: str
    message_id: str
    title: str
    card: Json | None
    url: str | None
    height: str | int | None = None
    width: str | int | None = None


class TeamsState:
    """Rooms, people and messages of one tenant, with the look-ups that the rest needs."""

    def __init__(
        self,
        *,
        tenant_id: str,
        app_id: str,
        bot_name: str,
        people: Iterable[TeamsPerson],
        rooms: Iterable[TeamsRoom],
    ) -> None:
        self.tenant_id = tenant_id
        self.bot_id = f"28:{app_id}"
        self.bot_name = bot_name
        self.people = {person.teams_id: person for person in people}
        self.rooms: dict[str, Room] = {}
        self.messages: dict[str, Message] = {}
        self.dialogs: dict[str, Dialog] = {}
        self._last_id = 0
        self._numbers = itertools.count(1)
        for spec in rooms:
            self.add_room(spec)

    def add_room(self, spec: TeamsRoom) -> Room:
        """Open a room; the bot is installed in it."""
        room = Room(spec=spec, member_ids=list(spec.member_ids))
        self.rooms[room.id] = room
        return room

    def person(self, key: str) -> TeamsPerson:
        """A person by Bot Framework id, object id, or key; KeyError says who is known."""
        for person in self.people.values():
            if key in (person.teams_id, person.object_id, person.key):
                return person
        raise KeyError(f"unknown person {key!r}; known: {', '.join(self._keys())}")

    def _keys(self) -> list[str]:
        return [person.key for person in self.people.values()]

    def room(self, room_id: str) -> Room:
        """A room by conversation id; a thread's suffix is ignored."""
        found = self.rooms.get(room_id.partition(";")[0])
        if found is None:
            raise KeyError(f"unknown room {room_id!r}; known: {', '.join(self.rooms)}")
        return found

    def message(self, message_id: str) -> Message:
        """A message by its activity id."""
        if message_id not in self.messages:
            raise KeyError(f"unknown message {message_id!r}")
        return self.messages[message_id]

    def personal_room(self, person: TeamsPerson) -> Room:
        """The chat between a person and the bot, opened when there is none yet."""
        for room in self.rooms.values():
            if room.kind is TeamsRoomKind.PERSONAL and person.teams_id in room.member_ids:
                return room
        return self.add_room(
            TeamsRoom(
                conversation_id=f"a:{person.teams_id.removeprefix('29:')}-{self.bot_id[3:]}",
                kind=TeamsRoomKind.PERSONAL,
                name=f"{person.name} and {self.bot_name}",
                member_ids=(person.teams_id,),
            )
        )

    def next_message_id(self) -> str:
        """Teams' ids are the milliseconds of the post; ours never repeat either."""
        self._last_id = max(self._last_id + 1, time.time_ns() // 1_000_000)
        return str(self._last_id)

    def next_number(self) -> int:
        """A number for anything else that needs one."""
        return next(self._numbers)

    def thread(self, room_id: str, thread_id: str | None) -> Iterator[Message]:
        """The messages of a thread (channels), or all of a chat, oldest first."""
        for message in self.messages.values():
            if message.room_id == room_id and (thread_id is None or message.thread_id == thread_id):
                yield message

    def place(self, message: Message) -> Message:
        """Store a new message."""
        self.messages[message.id] = message
        return message

    def name_of(self, author_id: str) -> str:
        """What stands above a message."""
        return self.bot_name if author_id == self.bot_id else self.people[author_id].name

    # --- as JSON, for the page ---------------------------------------------------------------

    def room_json(self, room: Room) -> Json:
        """See the package's docstring, `Room`."""
        return {
            "id": room.id,
            "kind": str(room.kind),
            "name": room.spec.name,
            "teamId": room.spec.team_id,
            "teamName": room.spec.team_name,
            "members": list(room.member_ids),
            "installed": room.installed,
            "readsAll": room.reads_all,
        }

    def message_json(self, message: Message) -> Json:
        """See the package's docstring, `Message`."""
        activity = message.activity
        return {
            "id": message.id,
            "roomId": message.room_id,
            "threadId": message.thread_id,
            "author": {
                "id": message.author_id,
                "name": self.name_of(message.author_id),
                "isAgent": message.author_id == self.bot_id,
            },
            "text": activity.get("text"),
            "textFormat": activity.get("textFormat"),
            "summary": activity.get("summary"),
            "value": activity.get("value"),
            "attachments": [
                a for a in activity.get("attachments") or [] if a.get("contentType") != "text/html"
            ],
            "entities": activity.get("entities") or [],
            "channelData": activity.get("channelData") or {},
            "aiGenerated": _is_labelled(activity),
            "feedbackLoop": _has_feedback(activity),
            "streaming": message.streaming,
            "delivered": message.delivered,
            "createdAt": message.created_at.isoformat(),
            "editedAt": message.edited_at.isoformat() if message.edited_at else None,
            "deleted": message.deleted_at is not None,
            "reactions": {kind: list(ids) for kind, ids in message.reactions.items() if ids},
            "views": dict(message.views),
        }

    def snapshot(self) -> Json:
        """Everything the page draws."""
        return {
            "tenantId": self.tenant_id,
            "bot": {"id": self.bot_id, "name": self.bot_name},
            "people": [
                {
                    "id": p.teams_id,
                    "objectId": p.object_id,
                    "key": p.key,
                    "name": p.name,
                    "email": p.email,
                    "title": p.title,
                    "part": str(p.part),
                }
                for p in self.people.values()
            ],
            "rooms": [self.room_json(room) for room in self.rooms.values()],
            "messages": [self.message_json(message) for message in self.messages.values()],
            "dialogs": [dialog_json(dialog) for dialog in self.dialogs.values()],
        }


def dialog_json(dialog: Dialog) -> Json:
    """See the package's docstring, `Dialog`."""
    return {
        "id": dialog.id,
        "personId": dialog.person_id,
        "messageId": dialog.message_id,
        "title": dialog.title,
        "card": dialog.card,
        "url": dialog.url,
        "height": dialog.height,
        "width": dialog.width,
    }


def now() -> datetime:
    """The present, aware."""
    return datetime.now(UTC)


def _is_labelled(activity: Json) -> bool:
    return any(
        entity.get("type") == "https://schema.org/Message"
        and AI_LABEL in (entity.get("additionalType") or [])
        for entity in activity.get("entities") or []
    )


def _has_feedback(activity: Json) -> bool:
    channel_data = activity.get("channelData") or {}
    return bool(channel_data.get("feedbackLoop") or channel_data.get("feedbackLoopEnabled"))
