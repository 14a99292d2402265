"""State plus announcement: each change goes to the feed, and to the app as Slack would send it."""

import copy
import secrets
from collections import deque
from typing import Any, Literal

from playground import people
from playground.faults import FaultRegistry
from playground.feed import Feed
from playground.slack_api import events
from playground.slack_api.delivery import Courier, Delivery
from playground.slack_api.state import (
    RESPONSE_URL_SECONDS,
    Channel,
    Ephemeral,
    Json,
    OpenView,
    ResponseUrl,
    SlackState,
)

MentionOrder = Literal["message_first", "mention_first", "together"]
_CALLS_LOGGED = 200


class Workspace:
    """The vendor's workspace as both sides see it. `base_url` is where this stand-in is served."""

    def __init__(self, *, state: SlackState, courier: Courier, faults: FaultRegistry) -> None:
        self.state = state
        self.courier = courier
        self.faults = faults
        self.feed = Feed()
        self.base_url = "http://127.0.0.1"
        self.mention_order: MentionOrder = "message_first"
        self.reply_count_events = False
        self.once_per_workspace = False
        self.calls: deque[Json] = deque(maxlen=_CALLS_LOGGED)

    # --- events ------------------------------------------------------------------------------
    def emit(
        self,
        event: Json,
        *,
        channel: Channel | None,
        author_team_id: str | None,
        copies: int = 1,
        after: Delivery | None = None,
    ) -> Delivery:
        """Starts the delivery of one event under a new event id."""
        body = events.envelope(
            event,
            channel=channel,
            author_team_id=author_team_id,
            event_time=int(self.state.clock()),
        )
        return self.courier.event(body, copies=copies, after=after)[0]

    def posted(
        self,
        channel: Channel,
        message: Json,
        *,
        copies: int = 1,
        order: MentionOrder | None = None,
    ) -> None:
        """Announces a new message; one that mentions the app in a channel is two events."""
        self._show("message_posted", channel, message)
        team_id = message.get("team")
        bodies = [events.message_posted(channel, message)]
        by_person = "bot_id" not in message
        if by_person and not channel.is_direct and events.BOT_MENTION in message["text"]:
            bodies.append(events.mentioned(channel, message))
        order = order or self.mention_order
        if order == "mention_first":
            bodies.reverse()
        teams = [team_id]
        if self.once_per_workspace and channel.is_shared and team_id != events.VENDOR_TEAM_ID:
            teams.append(events.VENDOR_TEAM_ID)
        first: Delivery | None = None
        for body, outer in ((body, outer) for body in bodies for outer in teams):
            after = None if order == "together" else first
            first = self.emit(
                body, channel=channel, author_team_id=outer, copies=copies, after=after
            )
        self._thread_changed(channel, message)

    def changed(self, channel: Channel, message: Json, before: Json) -> None:
        """Announces an edit, by a person or by the app."""
        self._show("message_changed", channel, message)
        event = events.message_changed(channel, message, before, self.state.next_ts())
        self.emit(event, channel=channel, author_team_id=message.get("team") or before.get("team"))

    def deleted(self, channel: Channel, before: Json) -> None:
        """Announces a deletion; a thread's first message becomes a tombstone, which is an edit."""
        left = channel.messages.get(before["ts"])
        if left is not None:
            self.changed(channel, left, before)
            return
        self.feed.publish(
            "message_deleted",
            channel_id=channel.channel_id,
            ts=before["ts"],
            thread_ts=before.get("thread_ts"),
        )
        event = events.message_deleted(channel, before, self.state.next_ts())
        self.emit(event, channel=channel, author_team_id=before.get("team"))
        self._thread_changed(channel, before)

    def _thread_changed(self, channel: Channel, message: Json) -> None:
        root = channel.messages.get(message.get("thread_ts", ""))
        if root is None or root["ts"] == message["ts"]:
            return
        self._show("message_changed", channel, root)
        if self.reply_count_events:
            event = events.message_changed(channel, root, root, self.state.next_ts())
            self.emit(event, channel=channel, author_team_id=root.get("team"))

    def _show(self, kind: str, channel: Channel, message: Json) -> None:
        self.feed.publish(kind, channel_id=channel.channel_id, message=copy.deepcopy(message))

    # --- what one person sees ----------------------------------------------------------------
    def show_ephemeral(self, shown: Ephemeral) -> None:
        """Shows a message to one person."""
        self.state.ephemerals.append(shown)
        self.feed.publish(
            "ephemeral_shown",
            channel_id=shown.channel_id,
            user_id=shown.user_id,
            message=copy.deepcopy(shown.message),
        )

    def hide_ephemeral(self, shown: Ephemeral) -> None:
        """Takes it away again."""
        self.state.ephemerals.remove(shown)
        self.feed.publish(
            "ephemeral_removed",
            channel_id=shown.channel_id,
            user_id=shown.user_id,
            ts=shown.message["ts"],
        )

    def find_ephemeral(self, channel_id: str, ts: str) -> Ephemeral | None:
        """A private message by channel and ts."""
        for shown in self.state.ephemerals:
            if shown.channel_id == channel_id and shown.message["ts"] == ts:
                return shown
        return None

    def show_view(self, opened: OpenView) -> None:
        """Opens a form on a person's screen, or shows its new content or errors."""
        self.state.views[opened.view["id"]] = opened
        self.feed.publish(
            "view_shown",
            user_id=opened.user_id,
            view=copy.deepcopy(opened.view),
            errors=dict(opened.errors),
        )

    def hide_view(self, view_id: str) -> None:
        """Closes a form."""
        opened = self.state.views.pop(view_id, None)
        if opened is not None:
            self.feed.publish("view_closed", user_id=opened.user_id, view_id=view_id)

    def warn(self, person: people.SlackPerson, text: str) -> None:
        """The small triangle that Slack shows when the app did not acknowledge."""
        self.feed.publish("warning", user_id=person.user_id, text=text)

    def new_response_url(
        self,
        person: people.SlackPerson,
        channel: Channel,
        message: Json | None = None,
        *,
        is_ephemeral: bool = False,
    ) -> str:
        """An address that answers one interaction, five times within half an hour."""
        token = secrets.token_hex(12)
        self.state.response_urls[token] = ResponseUrl(
            user_id=person.user_id,
            channel_id=channel.channel_id,
            message_ts=message["ts"] if message else None,
            thread_ts=message.get("thread_ts") if message else None,
            is_ephemeral=is_ephemeral,
            expires_at=self.state.clock() + RESPONSE_URL_SECONDS,
        )
        return f"{self.base_url}/actions/{person.team_id}/{token}"

    def snapshot(self) -> dict[str, Any]:
        """Everything a page needs to draw; later changes have a greater `seq` in the feed."""
        return {
            "seq": self.feed.seq,
            "request_url": self.courier.request_url,
            "connected_sockets": len(self.courier.sockets),
            "bot": {
                "user_id": people.SLACK_BOT_USER_ID,
                "bot_id": people.SLACK_BOT_ID,
                "app_id": people.SLACK_APP_ID,
                "name": people.SLACK_BOT_NAME,
            },
            "teams": [
                {"id": t.team_id, "name": t.name, "account_id": t.account_id}
                for t in self.state.teams.values()
            ],
            "people": [
                {
                    "id": p.user_id,
                    "team_id": p.team_id,
                    "key": p.key,
                    "name": p.name,
                    "title": p.title,
                    "part": p.part,
                }
                for p in self.state.persons.values()
            ],
            "channels": [channel_as_json(channel) for channel in self.state.channels.values()],
            "ephemerals": [
                {"channel_id": e.channel_id, "user_id": e.user_id, "message": e.message}
                for e in self.state.ephemerals
            ],
            "views": [
                {"user_id": v.user_id, "view": v.view, "errors": v.errors}
                for v in self.state.views.values()
            ],
        }


def channel_as_json(channel: Channel) -> Json:
    """A channel with its messages, oldest first, as the page draws it."""
    return {
        "id": channel.channel_id,
        "name": channel.name,
        "topic": channel.topic,
        "is_im": channel.is_direct,
        "is_ext_shared": channel.is_shared,
        "is_archived": channel.is_archived,
        "connected_team_ids": channel.connected_team_ids,
        "members": channel.member_ids,
        "statuses": channel.statuses,
        "messages": [message for _, message in sorted(channel.messages.items())],
    }
