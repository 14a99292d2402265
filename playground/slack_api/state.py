"""What the stand-in holds: channels, messages, private messages, forms, short-lived keys."""

import itertools
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from playground import people

Json = dict[str, Any]

TRIGGER_SECONDS = 3.0
RESPONSE_URL_SECONDS = 1_800.0
RESPONSE_URL_USES = 5


class SlackRefusal(Exception):
    """A call that Slack answers with {"ok": false, "error": code}."""

    def __init__(self, code: str, messages: list[str] | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.messages = messages or []


@dataclass(slots=True, kw_only=True)
class Channel:
    """A channel or direct chat with its messages in Slack's own JSON shape, by ts."""

    channel_id: str
    name: str
    member_ids: list[str]
    connected_team_ids: list[str]
    topic: str = ""
    is_direct: bool = False
    is_archived: bool = False
    messages: dict[str, Json] = field(default_factory=dict)
    statuses: dict[str, str] = field(default_factory=dict)

    @property
    def is_shared(self) -> bool:
        """True when other workspaces than the vendor's are in it."""
        return len(self.connected_team_ids) > 1


@dataclass(slots=True, kw_only=True)
class Ephemeral:
    """A message that one person sees in one channel."""

    channel_id: str
    user_id: str
    message: Json


@dataclass(slots=True, kw_only=True)
class OpenView:
    """A modal on one person's screen, in Slack's JSON shape; `errors` by block id."""

    user_id: str
    view: Json
    errors: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Trigger:
    """The right to open one form, for 3 seconds. `parent_view_id` when pressed inside a form."""

    user_id: str
    expires_at: float
    parent_view_id: str | None = None
    used: bool = False


@dataclass(slots=True, kw_only=True)
class ResponseUrl:
    """The right to answer one interaction: five uses within half an hour."""

    user_id: str
    channel_id: str
    message_ts: str | None
    thread_ts: str | None
    is_ephemeral: bool
    expires_at: float
    uses_left: int = RESPONSE_URL_USES


class SlackState:
    """All of it, in memory. Knows no events and no HTTP; raises `SlackRefusal`."""

    def __init__(
        self,
        *,
        rooms: Iterable[people.SlackRoom] = people.SLACK_ROOMS,
        persons: Iterable[people.SlackPerson] = people.SLACK_PEOPLE,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.clock = clock
        self.persons = {person.user_id: person for person in persons}
        self.teams = {team.team_id: team for team in people.SLACK_TEAMS}
        self.channels = {room.channel_id: _channel(room) for room in rooms}
        self.ephemerals: list[Ephemeral] = []
        self.views: dict[str, OpenView] = {}
        self.triggers: dict[str, Trigger] = {}
        self.response_urls: dict[str, ResponseUrl] = {}
        self.files: dict[str, Json] = {}
        self.file_contents: dict[str, bytes] = {}
        self._ids = itertools.count(1)
        self._last_ts = 0

    # --- ids and keys ------------------------------------------------------------------------
    def next_ts(self) -> str:
        """A message timestamp: seconds and microseconds, greater than every one before."""
        now = max(int(self.clock() * 1_000_000), self._last_ts + 1)
        self._last_ts = now
        return f"{now // 1_000_000}.{now % 1_000_000:06d}"

    def next_id(self, prefix: str) -> str:
        """A new id of Slack's look: prefix, then digits and capitals."""
        return f"{prefix}0{next(self._ids):04d}{secrets.token_hex(3).upper()}"

    def new_trigger(self, user_id: str, parent_view_id: str | None = None) -> str:
        """A trigger id that opens one form within 3 seconds."""
        trigger_id = f"{next(self._ids)}.{int(self.clock())}.{secrets.token_hex(16)}"
        self.triggers[trigger_id] = Trigger(
            user_id=user_id,
            expires_at=self.clock() + TRIGGER_SECONDS,
            parent_view_id=parent_view_id,
        )
        return trigger_id

    def use_trigger(self, trigger_id: str) -> Trigger:
        """Uses a trigger id up, or says why it cannot be used."""
        trigger = self.triggers.get(trigger_id)
        if trigger is None:
            raise SlackRefusal("invalid_trigger_id")
        if trigger.used:
            raise SlackRefusal("exchanged_trigger_id")
        if self.clock() > trigger.expires_at:
            raise SlackRefusal("expired_trigger_id")
        trigger.used = True
        return trigger

    # --- people and channels -----------------------------------------------------------------
    def person(self, user_id: str) -> people.SlackPerson:
        """A person by id; `user_not_found` when there is none."""
        if user_id not in self.persons:
            raise SlackRefusal("user_not_found")
        return self.persons[user_id]

    def channel(self, channel_id: str) -> Channel:
        """A channel by id; `channel_not_found` when there is none."""
        if channel_id not in self.channels:
            raise SlackRefusal("channel_not_found")
        return self.channels[channel_id]

    def channel_of_member(self, channel_id: str, user_id: str) -> Channel:
        """A channel that this person or the bot is in; `not_in_channel` otherwise."""
        channel = self.channel(channel_id)
        if user_id not in channel.member_ids:
            raise SlackRefusal("not_in_channel")
        return channel

    def direct_channel(self, user_id: str) -> Channel:
        """The direct chat of a person with the app, opened when there is none yet."""
        person = self.person(user_id)
        channel_id = f"D0{user_id.removeprefix('U0')}"
        if channel_id not in self.channels:
            teams = [people.VENDOR_TEAM.team_id]
            if person.team_id != people.VENDOR_TEAM.team_id:
                teams.append(person.team_id)
            self.channels[channel_id] = Channel(
                channel_id=channel_id,
                name="",
                member_ids=[people.SLACK_BOT_USER_ID, user_id],
                connected_team_ids=teams,
                is_direct=True,
            )
        return self.channels[channel_id]

    # --- messages ----------------------------------------------------------------------------
    def message(self, channel_id: str, ts: str) -> Json:
        """A message by channel and ts; `message_not_found` when there is none."""
        found = self.channel(channel_id).messages.get(ts)
        if found is None:
            raise SlackRefusal("message_not_found")
        return found

    def put(self, channel: Channel, message: Json) -> Json:
        """Stores a new message under a new ts and counts it in its thread."""
        if channel.is_archived:
            raise SlackRefusal("is_archived")
        thread_ts = message.get("thread_ts")
        root = channel.messages.get(thread_ts) if thread_ts else None
        if thread_ts and (root is None or root.get("thread_ts", thread_ts) != thread_ts):
            raise SlackRefusal("thread_not_found")
        ts = self.next_ts()
        message = {"type": "message", **message, "ts": ts}
        channel.messages[ts] = message
        if root is not None and thread_ts:
            message["parent_user_id"] = root.get("user", "")
            self._count_replies(channel, thread_ts)
        return message

    def remove(self, channel: Channel, ts: str) -> Json:
        """Takes a message away and returns it. A thread's first one leaves a tombstone."""
        message = self.message(channel.channel_id, ts)
        if message.get("reply_count"):
            kept = ("type", "ts", "thread_ts", "reply_count", "reply_users", "latest_reply")
            channel.messages[ts] = {name: message[name] for name in kept if name in message} | {
                "subtype": "tombstone",
                "text": "This message was deleted.",
                "user": "USLACKBOT",
                "hidden": True,
            }
            return message
        del channel.messages[ts]
        if message.get("thread_ts"):
            self._count_replies(channel, message["thread_ts"])
        return message

    def thread(self, channel: Channel, thread_ts: str) -> list[Json]:
        """A thread's first message and its replies, oldest first."""
        if thread_ts not in channel.messages:
            raise SlackRefusal("thread_not_found")
        return [
            message
            for ts, message in sorted(channel.messages.items())
            if ts == thread_ts or message.get("thread_ts") == thread_ts
        ]

    def _count_replies(self, channel: Channel, thread_ts: str) -> None:
        root = channel.messages.get(thread_ts)
        if root is None:
            return
        replies = [m for m in self.thread(channel, thread_ts) if m["ts"] != thread_ts]
        if not replies:
            for name in ("thread_ts", "reply_count", "reply_users", "latest_reply"):
                root.pop(name, None)
            return
        root["thread_ts"] = thread_ts
        root["reply_count"] = len(replies)
        root["reply_users"] = sorted({reply.get("user", "") for reply in replies} - {""})
        root["latest_reply"] = replies[-1]["ts"]


def _channel(room: people.SlackRoom) -> Channel:
    return Channel(
        channel_id=room.channel_id,
        name=room.name,
        member_ids=list(room.member_ids),
        connected_team_ids=list(room.connected_team_ids),
        topic=room.topic,
    )
