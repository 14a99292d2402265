"""The running stand-in in one object: people write, edit and react in it, and trouble is made."""

import copy
import re
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from playground import people
from playground.faults import FaultRegistry
from playground.slack_api import events
from playground.slack_api.app_side import AppSide, add_reaction
from playground.slack_api.delivery import RETRY_DELAYS, Attempt, Courier, Delivery
from playground.slack_api.hands import Hands
from playground.slack_api.rooms import Rooms
from playground.slack_api.sockets import SocketMode
from playground.slack_api.state import Channel, Json, SlackRefusal, SlackState
from playground.slack_api.workspace import MentionOrder, Workspace

_TYPED_TOKEN = re.compile(r"(<@U\w+>|<#C\w+>|<!here>|<!channel>)")


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedFile:
    """A file that somebody drops into a message."""

    name: str
    mimetype: str
    content: bytes


class SlackWorld(Hands):
    """A running stand-in in one object; what goes out to the app is in `courier.log`.

    Methods named after people's doings raise `SlackRefusal` when Slack's client would not offer
    them (not a member, not the author, nothing to press). Events are delivered in the background:
    `await world.settled()` waits for them.
    """

    def __init__(
        self,
        *,
        request_url: str | None = None,
        signing_secret: str = people.SLACK_SIGNING_SECRET,
        retry_delays: tuple[float, ...] = RETRY_DELAYS,
        state: SlackState | None = None,
        faults: FaultRegistry | None = None,
    ) -> None:
        self.faults = faults or FaultRegistry()
        workspace = Workspace(
            state=state or SlackState(),
            courier=Courier(
                signing_secret=signing_secret, request_url=request_url, retry_delays=retry_delays
            ),
            faults=self.faults,
        )
        super().__init__(workspace, AppSide(workspace))
        self.courier.changed = self._delivered
        self.rooms = Rooms(workspace)
        self.socket_mode = SocketMode(self.courier)
        self.bot_tokens = {people.SLACK_BOT_TOKEN}
        self.oauth_codes: set[str] = set()

    async def settled(self) -> None:
        """Waits until every event, with its retries, is delivered or given up."""
        await self.courier.settled()

    async def close(self) -> None:
        """Stops delivering."""
        await self.courier.close()

    # --- writing -----------------------------------------------------------------------------
    def say(
        self,
        user_id: str,
        channel_id: str,
        text: str,
        *,
        thread_ts: str | None = None,
        mention: bool = False,
        broadcast: bool = False,
        files: Sequence[SharedFile] = (),
        copies: int = 1,
        order: MentionOrder | None = None,
    ) -> Json:
        """A person posts; `text` is what they type, `mention` puts the app's name before it.

        `copies` delivers each event so often in parallel; `order` says which of a mention's two
        events comes first.
        """
        person = self.state.person(user_id)
        channel = self.state.channel_of_member(channel_id, user_id)
        typed = f"{events.BOT_MENTION} {text}" if mention else text
        message: Json = {
            "user": user_id,
            "team": person.team_id,
            "text": _escaped(typed),
            "client_msg_id": str(uuid.uuid4()),
            "blocks": [_rich_text(typed)],
        }
        if thread_ts:
            message["thread_ts"] = thread_ts
        if files:
            message |= {"subtype": "file_share", "files": [self._keep(f, person) for f in files]}
        elif broadcast and thread_ts:
            message |= {"subtype": "thread_broadcast"}
            message["root"] = copy.deepcopy(self.state.message(channel_id, thread_ts))
        message = self.state.put(channel, message)
        self.workspace.posted(channel, message, copies=copies, order=order)
        return message

    def edit(self, user_id: str, channel_id: str, ts: str, text: str) -> Json:
        """A person changes their own message."""
        channel, message = self._own_message(user_id, channel_id, ts, "cant_update_message")
        before = copy.deepcopy(message)
        message |= {"text": _escaped(text), "blocks": [_rich_text(text)]}
        message["edited"] = {"user": user_id, "ts": self.state.next_ts()}
        self.workspace.changed(channel, message, before)
        return message

    def delete(self, user_id: str, channel_id: str, ts: str) -> None:
        """A person deletes their own message."""
        channel, _ = self._own_message(user_id, channel_id, ts, "cant_delete_message")
        self.workspace.deleted(channel, self.state.remove(channel, ts))

    def react(
        self, user_id: str, channel_id: str, ts: str, name: str, *, remove: bool = False
    ) -> None:
        """A person adds or removes a reaction."""
        channel = self.state.channel_of_member(channel_id, user_id)
        message = self.state.message(channel_id, ts)
        if remove:
            _remove_reaction(message, name, user_id)
        else:
            add_reaction(message, name, user_id)
        self.workspace.feed.publish(
            "message_changed", channel_id=channel_id, message=copy.deepcopy(message)
        )
        kind = "reaction_removed" if remove else "reaction_added"
        event = events.reaction(kind, channel, message, user_id, name, self.state.next_ts())
        self._emit(event, channel, self.state.person(user_id).team_id)

    def other_bot_says(self, channel_id: str, text: str, *, thread_ts: str | None = None) -> Json:
        """Another app of the vendor's workspace posts."""
        channel = self.state.channel(channel_id)
        message: Json = {
            "subtype": "bot_message",
            "bot_id": "B0STATUSBOT",
            "app_id": "A0STATUSBOT",
            "username": "Status bot",
            "team": people.VENDOR_TEAM.team_id,
            "text": _escaped(text),
        }
        if thread_ts:
            message["thread_ts"] = thread_ts
        message = self.state.put(channel, message)
        self.workspace.posted(channel, message)
        return message

    def open_direct(self, user_id: str) -> Channel:
        """A person opens their direct chat with the app."""
        known = len(self.state.channels)
        channel = self.state.direct_channel(user_id)
        if len(self.state.channels) != known:
            self.workspace.feed.publish("channel_opened", channel_id=channel.channel_id)
        return channel

    # --- trouble -----------------------------------------------------------------------------
    def redeliver(
        self, *, number: int | None = None, event_id: str | None = None, copies: int = 1
    ) -> Delivery:
        """Delivers a logged event once more, or many times in parallel, under the same event id."""
        found = self.courier.find(number=number, event_id=event_id)
        if found is None or found.kind != "events_api":
            raise SlackRefusal("event_not_found", ["only events in the log are delivered again"])
        return self.courier.event(found.payload, copies=copies)[0]

    async def verify_url(self) -> Attempt:
        """Slack's question to a new request URL; answered when the challenge comes back."""
        challenge = secrets.token_hex(16)
        attempt = await self.courier.ask("events_api", events.url_verification(challenge))
        if challenge not in attempt.answer:
            raise SlackRefusal(
                "url_not_verified",
                [f"the answer lacks the challenge (status {attempt.status}, {attempt.problem})"],
            )
        return attempt

    def lose_acks(self, times: int) -> None:
        """The next so many acknowledgements of events never reach Slack, which then repeats."""
        self.courier.acks_to_lose = times

    def emit(self, event: Json, *, channel_id: str | None, team_id: str | None) -> Delivery:
        """Delivers any event, for those that no person's doing brings about here."""
        channel = self.state.channels.get(channel_id or "")
        return self._emit(event, channel, team_id)

    # --- parts -------------------------------------------------------------------------------
    def _emit(self, event: Json, channel: Channel | None, team_id: str | None) -> Delivery:
        return self.workspace.emit(event, channel=channel, author_team_id=team_id)

    def _own_message(
        self, user_id: str, channel_id: str, ts: str, otherwise: str
    ) -> tuple[Channel, Json]:
        channel = self.state.channel_of_member(channel_id, user_id)
        message = self.state.message(channel_id, ts)
        if message.get("user") != user_id:
            raise SlackRefusal(otherwise)
        return channel, message

    def _keep(self, file: SharedFile, person: people.SlackPerson) -> Json:
        file_id = self.state.next_id("F")
        url = f"{self.workspace.base_url}/files-pri/{file_id}/{file.name}"
        shown: Json = {
            "id": file_id,
            "name": file.name,
            "title": file.name,
            "mimetype": file.mimetype,
            "filetype": file.name.rpartition(".")[2],
            "size": len(file.content),
            "user": person.user_id,
            "user_team": person.team_id,
            "mode": "hosted",
            "url_private": url,
            "url_private_download": url,
        }
        self.state.files[file_id] = shown
        self.state.file_contents[file_id] = file.content
        return shown

    def _delivered(self, delivery: Delivery) -> None:
        self.workspace.feed.publish("delivery", delivery=delivery.as_json())


def _escaped(typed: str) -> str:
    """What people type is escaped by Slack's client; names picked from its lists are not."""
    parts = _TYPED_TOKEN.split(typed)
    for at in range(0, len(parts), 2):
        part = parts[at].replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        parts[at] = part
    return "".join(parts)


def _rich_text(typed: str) -> Json:
    elements: list[Json] = []
    for part in _TYPED_TOKEN.split(typed):
        if part.startswith("<@U"):
            elements.append({"type": "user", "user_id": part[2:-1]})
        elif part.startswith("<#C"):
            elements.append({"type": "channel", "channel_id": part[2:-1]})
        elif part in ("<!here>", "<!channel>"):
            elements.append({"type": "broadcast", "range": part[2:-1]})
        elif part:
            elements.append({"type": "text", "text": part})
    section = {"type": "rich_text_section", "elements": elements}
    return {"type": "rich_text", "block_id": secrets.token_hex(3), "elements": [section]}


def _remove_reaction(message: Json, name: str, user_id: str) -> None:
    for entry in message.get("reactions", []):
        if entry["name"] == name and user_id in entry["users"]:
            entry["users"].remove(user_id)
            entry["count"] -= 1
            message["reactions"] = [r for r in message["reactions"] if r["count"]]
            return
    raise SlackRefusal("no_reaction")
