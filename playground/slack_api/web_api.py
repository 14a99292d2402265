"""Slack's Web API under `/api/<method>`: arguments, token check, and answers in its shapes."""

import copy
import time
from collections.abc import Callable

from aiohttp import web

from playground import people
from playground.faults import Fault, FaultKind, answer_with_fault
from playground.slack_api import directory
from playground.slack_api.arguments import arguments_of, page_of
from playground.slack_api.state import Channel, Json, SlackRefusal
from playground.slack_api.world import SlackWorld

_PUBLIC_METHODS = ("api.test", "oauth.v2.access")
_APP_TOKEN_METHODS = ("apps.connections.open",)
_WITH_EFFECT = (FaultKind.SLOW, FaultKind.SLOW_ANSWER, FaultKind.DROP_ANSWER)


class WebApi:
    """The methods an app calls. Each handler takes the arguments and returns the answer."""

    def __init__(self, world: SlackWorld) -> None:
        self._world = world
        self._state = world.state
        self._app = world.app_side
        self._methods: dict[str, Callable[[Json], Json]] = {
            "api.test": lambda _: {},
            "auth.test": self._auth_test,
            "oauth.v2.access": self._oauth_access,
            "apps.connections.open": self._open_connection,
            "chat.postMessage": self._post,
            "chat.postEphemeral": self._post_ephemeral,
            "chat.update": self._update,
            "chat.delete": self._delete,
            "chat.getPermalink": self._permalink,
            "conversations.info": self._channel_info,
            "conversations.members": self._members,
            "conversations.history": self._history,
            "conversations.replies": self._replies,
            "conversations.open": self._open_direct,
            "users.info": self._person,
            "team.info": self._team,
            "views.open": self._open_view,
            "views.push": self._push_view,
            "views.update": self._update_view,
            "reactions.add": self._react,
            "files.info": self._file,
            "assistant.threads.setStatus": self._set_status,
        }

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One call, with the fault that is armed for it."""
        method = request.match_info["method"]
        fault = self._world.faults.take("slack", method)

        async def answer() -> web.StreamResponse:
            return await self._answer(request, method, fault)

        if fault is not None and fault.kind not in _WITH_EFFECT:
            self._note(method, {}, {"ok": False, "error": str(fault.kind)}, fault)
        return await answer_with_fault(request, fault, answer)

    async def _answer(
        self, request: web.Request, method: str, fault: Fault | None
    ) -> web.StreamResponse:
        arguments: Json = {}
        try:
            arguments = await arguments_of(request)
            self._check_token(request, method, arguments)
            if method not in self._methods:
                raise SlackRefusal("unknown_method")
            answer = {"ok": True, **self._methods[method](arguments)}
        except SlackRefusal as refusal:
            answer = {"ok": False, "error": refusal.code}
            if refusal.messages:
                answer["response_metadata"] = {
                    "messages": [f"[ERROR] {text}" for text in refusal.messages]
                }
        self._note(method, arguments, answer, fault)
        return web.json_response(answer)

    def _note(self, method: str, arguments: Json, answer: Json, fault: Fault | None) -> None:
        hidden = ("token", "client_secret", "code")
        call = {
            "method": method,
            "arguments": {k: v for k, v in arguments.items() if k not in hidden},
            "ok": answer["ok"],
            "error": answer.get("error"),
            "ts": answer.get("ts"),
            "fault": str(fault.kind) if fault else None,
            "at": time.time(),
        }
        self._world.workspace.calls.append(call)
        self._world.workspace.feed.publish("call", call=call)

    def _check_token(self, request: web.Request, method: str, arguments: Json) -> None:
        if method in _PUBLIC_METHODS:
            return
        header = request.headers.get("Authorization", "")
        token = header.removeprefix("Bearer ") if header else str(arguments.get("token", ""))
        if not token:
            raise SlackRefusal("not_authed")
        wants_app = method in _APP_TOKEN_METHODS
        if token == people.SLACK_APP_TOKEN:
            if not wants_app:
                raise SlackRefusal("not_allowed_token_type")
        elif token not in self._world.bot_tokens:
            raise SlackRefusal("invalid_auth")
        elif wants_app:
            raise SlackRefusal("not_allowed_token_type")

    # --- the app itself ----------------------------------------------------------------------
    def _auth_test(self, _: Json) -> Json:
        return {
            "url": f"https://{people.VENDOR_TEAM.domain}.slack.example/",
            "team": people.VENDOR_TEAM.name,
            "user": people.SLACK_BOT_NAME,
            "team_id": people.VENDOR_TEAM.team_id,
            "user_id": people.SLACK_BOT_USER_ID,
            "bot_id": people.SLACK_BOT_ID,
            "is_enterprise_install": False,
        }

    def _oauth_access(self, arguments: Json) -> Json:
        if (arguments.get("client_id"), arguments.get("client_secret")) != (
            people.SLACK_CLIENT_ID,
            people.SLACK_CLIENT_SECRET,
        ):
            raise SlackRefusal("bad_client_secret")
        code = str(arguments.get("code", ""))
        if code not in self._world.oauth_codes:
            raise SlackRefusal("invalid_code")
        self._world.oauth_codes.discard(code)
        token = f"xoxb-playground-{self._state.next_id('T')}"
        self._world.bot_tokens.add(token)
        return {
            "access_token": token,
            "token_type": "bot",
            "scope": "app_mentions:read,channels:history,chat:write,chat:write.customize",
            "bot_user_id": people.SLACK_BOT_USER_ID,
            "app_id": people.SLACK_APP_ID,
            "team": {"id": people.VENDOR_TEAM.team_id, "name": people.VENDOR_TEAM.name},
            "enterprise": None,
            "is_enterprise_install": False,
            "authed_user": {"id": people.COLLEAGUE.user_id},
        }

    def _open_connection(self, _: Json) -> Json:
        ticket = self._world.socket_mode.new_ticket()
        address = self._world.workspace.base_url.replace("http", "ws", 1)
        return {"url": f"{address}/playground/slack/socket?ticket={ticket}"}

    # --- messages ----------------------------------------------------------------------------
    def _post(self, arguments: Json) -> Json:
        channel, message = self._app.post(arguments)
        return _posted(channel, message)

    def _post_ephemeral(self, arguments: Json) -> Json:
        return {"message_ts": self._app.post_ephemeral(arguments)}

    def _update(self, arguments: Json) -> Json:
        channel, message = self._app.update(arguments)
        return _posted(channel, message) | {"text": message["text"]}

    def _delete(self, arguments: Json) -> Json:
        channel_id, ts = str(arguments.get("channel", "")), str(arguments.get("ts", ""))
        self._app.delete(channel_id, ts)
        return {"channel": channel_id, "ts": ts}

    def _permalink(self, arguments: Json) -> Json:
        channel = self._app.room(str(arguments.get("channel", "")))
        ts = str(arguments.get("message_ts", ""))
        self._state.message(channel.channel_id, ts)
        link = f"{self._world.workspace.base_url}/archives/{channel.channel_id}/p"
        return {"channel": channel.channel_id, "permalink": link + ts.replace(".", "")}

    def _react(self, arguments: Json) -> Json:
        self._app.react(
            str(arguments.get("channel", "")),
            str(arguments.get("timestamp", "")),
            str(arguments.get("name", "")),
        )
        return {}

    def _set_status(self, arguments: Json) -> Json:
        self._app.set_status(
            str(arguments.get("channel_id", "")),
            str(arguments.get("thread_ts", "")),
            str(arguments.get("status", "")),
        )
        return {}

    # --- reading -----------------------------------------------------------------------------
    def _channel_info(self, arguments: Json) -> Json:
        return {"channel": directory.channel(self._app.room(str(arguments.get("channel", ""))))}

    def _members(self, arguments: Json) -> Json:
        channel = self._app.room(str(arguments.get("channel", "")))
        page, cursor = page_of(channel.member_ids, arguments, limit=100)
        return {"members": page, "response_metadata": {"next_cursor": cursor}}

    def _history(self, arguments: Json) -> Json:
        channel = self._app.room(str(arguments.get("channel", "")))
        shown = [
            message
            for _, message in sorted(channel.messages.items(), reverse=True)
            if message.get("thread_ts") in (None, message["ts"])
            or message.get("subtype") == "thread_broadcast"
        ]
        return self._listed(shown, arguments)

    def _replies(self, arguments: Json) -> Json:
        channel = self._app.room(str(arguments.get("channel", "")))
        return self._listed(self._state.thread(channel, str(arguments.get("ts", ""))), arguments)

    def _listed(self, messages: list[Json], arguments: Json) -> Json:
        oldest, latest = str(arguments.get("oldest") or "0"), str(arguments.get("latest") or "9")
        inclusive = bool(arguments.get("inclusive"))
        chosen = [
            message
            for message in messages
            if oldest < message["ts"] < latest or (inclusive and message["ts"] in (oldest, latest))
        ]
        page, cursor = page_of(chosen, arguments, limit=100)
        shown = copy.deepcopy(page)
        if not arguments.get("include_all_metadata"):
            for message in shown:
                message.pop("metadata", None)
        answer: Json = {"messages": shown, "has_more": bool(cursor)}
        return answer | ({"response_metadata": {"next_cursor": cursor}} if cursor else {})

    def _open_direct(self, arguments: Json) -> Json:
        users = str(arguments.get("users", "")).split(",")
        if users == [""] or len(users) > 1:
            raise SlackRefusal("users_list_not_supplied", ["name one person in `users`"])
        channel = self._world.open_direct(users[0])
        return {"channel": {"id": channel.channel_id}}

    def _person(self, arguments: Json) -> Json:
        user_id = str(arguments.get("user", ""))
        if user_id == people.SLACK_BOT_USER_ID:
            return {"user": directory.bot()}
        return {"user": directory.person(self._state.person(user_id))}

    def _team(self, arguments: Json) -> Json:
        team_id = str(arguments.get("team") or people.VENDOR_TEAM.team_id)
        if team_id not in self._state.teams:
            raise SlackRefusal("team_not_found")
        team = self._state.teams[team_id]
        return {"team": {"id": team.team_id, "name": team.name, "domain": team.domain}}

    def _file(self, arguments: Json) -> Json:
        file_id = str(arguments.get("file", ""))
        if file_id not in self._state.files:
            raise SlackRefusal("file_not_found")
        return {"file": self._state.files[file_id]}

    # --- forms -------------------------------------------------------------------------------
    def _open_view(self, arguments: Json) -> Json:
        trigger_id = str(arguments.get("trigger_id", ""))
        return {"view": self._app.open_view(trigger_id, arguments.get("view"))}

    def _push_view(self, arguments: Json) -> Json:
        trigger_id = str(arguments.get("trigger_id", ""))
        return {"view": self._app.open_view(trigger_id, arguments.get("view"), pushed=True)}

    def _update_view(self, arguments: Json) -> Json:
        return {"view": self._app.update_view(arguments)}


def _posted(channel: Channel, message: Json) -> Json:
    return {"channel": channel.channel_id, "ts": message["ts"], "message": copy.deepcopy(message)}
