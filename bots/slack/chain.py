"""What every payload passes, from HTTP or a socket: whose is it, take it durably, answer."""

import json
import logging
import traceback
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.authorization.async_authorize import AsyncAuthorize
from slack_bolt.context.async_context import AsyncBoltContext
from slack_bolt.middleware.async_middleware import AsyncMiddleware
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from agent_core.errors import PlatformError
from agent_core.messages import RoomChange, RoomChanged
from agent_core.ports import Clock, Receiver
from bots.slack import interactions
from bots.slack.answers import Answers
from bots.slack.api import SlackApi, sdk_logger
from bots.slack.identity import Directory, Workspace
from bots.slack.install import Workspaces
from bots.slack.parse import lookups, parse
from bots.slack.shapes import Json, table, text

_WORKSPACE: Final = "handrail_workspace"
_log = logging.getLogger(__name__)
Next = Callable[[], Awaitable[BoltResponse]]


def build_app(
    *,
    api: SlackApi,
    workspaces: Workspaces,
    receiver: Receiver,
    answers: Answers,
    clock: Clock,
    signing_secret: str,
) -> AsyncApp:
    """Bolt's application with our chain in it.

    Off, with the reason: verification (done at the HTTP door, before anything is parsed),
    ignoring our own events (a person who deletes our post would go unnoticed).
    """
    logger = sdk_logger("bots.slack.bolt")
    # Bolt reads tokens from the environment on its own, and warns that it does not use them.
    logger.setLevel(logging.ERROR)
    app = AsyncApp(
        name="handrail",
        logger=logger,
        signing_secret=signing_secret,
        client=AsyncWebClient(base_url=api.url, retry_handlers=[], logger=logger),
        before_authorize=_Whose(workspaces),
        authorize=_Authorized(),  # type: ignore[arg-type]  # an AsyncAuthorize is taken as it is
        request_verification_enabled=False,
        ignoring_self_events_enabled=False,
        attaching_function_token_enabled=False,
        attaching_conversation_kwargs_enabled=False,
    )
    app.error(_not_taken)
    app.use(_Take(api=api, workspaces=workspaces, receiver=receiver, answers=answers, clock=clock))
    return app


class _Whose(AsyncMiddleware):
    """Finds the installation; a payload of none is refused before anything is read from it."""

    def __init__(self, workspaces: Workspaces) -> None:
        self._workspaces = workspaces

    async def async_process(
        self, *, req: AsyncBoltRequest, resp: BoltResponse, next: Next
    ) -> BoltResponse:
        payload: Json = req.body
        if text(payload, "type") in ("url_verification", "ssl_check"):
            return await next()
        if text(payload, "type") == "event_callback" and not table(payload, "event"):
            return _refused(400, "an event without an event")
        try:
            workspace = await self._find(payload)
        except PlatformError as error:
            _log.error("slack installation not known now, slack will deliver again: %s", error)
            return _refused(503, "try again")
        if workspace is None:
            return _refused(403, "the app is not installed in this workspace")
        req.context[_WORKSPACE] = workspace
        return await next()

    async def _find(self, payload: Json) -> Workspace | None:
        for team_id in interactions.installation_teams(payload):
            if (found := await self._workspaces.get(team_id)) is not None:
                return found
        return await self._workspaces.of_bot(interactions.installation_bot(payload))


class _Authorized(AsyncAuthorize):
    """Bolt's authorization, from what `_Whose` found: no look-up and no call on an event."""

    def __init__(self) -> None:
        """Nothing to hold: everything is in the request's context."""

    async def __call__(
        self,
        *,
        context: AsyncBoltContext,
        enterprise_id: str | None,
        team_id: str | None,
        user_id: str | None,
        actor_enterprise_id: str | None = None,
        actor_team_id: str | None = None,
        actor_user_id: str | None = None,
    ) -> AuthorizeResult | None:
        workspace: Workspace = context[_WORKSPACE]
        return AuthorizeResult(
            enterprise_id=workspace.enterprise_id or None,
            team_id=workspace.team_id,
            bot_user_id=workspace.bot_user_id,
            bot_id=workspace.bot_id,
            bot_token=workspace.bot_token,
        )


class _Take(AsyncMiddleware):
    """The end of the chain: parse, `receive`, answer. What `receive` raises is `_not_taken`'s."""

    def __init__(
        self,
        *,
        api: SlackApi,
        workspaces: Workspaces,
        receiver: Receiver,
        answers: Answers,
        clock: Clock,
    ) -> None:
        self._api = api
        self._workspaces = workspaces
        self._receiver = receiver
        self._answers = answers
        self._clock = clock
        self._directory = Directory()

    async def async_process(
        self, *, req: AsyncBoltRequest, resp: BoltResponse, next: Next
    ) -> BoltResponse:
        payload: Json = req.body
        workspace: Workspace = req.context[_WORKSPACE]
        wanted = lookups(payload, workspace)
        try:
            known = await self._directory.look_up(
                self._api.client(workspace.bot_token),
                workspace,
                named=wanted.named,
                homeless=wanted.homeless,
                files=wanted.files,
            )
        except PlatformError as error:
            _log.warning("slack author's home not known now, slack will deliver again: %s", error)
            return _refused(503, "try again")
        event = parse(payload, workspace, known, received_at=self._clock.now())
        answer = await self._receiver.receive(event)
        if isinstance(event, RoomChanged) and event.change is RoomChange.UNINSTALLED:
            await self._workspaces.forget(workspace.team_id)
        return _acknowledged(await self._answers.give(payload, workspace, event, answer))


async def _not_taken(error: Exception) -> BoltResponse:
    """Not acknowledged, so Slack delivers again. The error's words may hold what somebody wrote."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f"{frames[-1].name}:{frames[-1].lineno}" if frames else "unknown"
    _log.error("slack payload not taken: %s in %s", type(error).__name__, where)
    return BoltResponse(status=500, body="")


def _acknowledged(body: Mapping[str, Any] | None) -> BoltResponse:
    if body is None:
        return BoltResponse(status=200, body="")
    return BoltResponse(
        status=200, body=json.dumps(body), headers={"content-type": "application/json"}
    )


def _refused(status: int, why: str) -> BoltResponse:
    return BoltResponse(status=status, body=json.dumps({"error": why}))
