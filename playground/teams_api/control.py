"""The JSON routes of the page: what people do, what is there, what was delivered, the live feed."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from playground.faults import add_fault_routes
from playground.teams_api.bodies import (
    ChatBody,
    ClickBody,
    DeliverBody,
    DialogClickBody,
    EditBody,
    EndpointBody,
    FeedbackBody,
    InstallationBody,
    JsonBody,
    MemberBody,
    OnMessageBody,
    PostBody,
    ReactionBody,
    ReadsAllBody,
    RefusalBody,
    RollBody,
    SearchBody,
)
from playground.teams_api.refusals import Refusal
from playground.teams_api.state import Json
from playground.teams_api.wires import SERVER
from playground.teams_api.world import TeamsWorld

PREFIX = "/playground/teams"


Body = TypeVar("Body", bound=BaseModel)


def _route(
    app: web.Application,
    path: str,
    shape: type[Body],
    act: Callable[[Body, web.Request], Awaitable[Json]],
) -> None:
    """POST a JSON body of this shape; problems come back as {error} with 400, 403 or 404."""

    async def handler(request: web.Request) -> web.Response:
        try:
            body = shape.model_validate_json(await request.read() or b"{}")
            return web.json_response(await act(body, request))
        except ValidationError as problem:
            words = "; ".join(
                f"{'.'.join(map(str, e['loc'])) or 'body'}: {e['msg']}" for e in problem.errors()
            )
            return web.json_response({"error": words}, status=400)
        except PermissionError as problem:
            return web.json_response({"error": str(problem)}, status=403)
        except KeyError as problem:
            return web.json_response({"error": str(problem.args[0])}, status=404)
        except ValueError as problem:
            return web.json_response({"error": str(problem)}, status=400)

    app.router.add_post(f"{PREFIX}{path}", handler)


class ControlRoutes:
    """The handlers; each is one call into the world."""

    def __init__(self, world: TeamsWorld) -> None:
        self._world = world

    def add_to(self, app: web.Application) -> None:
        """Add all routes; they are described in the package's docstring."""
        add_fault_routes(app, self._world.faults, SERVER)
        app.router.add_get(f"{PREFIX}/state", self._state)
        app.router.add_get(f"{PREFIX}/feed", self._world.feed.stream)
        app.router.add_get(f"{PREFIX}/deliveries", self._deliveries)
        app.router.add_get(f"{PREFIX}/tokens", self._tokens)
        app.router.add_get(f"{PREFIX}/refusals", self._refusals)
        app.router.add_delete(f"{PREFIX}/refusals", self._no_refusals)
        app.router.add_delete(f"{PREFIX}/dialogs/{{dialog}}", self._close_dialog)
        _route(app, "/posts", PostBody, self._post)
        _route(app, "/edits", EditBody, self._edit)
        _route(app, "/deletions", OnMessageBody, self._delete)
        _route(app, "/reactions", ReactionBody, self._react)
        _route(app, "/clicks", ClickBody, self._click)
        _route(app, "/searches", SearchBody, self._search)
        _route(app, "/chats", ChatBody, self._open_chat)
        _route(app, "/refreshes", OnMessageBody, self._refresh)
        _route(app, "/feedback", FeedbackBody, self._give_feedback)
        _route(app, "/dialogs/{dialog}/submit", DialogClickBody, self._submit_dialog)
        _route(app, "/members", MemberBody, self._member)
        _route(app, "/installations", InstallationBody, self._install)
        _route(app, "/reads-all", ReadsAllBody, self._reads_all)
        _route(app, "/deliveries", DeliverBody, self._deliver)
        _route(app, "/endpoint", EndpointBody, self._endpoint)
        _route(app, "/keys/roll", RollBody, self._roll)
        _route(app, "/tokens/revoke", JsonBody, self._revoke)
        _route(app, "/refusals", RefusalBody, self._refuse)

    # --- reading -----------------------------------------------------------------------------

    async def _state(self, _: web.Request) -> web.Response:
        seq = self._world.feed.seq
        return web.json_response({"seq": seq, **self._world.state.snapshot()})

    async def _deliveries(self, request: web.Request) -> web.Response:
        limit = request.query.get("limit", "50")
        newest = list(self._world.courier.log)[-max(1, int(limit) if limit.isdecimal() else 50) :]
        return web.json_response({"deliveries": [delivery.as_json() for delivery in newest]})

    async def _tokens(self, _: web.Request) -> web.Response:
        tokens = self._world.directory
        kid = self._world.channel_tokens.kid
        return web.json_response({"issued": tokens.issued, "refused": tokens.refused, "kid": kid})

    # --- people ------------------------------------------------------------------------------

    async def _post(self, body: PostBody, _: web.Request) -> Json:
        message = self._world.post(
            body.person,
            body.room,
            body.text,
            thread=body.thread,
            mention=body.mention,
            attachments=body.attachments,
            options=body.options(),
        )
        return {"message": self._world.state.message_json(message)}

    async def _edit(self, body: EditBody, _: web.Request) -> Json:
        message = self._world.edit(body.person, body.message, body.text, mention=body.mention)
        return {"message": self._world.state.message_json(message)}

    async def _delete(self, body: OnMessageBody, _: web.Request) -> Json:
        message = self._world.delete(body.person, body.message)
        return {"message": self._world.state.message_json(message)}

    async def _react(self, body: ReactionBody, _: web.Request) -> Json:
        message = self._world.react(body.person, body.message, body.reaction, added=body.added)
        return {"message": self._world.state.message_json(message)}

    async def _click(self, body: ClickBody, _: web.Request) -> Json:
        outcome = await self._world.click(body.person, body.message, body.action, body.inputs)
        return {"outcome": outcome.as_json()}

    async def _search(self, body: SearchBody, _: web.Request) -> Json:
        outcome = await self._world.search(body.person, body.message, body.input, body.text)
        return {"outcome": outcome.as_json()}

    async def _open_chat(self, body: ChatBody, _: web.Request) -> Json:
        return {"room": self._world.state.room_json(self._world.open_chat(body.person))}

    async def _refresh(self, body: OnMessageBody, _: web.Request) -> Json:
        return {"outcome": (await self._world.refresh(body.person, body.message)).as_json()}

    async def _give_feedback(self, body: FeedbackBody, _: web.Request) -> Json:
        outcome = await self._world.give_feedback(
            body.person, body.message, body.reaction, body.text
        )
        return {"outcome": outcome.as_json()}

    async def _submit_dialog(self, body: DialogClickBody, request: web.Request) -> Json:
        dialog = request.match_info["dialog"]
        outcome = await self._world.submit_dialog(body.person, dialog, body.action, body.inputs)
        return {"outcome": outcome.as_json()}

    async def _close_dialog(self, request: web.Request) -> web.Response:
        dialog = request.match_info["dialog"]
        if dialog in self._world.state.dialogs:
            self._world.close_dialog(dialog)
        return web.json_response({})

    async def _member(self, body: MemberBody, _: web.Request) -> Json:
        room = self._world.set_member(body.person, body.room, added=body.added, by=body.by)
        return {"room": self._world.state.room_json(room)}

    async def _install(self, body: InstallationBody, _: web.Request) -> Json:
        room = self._world.set_installed(body.person, body.room, added=body.added)
        return {"room": self._world.state.room_json(room)}

    async def _reads_all(self, body: ReadsAllBody, _: web.Request) -> Json:
        room = self._world.set_reads_all(body.room, body.reads_all)
        return {"room": self._world.state.room_json(room)}

    # --- wires -------------------------------------------------------------------------------

    async def _deliver(self, body: DeliverBody, _: web.Request) -> Json:
        world, options = self._world, body.options()
        if body.message is not None:
            sent = await world.redeliver(body.message, options)
        elif body.delivery is not None:
            sent = await world.replay(body.delivery, options)
        elif body.activity is not None:
            sent = await world.deliver(body.activity, options)
        elif body.raw is not None:
            sent = [await world.courier.deliver_raw(body.raw, body.token)]
        else:
            raise ValueError("name one of message, delivery, activity, raw")
        return {"deliveries": [delivery.as_json() for delivery in sent]}

    async def _endpoint(self, body: EndpointBody, _: web.Request) -> Json:
        courier = self._world.courier
        courier.endpoint = body.url or courier.endpoint
        courier.patience_seconds = body.patience_seconds or courier.patience_seconds
        if body.redeliveries is not None:
            courier.redeliveries = body.redeliveries
        return {
            "url": courier.endpoint,
            "patienceSeconds": courier.patience_seconds,
            "redeliveries": courier.redeliveries,
        }

    async def _roll(self, body: RollBody, _: web.Request) -> Json:
        return {"kid": self._world.channel_tokens.roll(keep_old=body.keep_old)}

    async def _revoke(self, _: JsonBody, __: web.Request) -> Json:
        self._world.directory.revoke_all()
        return {}

    async def _refuse(self, body: RefusalBody, _: web.Request) -> Json:
        self._world.refusals.add(Refusal(**body.model_dump()))
        return self._pending()

    async def _refusals(self, _: web.Request) -> web.Response:
        return web.json_response(self._pending())

    async def _no_refusals(self, _: web.Request) -> web.Response:
        self._world.refusals.pending.clear()
        return web.json_response(self._pending())

    def _pending(self) -> Json:
        return {"pending": [refusal.as_json() for refusal in self._world.refusals.pending]}
