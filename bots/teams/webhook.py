"""POST /api/messages: verify, parse, let the core commit, then answer."""

import logging
from collections.abc import Callable
from time import monotonic

from aiohttp import web
from botbuilder.core import TurnContext

from agent_core.messages import InboundEvent, Unsupported
from agent_core.ports import Answer, Receiver
from bots.bodies import BodyRefused, read_body
from bots.teams import answers
from bots.teams.activity import IncomingActivity, read_activity
from bots.teams.cloud_adapter import TeamsCloudAdapter, Turn, invoke_answer
from bots.teams.errors import BodyNotTaken, DeliveryRefused, ForeignDelivery, MalformedActivity
from bots.teams.limits import MAX_BODY_BYTES
from bots.teams.parse import parse_activity
from bots.teams.sender import ServicePlaces

_log = logging.getLogger(__name__)
CHANNEL_ID = "msteams"
_TOLD_SECONDS = 60.0
Learn = Callable[[str, str], None]


class TeamsWebhook:
    """The messaging endpoint. Answers after `Receiver.receive` returned, which is after its commit.

    `allowed_tenants` None: any tenant (only without verification, on a loopback address).
    A failing receiver becomes 500, so that Teams delivers again.
    """

    def __init__(
        self,
        adapter: TeamsCloudAdapter,
        receiver: Receiver,
        places: ServicePlaces,
        *,
        allowed_tenants: frozenset[str] | None,
        any_channel: bool = False,
        learn: Learn = lambda tenant_id, service_url: None,
    ) -> None:
        self._adapter = adapter
        self._receiver = receiver
        self._places = places
        self._tenants = allowed_tenants
        self._any_channel = any_channel
        self._learn = learn
        self._told_at: dict[int, float] = {}

    async def handle(self, request: web.Request) -> web.Response:
        """The aiohttp handler."""
        try:
            # Who cannot be the Connector has nothing read, and nothing unfolded in memory.
            await self._adapter.admit(request.headers.get("Authorization"))
            activity = read_activity(await _body(request))
            who = await self._adapter.authenticate(activity, request.headers.get("Authorization"))
            self._check_origin(activity)
        except DeliveryRefused as refused:
            reason = str(refused)  # names fields and claims, never what is in them
            self._tell(refused.status, reason)
            return web.json_response({"error": reason}, status=refused.status)
        self._learn(activity.tenant_id, activity.service_url)
        answer = await self._adapter.take(activity, who, self._turn(activity))
        if answer is not None:
            return web.json_response(answer.body, status=answer.status)
        return web.Response(status=200)

    def _tell(self, status: int, reason: str) -> None:
        """Each kind of refusal once a minute: anybody may be refused as often as they like."""
        now = monotonic()
        is_new = now - self._told_at.get(status, -_TOLD_SECONDS) >= _TOLD_SECONDS
        if is_new:
            self._told_at[status] = now
        level = logging.INFO if is_new else logging.DEBUG
        _log.log(level, "teams delivery refused", extra={"status": status, "reason": reason})

    def _turn(self, activity: IncomingActivity) -> Turn:
        async def turn(context: TurnContext) -> None:
            event = parse_activity(activity)
            answer = await self._receiver.receive(event)
            if activity.type == "invoke":
                await context.send_activity(invoke_answer(_invoke_body(activity, event, answer)))

        return turn

    def _check_origin(self, activity: IncomingActivity) -> None:
        if self._tenants is not None and activity.tenant_id not in self._tenants:
            raise ForeignDelivery("this tenant is not served here")
        if activity.channel_id != CHANNEL_ID and not self._any_channel:
            raise ForeignDelivery("this channel is not served here")
        if not self._places.allows(activity.service_url):
            raise ForeignDelivery("the service URL is not a known one")


def _invoke_body(
    activity: IncomingActivity, event: InboundEvent, answer: Answer
) -> dict[str, object]:
    if isinstance(event, Unsupported):
        return answers.not_understood(activity)
    return answers.invoke_body(activity, event, answer)


async def _body(request: web.Request) -> bytes:
    """The body, read no further than any activity is long."""
    if request.content_type != "application/json":
        raise MalformedActivity("Content-Type must be application/json")
    try:
        return await read_body(request, most=MAX_BODY_BYTES)
    except BodyRefused as refused:
        raise BodyNotTaken(refused.status, str(refused)) from None
