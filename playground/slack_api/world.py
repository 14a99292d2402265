"""The hands of the people: they write, edit, react, press, fill in forms and give commands."""

import copy
import json
import re
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from playground import people
from playground.faults import FaultRegistry
from playground.slack_api import events
from playground.slack_api.app_side import AppSide, add_reaction
from playground.slack_api.blocks import view_problem
from playground.slack_api.delivery import RETRY_DELAYS, Attempt, Courier, Delivery
from playground.slack_api.forms import clicked_action, missing_answers, state_values
from playground.slack_api.sockets import SocketMode
from playground.slack_api.state import Channel, Ephemeral, Json, OpenView, SlackRefusal, SlackState
from playground.slack_api.workspace import MentionOrder, Workspace

_TYPED_TOKEN = re.compile(r"(<@U\w+>|<#C\w+>|<!here>|<!channel>)")


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedFile:
    """A file that somebody drops into a message."""

    name: str
    mimetype: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """How a form's submission ended: `action` is what the app answered, "none" when it did not."""

    action: Literal["closed", "errors", "update", "push", "clear", "missing", "none"]
    errors: dict[str, str]
    attempt: Attempt | None


class SlackWorld:
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
        self.state = state or SlackState()
        self.faults = faults or FaultRegistry()
        self.courier = Courier(
            signing_secret=signing_secret, request_url=request_url, retry_delays=retry_delays
        )
        self.workspace = Workspace(state=self.state, courier=self.courier, faults=self.faults)
        self.courier.changed = self._delivered
        self.app_side = AppSide(self.workspace)
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

    # --- pressing, forms, commands -----------------------------------------------------------
    async def click(
        self,
        user_id: str,
        action_id: str,
        *,
        channel_id: str | None = None,
        ts: str | None = None,
        view_id: str | None = None,
        block_id: str | None = None,
        value: Any = None,
    ) -> Attempt:
        """A person presses or chooses something in a message, a private one, or a form."""
        person = self.state.person(user_id)
        found = self._pressable(person, channel_id, ts, view_id)
        blocks = found.blocks
        action = clicked_action(
            blocks,
            action_id=action_id,
            block_id=block_id,
            value=value,
            action_ts=self.state.next_ts(),
        )
        body = events.block_actions(
            person,
            action,
            trigger_id=self.state.new_trigger(user_id, view_id),
            state=state_values(blocks, {}),
        )
        return await self._ask(person, body | found.context)

    async def submit(self, user_id: str, view_id: str, values: Json) -> Submitted:
        """A person sends a form; `values` is block id → action id → answer (see forms.py)."""
        person = self.state.person(user_id)
        opened = self._opened(user_id, view_id)
        answers = state_values(opened.view["blocks"], values)
        if missing := missing_answers(opened.view["blocks"], answers):
            opened.errors = missing
            self.workspace.show_view(opened)
            return Submitted(action="missing", errors=missing, attempt=None)
        opened.view = opened.view | {"state": {"values": answers}}
        trigger_id = self.state.new_trigger(user_id, view_id)
        body = events.view_event("view_submission", person, opened, trigger_id)
        return self._after_submission(person, opened, await self._ask(person, body))

    async def close_view(self, user_id: str, view_id: str) -> None:
        """A person closes a form; the app hears of it when it asked to."""
        opened = self._opened(user_id, view_id)
        self.workspace.hide_view(view_id)
        if opened.view.get("notify_on_close"):
            person = self.state.person(user_id)
            await self._ask(person, events.view_event("view_closed", person, opened, ""))

    async def search_options(
        self, user_id: str, action_id: str, text: str, **where: Any
    ) -> list[Json]:
        """A person types into an external select; the options that the app offers."""
        person = self.state.person(user_id)
        found = self._pressable(
            person, where.get("channel_id"), where.get("ts"), where.get("view_id")
        )
        action = clicked_action(
            found.blocks, action_id=action_id, block_id=None, value=None, action_ts=""
        )
        body = events.block_actions(person, action, trigger_id="", state={}) | found.context
        for name in ("trigger_id", "actions", "response_url", "state"):
            body.pop(name, None)
        body |= {"type": "block_suggestion", "action_id": action_id, "value": text}
        attempt = await self._ask(person, body | {"block_id": action["block_id"]})
        answer = _json_of(attempt.answer)
        groups = answer.get("option_groups") or [{"options": answer.get("options") or []}]
        return [option for group in groups for option in group["options"]]

    async def command(self, user_id: str, channel_id: str, command: str, text: str) -> Attempt:
        """A person gives a slash command; a body in the acknowledgement is shown to them."""
        person = self.state.person(user_id)
        channel = self.state.channel_of_member(channel_id, user_id)
        url = self.workspace.new_response_url(person, channel)
        body = events.slash_command(
            person,
            channel,
            command=command,
            text=text,
            trigger_id=self.state.new_trigger(user_id),
            response_url=url,
        )
        attempt = await self.courier.ask("slash_commands", body)
        if not attempt.acknowledged:
            self.workspace.warn(person, f"{command} failed because the app did not respond")
        elif attempt.answer.strip():
            answer = _json_of(attempt.answer) or {"text": attempt.answer}
            self.app_side.respond(url.rsplit("/", 1)[1], answer)
        return attempt

    # --- trouble -----------------------------------------------------------------------------
    def redeliver(
        self, *, number: int | None = None, event_id: str | None = None, copies: int = 1
    ) -> Delivery:
        """Delivers a logged event once more, or many times in parallel, under the same event id."""
        found = self.courier.find(number=number, event_id=event_id)
        if found is None or found.kind != "events_api":
            raise SlackRefusal("event_not_found", ["only events in the log are delivered again"])
        return self.courier.event(found.payload, copies=copies)[0]

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

    async def _ask(self, person: people.SlackPerson, body: Json) -> Attempt:
        attempt = await self.courier.ask("interactive", body)
        if not attempt.acknowledged:
            self.workspace.warn(person, f"{people.SLACK_BOT_NAME} is not responding")
        return attempt

    def _own_message(
        self, user_id: str, channel_id: str, ts: str, otherwise: str
    ) -> tuple[Channel, Json]:
        channel = self.state.channel_of_member(channel_id, user_id)
        message = self.state.message(channel_id, ts)
        if message.get("user") != user_id:
            raise SlackRefusal(otherwise)
        return channel, message

    def _opened(self, user_id: str, view_id: str) -> OpenView:
        opened = self.state.views.get(view_id)
        if opened is None or opened.user_id != user_id:
            raise SlackRefusal("view_not_found", ["this form is not open for this person"])
        return opened

    def _pressable(
        self,
        person: people.SlackPerson,
        channel_id: str | None,
        ts: str | None,
        view_id: str | None,
    ) -> "_Pressable":
        if view_id is not None:
            view = self._opened(person.user_id, view_id).view
            return _Pressable(blocks=view["blocks"], context=events.clicked_in_view(view))
        channel = self.state.channel_of_member(channel_id or "", person.user_id)
        private = self.workspace.find_ephemeral(channel.channel_id, ts or "")
        message = self._visible(private, person) or self.state.message(channel.channel_id, ts or "")
        url = self.workspace.new_response_url(
            person, channel, message, is_ephemeral=private is not None
        )
        context = events.clicked_in_message(
            channel, message, is_ephemeral=private is not None, response_url=url
        )
        return _Pressable(blocks=message.get("blocks", []), context=context)

    def _visible(self, private: Ephemeral | None, person: people.SlackPerson) -> Json | None:
        if private is None:
            return None
        if private.user_id != person.user_id:
            raise SlackRefusal("message_not_found")
        return private.message

    def _after_submission(
        self, person: people.SlackPerson, opened: OpenView, attempt: Attempt
    ) -> Submitted:
        answer = _json_of(attempt.answer)
        action = answer.get("response_action")
        if not attempt.acknowledged:
            self.workspace.show_view(opened)
            return Submitted(action="none", errors={}, attempt=attempt)
        if action == "errors":
            opened.errors = {str(k): str(v) for k, v in (answer.get("errors") or {}).items()}
            self.workspace.show_view(opened)
            return Submitted(action="errors", errors=opened.errors, attempt=attempt)
        if action in ("update", "push") and (problems := view_problem(answer.get("view"))):
            self.workspace.warn(person, f"the answered view is invalid: {problems[0]}")
            return Submitted(action="none", errors={}, attempt=attempt)
        if action == "update":
            self.app_side.replace_view(opened, answer["view"])
            return Submitted(action="update", errors={}, attempt=attempt)
        if action == "push":
            self.app_side.show_new_view(person.user_id, answer["view"], opened.view)
            return Submitted(action="push", errors={}, attempt=attempt)
        cleared = list(self.state.views.values()) if action == "clear" else [opened]
        for view in cleared:
            if view.user_id == person.user_id:
                self.workspace.hide_view(view.view["id"])
        return Submitted(
            action="clear" if action == "clear" else "closed", errors={}, attempt=attempt
        )

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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pressable:
    blocks: list[Json]
    context: Json


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


def _json_of(text: str) -> Json:
    try:
        body = json.loads(text)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
