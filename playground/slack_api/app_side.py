"""What the app can do in the workspace: post, change, delete, open forms, answer an interaction."""

import copy
import secrets
from typing import Any

from playground import people
from playground.slack_api.blocks import message_problem, view_problem, with_ids
from playground.slack_api.state import Channel, Ephemeral, Json, OpenView, SlackRefusal
from playground.slack_api.workspace import Workspace

_PASSED_ON = ("title", "submit", "close", "private_metadata", "callback_id", "external_id")
_STACKED_VIEWS = 3


class AppSide:
    """The effects behind the Web API and the response URLs. Raises `SlackRefusal`."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._state = workspace.state

    # --- messages ----------------------------------------------------------------------------
    def room(self, channel_id: str) -> Channel:
        """A channel the bot is in; a person's id means the direct chat with them."""
        if channel_id.startswith("U"):
            if channel_id not in self._state.persons:
                raise SlackRefusal("channel_not_found")
            return self._state.direct_channel(channel_id)
        return self._state.channel_of_member(channel_id, people.SLACK_BOT_USER_ID)

    def post(self, arguments: Json) -> tuple[Channel, Json]:
        """`chat.postMessage`: stores and announces a message of the app."""
        channel = self.room(str(arguments.get("channel", "")))
        message = self._content(arguments) | self._author(arguments.get("username"))
        if arguments.get("thread_ts"):
            message["thread_ts"] = str(arguments["thread_ts"])
            if arguments.get("reply_broadcast"):
                message["subtype"] = "thread_broadcast"
        message = self._state.put(channel, message)
        channel.statuses.pop(message.get("thread_ts", ""), None)
        self._workspace.posted(channel, message)
        return channel, message

    def post_ephemeral(self, arguments: Json) -> str:
        """`chat.postEphemeral`: shows a message to one member and returns its ts."""
        channel = self.room(str(arguments.get("channel", "")))
        user_id = str(arguments.get("user", ""))
        if user_id not in channel.member_ids:
            raise SlackRefusal("user_not_in_channel")
        return self._show_ephemeral(channel, user_id, arguments)

    def update(self, arguments: Json) -> tuple[Channel, Json]:
        """`chat.update`: only messages of the app."""
        channel = self.room(str(arguments.get("channel", "")))
        message = self._own(channel, str(arguments.get("ts", "")), "cant_update_message")
        before = copy.deepcopy(message)
        content = self._content(arguments)
        if "blocks" not in arguments:
            message.pop("blocks", None)
        message |= content
        message["edited"] = {"user": people.SLACK_BOT_USER_ID, "ts": self._state.next_ts()}
        self._workspace.changed(channel, message, before)
        return channel, message

    def delete(self, channel_id: str, ts: str) -> None:
        """`chat.delete`: only messages of the app."""
        channel = self.room(channel_id)
        self._own(channel, ts, "cant_delete_message")
        self._workspace.deleted(channel, self._state.remove(channel, ts))

    def react(self, channel_id: str, ts: str, name: str) -> None:
        """`reactions.add`."""
        channel = self.room(channel_id)
        add_reaction(self._state.message(channel.channel_id, ts), name, people.SLACK_BOT_USER_ID)
        self._workspace.feed.publish(
            "message_changed",
            channel_id=channel_id,
            message=copy.deepcopy(channel.messages[ts]),
        )

    def set_status(self, channel_id: str, thread_ts: str, status: str) -> None:
        """`assistant.threads.setStatus`: "is thinking…" in a thread; empty takes it away."""
        channel = self.room(channel_id)
        if thread_ts not in channel.messages:
            raise SlackRefusal("thread_not_found")
        if status:
            channel.statuses[thread_ts] = status
        else:
            channel.statuses.pop(thread_ts, None)
        self._workspace.feed.publish(
            "status", channel_id=channel_id, thread_ts=thread_ts, status=status
        )

    # --- forms -------------------------------------------------------------------------------
    def open_view(self, trigger_id: str, view: Any, *, pushed: bool = False) -> Json:
        """`views.open` and `views.push`: a form on the screen of the person who pressed."""
        self._check_view(view)
        trigger = self._state.use_trigger(trigger_id)
        parent = self._state.views.get(trigger.parent_view_id or "")
        if pushed and parent is None:
            raise SlackRefusal("not_found", ["the form to push upon is closed"])
        on_screen = [v for v in self._state.views.values() if v.user_id == trigger.user_id]
        if pushed and len(on_screen) >= _STACKED_VIEWS:
            raise SlackRefusal("push_limit_reached")
        if not pushed:
            for old in on_screen:
                self._workspace.hide_view(old.view["id"])
        return self.show_new_view(trigger.user_id, view, parent.view if parent else None)

    def show_new_view(self, user_id: str, view: Json, parent: Json | None) -> Json:
        """Opens a checked view for a person, above `parent` when there is one."""
        view_id = self._state.next_id("V")
        shown = self._view(view) | {
            "id": view_id,
            "team_id": self._state.person(user_id).team_id,
            "app_id": people.SLACK_APP_ID,
            "bot_id": people.SLACK_BOT_ID,
            "app_installed_team_id": people.VENDOR_TEAM.team_id,
            "root_view_id": parent["root_view_id"] if parent else view_id,
            "previous_view_id": parent["id"] if parent else None,
        }
        self._workspace.show_view(OpenView(user_id=user_id, view=shown))
        return shown

    def update_view(self, arguments: Json) -> Json:
        """`views.update` by view id or external id; `hash` guards against a race."""
        opened = self._find_view(arguments)
        if arguments.get("hash") not in (None, "", opened.view["hash"]):
            raise SlackRefusal("hash_conflict")
        return self.replace_view(opened, arguments.get("view"))

    def replace_view(self, opened: OpenView, view: Any) -> Json:
        """Puts new content into an open form."""
        self._check_view(view)
        opened.view = opened.view | self._view(view)
        opened.errors = {}
        self._workspace.show_view(opened)
        return opened.view

    # --- answers to an interaction -----------------------------------------------------------
    def respond(self, token: str, body: Json) -> None:
        """A POST to a response URL: a private or open answer, or a change of the message."""
        right = self._state.response_urls.get(token)
        if right is None or self._state.clock() > right.expires_at:
            raise SlackRefusal("expired_url")
        if right.uses_left == 0:
            raise SlackRefusal("used_url")
        channel = self._state.channel(right.channel_id)
        if body.get("delete_original"):
            self._replace(channel, right.message_ts, None)
        elif body.get("replace_original"):
            self._replace(channel, right.message_ts, body)
        elif body.get("response_type") == "in_channel":
            message = self._content(body) | self._author(None)
            if thread_ts := body.get("thread_ts"):
                message["thread_ts"] = str(thread_ts)
            self._workspace.posted(channel, self._state.put(channel, message))
        else:
            self._show_ephemeral(channel, right.user_id, {"thread_ts": right.thread_ts} | body)
        right.uses_left -= 1

    def _replace(self, channel: Channel, ts: str | None, body: Json | None) -> None:
        shown = self._workspace.find_ephemeral(channel.channel_id, ts or "")
        if shown is not None:
            self._workspace.hide_ephemeral(shown)
            if body is not None:
                kept: Json = {
                    name: shown.message[name]
                    for name in ("ts", "thread_ts")
                    if name in shown.message
                }
                self._show_ephemeral(channel, shown.user_id, body, kept=kept)
            return
        message = self._own(channel, ts or "", "cant_update_message")
        if body is None:
            self._workspace.deleted(channel, self._state.remove(channel, message["ts"]))
            return
        self.update({**body, "channel": channel.channel_id, "ts": message["ts"]})

    # --- parts -------------------------------------------------------------------------------
    def _content(self, arguments: Json) -> Json:
        text, blocks = arguments.get("text"), arguments.get("blocks")
        metadata = arguments.get("metadata")
        if problem := message_problem(text, blocks, metadata):
            raise SlackRefusal(*problem)
        content: Json = {"text": text}
        if blocks:
            content["blocks"] = with_ids(blocks, lambda: secrets.token_hex(3))
        if metadata is not None:
            content["metadata"] = metadata
        return content

    def _author(self, username: Any) -> Json:
        author: Json = {
            "bot_id": people.SLACK_BOT_ID,
            "app_id": people.SLACK_APP_ID,
            "team": people.VENDOR_TEAM.team_id,
            "bot_profile": {
                "id": people.SLACK_BOT_ID,
                "app_id": people.SLACK_APP_ID,
                "name": people.SLACK_BOT_NAME,
                "icons": {},
                "deleted": False,
                "updated": 1_700_000_000,
                "team_id": people.VENDOR_TEAM.team_id,
            },
        }
        # A name of its own turns the post into a `bot_message` without a person behind it.
        if username:
            return author | {"subtype": "bot_message", "username": str(username)}
        return author | {"user": people.SLACK_BOT_USER_ID}

    def _show_ephemeral(
        self, channel: Channel, user_id: str, arguments: Json, *, kept: Json | None = None
    ) -> str:
        message = {"type": "message", **self._content(arguments), **self._author(None)}
        message["ts"] = self._state.next_ts()
        if arguments.get("thread_ts"):
            message["thread_ts"] = str(arguments["thread_ts"])
        message |= kept or {}
        message["is_ephemeral"] = True
        self._workspace.show_ephemeral(
            Ephemeral(channel_id=channel.channel_id, user_id=user_id, message=message)
        )
        return str(message["ts"])

    def _own(self, channel: Channel, ts: str, otherwise: str) -> Json:
        message = self._state.message(channel.channel_id, ts)
        if message.get("bot_id") != people.SLACK_BOT_ID:
            raise SlackRefusal(otherwise)
        return message

    def _find_view(self, arguments: Json) -> OpenView:
        view_id, external_id = arguments.get("view_id"), arguments.get("external_id")
        for opened in self._state.views.values():
            if opened.view["id"] == view_id or (
                external_id and opened.view.get("external_id") == external_id
            ):
                return opened
        raise SlackRefusal("not_found")

    def _check_view(self, view: Any) -> None:
        if problems := view_problem(view):
            raise SlackRefusal("invalid_arguments", problems)

    def _view(self, view: Json) -> Json:
        return {name: view.get(name) for name in _PASSED_ON if view.get(name) is not None} | {
            "type": "modal",
            "private_metadata": view.get("private_metadata", ""),
            "callback_id": view.get("callback_id", ""),
            "clear_on_close": bool(view.get("clear_on_close")),
            "notify_on_close": bool(view.get("notify_on_close")),
            "blocks": with_ids(view["blocks"], lambda: secrets.token_hex(3)),
            "state": {"values": {}},
            "hash": f"{int(self._state.clock())}.{secrets.token_hex(4)}",
        }


def add_reaction(message: Json, name: str, user_id: str) -> None:
    """Adds one person's reaction; `already_reacted` when it is there."""
    reactions = message.setdefault("reactions", [])
    for entry in reactions:
        if entry["name"] == name:
            if user_id in entry["users"]:
                raise SlackRefusal("already_reacted")
            entry["users"].append(user_id)
            entry["count"] += 1
            return
    reactions.append({"name": name, "users": [user_id], "count": 1})
