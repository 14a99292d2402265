"""The Bot Connector's REST routes (/v3): token, faults, then the act."""

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from playground.faults import Fault, FaultKind, answer_with_fault
from playground.teams_api.outgoing import ConnectorRefusal, bad_request
from playground.teams_api.state import Json
from playground.teams_api.wires import SERVER
from playground.teams_api.world import TeamsWorld

Act = Callable[[web.Request], Awaitable[web.StreamResponse]]


def refusal_response(refusal: ConnectorRefusal) -> web.Response:
    """{error: {code, message}} with the refusal's status."""
    error = {"code": refusal.code, "message": refusal.message}
    return web.json_response({"error": error}, status=refusal.status)


class ConnectorRoutes:
    """One method per operation of the Connector, named as Microsoft's reference names them."""

    def __init__(self, world: TeamsWorld) -> None:
        self._world = world

    def add_to(self, app: web.Application) -> None:
        """Add all routes."""
        conversation = "/v3/conversations/{conversation_id}"
        activity = f"{conversation}/activities/{{activity_id}}"
        for verb, path, operation, act in (
            ("POST", "/v3/conversations", "createConversation", self._create),
            ("POST", f"{conversation}/activities", "sendToConversation", self._send),
            ("POST", activity, "replyToActivity", self._send),
            ("PUT", activity, "updateActivity", self._update),
            ("DELETE", activity, "deleteActivity", self._delete),
            ("GET", f"{activity}/members", "getActivityMembers", self._members),
            ("GET", f"{conversation}/members", "getConversationMembers", self._members),
            ("GET", f"{conversation}/pagedmembers", "getPagedMembers", self._paged_members),
            ("GET", f"{conversation}/members/{{member_id}}", "getMember", self._member),
            ("GET", "/v3/teams/{team_id}", "getTeam", self._team),
            ("GET", "/v3/teams/{team_id}/conversations", "getTeamChannels", self._channels),
        ):
            app.router.add_route(verb, path, self._guarded(operation, act))

    def _guarded(self, operation: str, act: Act) -> Act:
        async def handler(request: web.Request) -> web.StreamResponse:
            if not self._world.directory.accepts(request.headers.get("Authorization")):
                words = "Authorization has been denied for this request."
                denied = web.json_response({"message": words}, status=401)
                return self._noted(operation, denied)
            refusal = self._world.refusals.take(operation)
            if refusal is not None:
                return self._noted(operation, refusal_response(refusal))
            fault = self._world.faults.take(SERVER, operation)
            early = fault and fault_response(fault)
            if early:
                return self._noted(operation, early)
            response = await answer_with_fault(request, fault, lambda: _carried_out(act, request))
            return self._noted(operation, response)

        return handler

    def _noted(self, operation: str, response: web.StreamResponse) -> web.StreamResponse:
        self._world.feed.publish("connector_call", operation=operation, status=response.status)
        return response

    async def _create(self, request: web.Request) -> web.Response:
        return web.json_response(
            self._world.posts.create_conversation(await _body(request)), status=201
        )

    async def _send(self, request: web.Request) -> web.Response:
        # A reply's thread is the conversation id's; the activity id in the path changes nothing.
        conversation_id = request.match_info["conversation_id"]
        answer = self._world.posts.send(conversation_id, await _body(request))
        return web.json_response(answer, status=201)

    async def _update(self, request: web.Request) -> web.Response:
        at = request.match_info
        answer = self._world.posts.update(
            at["conversation_id"], at["activity_id"], await _body(request)
        )
        return web.json_response(answer)

    async def _delete(self, request: web.Request) -> web.Response:
        at = request.match_info
        self._world.posts.delete(at["conversation_id"], at["activity_id"])
        return web.Response()

    async def _members(self, request: web.Request) -> web.Response:
        return web.json_response(self._world.posts.members(request.match_info["conversation_id"]))

    async def _member(self, request: web.Request) -> web.Response:
        at = request.match_info
        return web.json_response(self._world.posts.member(at["conversation_id"], at["member_id"]))

    async def _paged_members(self, request: web.Request) -> web.Response:
        members = self._world.posts.members(request.match_info["conversation_id"])
        try:
            size = max(1, int(request.query.get("pageSize", "200")))
            start = max(0, int(request.query.get("continuationToken", "0")))
        except ValueError:
            raise bad_request("pageSize and continuationToken must be numbers.") from None
        page: Json = {"members": members[start : start + size]}
        if start + size < len(members):
            page["continuationToken"] = str(start + size)
        return web.json_response(page)

    async def _team(self, request: web.Request) -> web.Response:
        return web.json_response(self._world.posts.team(request.match_info["team_id"]))

    async def _channels(self, request: web.Request) -> web.Response:
        channels = self._world.posts.channels(request.match_info["team_id"])
        return web.json_response({"conversations": channels})


async def _carried_out(act: Act, request: web.Request) -> web.StreamResponse:
    try:
        return await act(request)
    except ConnectorRefusal as refusal:
        return refusal_response(refusal)


def fault_response(fault: Fault) -> web.Response | None:
    """The faults that have no effect, in Microsoft's words; None for the others."""
    if fault.kind is FaultKind.RATE_LIMITED:
        body = {"error": {"code": "Throttled", "message": "Too many requests."}}
        headers = {"Retry-After": str(fault.retry_after_seconds)}
        return web.json_response(body, status=429, headers=headers)
    if fault.kind is FaultKind.SERVER_ERROR:
        body = {"error": {"code": "ServiceError", "message": "The service failed."}}
        return web.json_response(body, status=fault.status)
    return None


async def _body(request: web.Request) -> Any:
    try:
        body = await request.json()
    except ValueError:
        raise bad_request("The body is not JSON.") from None
    if not isinstance(body, dict):
        raise bad_request("The body must be a JSON object.")
    return body
