"""A Teams channel of ours on loopback, against the local Connector and its token issuers."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import pytest
from aiohttp import ClientSession, web

from agent_core.messages import InboundEvent
from agent_core.ports import Answer
from bots.teams.adapter import TeamsChannel
from playground import people as sample
from playground.loopback import serving
from playground.teams_api import TeamsWorld, running


@dataclass
class RecordingReceiver:
    """Keeps every event, and answers what a test puts into `answer`."""

    events: list[InboundEvent] = field(default_factory=list)
    answer: Answer = field(default_factory=Answer)
    problem: Exception | None = None

    async def receive(self, event: InboundEvent) -> Answer:
        if self.problem is not None:
            raise self.problem
        self.events.append(event)
        return self.answer


@dataclass
class Stage:
    """Everything that one test talks to."""

    world: TeamsWorld
    channel: TeamsChannel
    receiver: RecordingReceiver
    endpoint: str
    http: ClientSession


def build_channel(world_url: str, receiver: RecordingReceiver, **changes: object) -> TeamsChannel:
    """The channel as configured for the sample world."""
    arguments: dict[str, object] = {
        "app_id": sample.TEAMS_APP_ID,
        "app_password": sample.TEAMS_APP_PASSWORD,
        "tenant_id": sample.TEAMS_TENANT_ID,
        "receiver": receiver,
        "openid_metadata_url": f"{world_url}/.well-known/openidconfiguration",
        "token_url": f"{world_url}/{{tenant}}/oauth2/v2.0/token",
        "development": True,
        "update_retry_delays": (0.0, 0.0),
    }
    return TeamsChannel(**{**arguments, **changes})  # type: ignore[arg-type]


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    """The sample world and our channel, joined over HTTP."""
    async with AsyncExitStack() as stack:
        receiver = RecordingReceiver()
        app = web.Application()
        late: list[TeamsChannel] = []

        async def handle(request: web.Request) -> web.StreamResponse:
            handler = late[0].routes()[0].handler
            return await handler(request)

        app.router.add_post("/api/messages", handle)
        base = await stack.enter_async_context(serving(app))
        endpoint = f"{base}/api/messages"
        world = TeamsWorld(messaging_endpoint=endpoint, patience_seconds=5, redeliveries=0)
        await stack.enter_async_context(running(world))
        channel = build_channel(world.base_url, receiver)
        stack.push_async_callback(channel.close)
        late.append(channel)
        http = await stack.enter_async_context(ClientSession())
        yield Stage(world=world, channel=channel, receiver=receiver, endpoint=endpoint, http=http)
