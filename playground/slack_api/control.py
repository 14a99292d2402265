"""The control routes under `/playground/slack/`: the people's hands over HTTP, logs and trouble."""

import base64
import binascii
from collections.abc import Awaitable, Callable

from aiohttp import web
from pydantic import ValidationError

from playground.faults import add_fault_routes
from playground.slack_api import orders
from playground.slack_api.delivery import Attempt
from playground.slack_api.state import Json, SlackRefusal
from playground.slack_api.workspace import channel_as_json
from playground.slack_api.world import SharedFile, SlackWorld


class Control:
    """One method a route; the shapes are in the package's docstring."""

    def __init__(self, world: SlackWorld) -> None:
        self._world = world

    def add_to(self, app: web.Application) -> None:
        """Adds every route of the package's docstring below "Control routes"."""
        handlers: dict[str, Callable[[web.Request], Awaitable[Json]]] = {
            "say": self._say,
            "edit": self._edit,
            "delete": self._delete,
            "react": self._react,
            "bot-say": self._bot_say,
            "direct": self._direct,
            "join": self._join,
            "leave": self._leave,
            "archive": self._archive,
            "unshare": self._unshare,
            "verify-url": self._verify_url,
            "click": self._click,
            "options": self._options,
            "submit": self._submit,
            "close-view": self._close_view,
            "command": self._command,
            "redeliver": self._redeliver,
            "lose-acks": self._lose_acks,
            "emit": self._emit,
            "settings": self._settings,
            "disconnect": self._disconnect,
        }
        for name, order in handlers.items():
            app.router.add_post(f"/playground/slack/{name}", _answering(order))
        app.router.add_get("/playground/slack/state", self._state)
        app.router.add_get("/playground/slack/deliveries", self._deliveries)
        app.router.add_get("/playground/slack/calls", self._calls)
        app.router.add_get("/playground/slack/feed", self._world.workspace.feed.stream)
        app.router.add_get("/playground/slack/socket", self._world.socket_mode.serve)
        add_fault_routes(app, self._world.faults, "slack")

    # --- looking -----------------------------------------------------------------------------
    async def _state(self, _: web.Request) -> web.Response:
        return web.json_response(self._world.workspace.snapshot())

    async def _deliveries(self, _: web.Request) -> web.Response:
        log = [delivery.as_json() for delivery in self._world.courier.log]
        return web.json_response({"deliveries": log})

    async def _calls(self, _: web.Request) -> web.Response:
        return web.json_response({"calls": list(self._world.workspace.calls)})

    # --- people's hands ----------------------------------------------------------------------
    async def _say(self, request: web.Request) -> Json:
        order = orders.Say.model_validate_json(await request.text())
        fields = order.model_dump(exclude={"files"})
        files = [_shared(file) for file in order.files]
        return {"message": self._world.say(**fields, files=files)}

    async def _edit(self, request: web.Request) -> Json:
        order = orders.Edit.model_validate_json(await request.text())
        return {"message": self._world.edit(**order.model_dump())}

    async def _delete(self, request: web.Request) -> Json:
        self._world.delete(**orders.Delete.model_validate_json(await request.text()).model_dump())
        return {}

    async def _react(self, request: web.Request) -> Json:
        self._world.react(**orders.React.model_validate_json(await request.text()).model_dump())
        return {}

    async def _bot_say(self, request: web.Request) -> Json:
        order = orders.BotSay.model_validate_json(await request.text())
        return {"message": self._world.other_bot_says(**order.model_dump())}

    async def _direct(self, request: web.Request) -> Json:
        order = orders.Direct.model_validate_json(await request.text())
        return {"channel": channel_as_json(self._world.open_direct(order.user_id))}

    async def _join(self, request: web.Request) -> Json:
        order = orders.Join.model_validate_json(await request.text())
        self._world.rooms.join(order.user_id, order.channel_id)
        return {}

    async def _leave(self, request: web.Request) -> Json:
        order = orders.Join.model_validate_json(await request.text())
        self._world.rooms.leave(order.user_id, order.channel_id)
        return {}

    async def _archive(self, request: web.Request) -> Json:
        order = orders.Join.model_validate_json(await request.text())
        self._world.rooms.archive(order.channel_id, order.user_id)
        return {}

    async def _unshare(self, request: web.Request) -> Json:
        order = orders.Unshare.model_validate_json(await request.text())
        self._world.rooms.unshare(order.channel_id, order.team_id)
        return {}

    async def _click(self, request: web.Request) -> Json:
        order = orders.Click.model_validate_json(await request.text())
        return _attempt(await self._world.click(**order.model_dump()))

    async def _options(self, request: web.Request) -> Json:
        order = orders.Options.model_validate_json(await request.text())
        return {"options": await self._world.search_options(**order.model_dump())}

    async def _submit(self, request: web.Request) -> Json:
        order = orders.Submit.model_validate_json(await request.text())
        ended = await self._world.submit(**order.model_dump())
        attempt = _attempt(ended.attempt) if ended.attempt else {}
        return {"action": ended.action, "errors": ended.errors, **attempt}

    async def _close_view(self, request: web.Request) -> Json:
        order = orders.CloseView.model_validate_json(await request.text())
        await self._world.close_view(order.user_id, order.view_id)
        return {}

    async def _command(self, request: web.Request) -> Json:
        order = orders.Command.model_validate_json(await request.text())
        return _attempt(await self._world.command(**order.model_dump()))

    # --- trouble -----------------------------------------------------------------------------
    async def _redeliver(self, request: web.Request) -> Json:
        order = orders.Redeliver.model_validate_json(await request.text())
        return {"delivery": self._world.redeliver(**order.model_dump()).as_json()}

    async def _verify_url(self, _: web.Request) -> Json:
        return _attempt(await self._world.verify_url())

    async def _lose_acks(self, request: web.Request) -> Json:
        self._world.lose_acks(orders.LoseAcks.model_validate_json(await request.text()).times)
        return {}

    async def _emit(self, request: web.Request) -> Json:
        order = orders.Emit.model_validate_json(await request.text())
        if not isinstance(order.event.get("type"), str):
            raise SlackRefusal("invalid_event", ["`event` needs a `type`"])
        return {"delivery": self._world.emit(**order.model_dump()).as_json()}

    async def _settings(self, request: web.Request) -> Json:
        order = orders.Settings.model_validate_json(await request.text())
        courier, workspace = self._world.courier, self._world.workspace
        if order.request_url is not None:
            courier.request_url = order.request_url
        if order.mention_order is not None:
            workspace.mention_order = order.mention_order
        if order.reply_count_events is not None:
            workspace.reply_count_events = order.reply_count_events
        if order.once_per_workspace is not None:
            workspace.once_per_workspace = order.once_per_workspace
        if order.retry_delays is not None:
            courier.retry_delays = tuple(order.retry_delays)
        if order.ack_seconds is not None:
            courier.ack_seconds = order.ack_seconds
        return {
            "request_url": courier.request_url,
            "mention_order": workspace.mention_order,
            "reply_count_events": workspace.reply_count_events,
            "once_per_workspace": workspace.once_per_workspace,
            "retry_delays": list(courier.retry_delays),
            "ack_seconds": courier.ack_seconds,
        }

    async def _disconnect(self, request: web.Request) -> Json:
        order = orders.Disconnect.model_validate_json(await request.text())
        await self._world.socket_mode.disconnect(order.reason)
        return {}


def _answering(
    order: Callable[[web.Request], Awaitable[Json]],
) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        try:
            return web.json_response({"ok": True, **await order(request)})
        except SlackRefusal as refusal:
            body = {"ok": False, "error": refusal.code, "messages": refusal.messages}
            return web.json_response(body, status=400)
        except ValidationError as problem:
            told = [
                f"{'.'.join(map(str, error['loc'])) or 'body'}: {error['msg']}"
                for error in problem.errors()
            ]
            body = {"ok": False, "error": "invalid_order", "messages": told}
            return web.json_response(body, status=400)

    return handle


def _attempt(attempt: Attempt) -> Json:
    return {
        "acknowledged": attempt.acknowledged,
        "status": attempt.status,
        "ack_ms": attempt.ack_ms,
        "answer": attempt.answer,
        "problem": attempt.problem,
    }


def _shared(file: orders.File) -> SharedFile:
    try:
        content = base64.b64decode(file.content_base64, validate=True)
    except binascii.Error as problem:
        raise SlackRefusal("invalid_file", [f"{file.name} is not base64"]) from problem
    return SharedFile(name=file.name, mimetype=file.mimetype, content=content)
