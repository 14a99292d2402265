"""What the tests of Slack's stand-in share: an app that listens, a client, a form, a button."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs

import pytest
from aiohttp import ClientSession, web
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.async_handler import AsyncRetryHandler
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web.async_client import AsyncWebClient

from playground import people
from playground.loopback import serving
from playground.slack_api.app import running
from playground.slack_api.state import SlackState
from playground.slack_api.world import SlackWorld

OLIVE, SAM, RITA = "U0OLIVE", "U0SAM", "U0RITA"
NORTH, SUPPORT = "C0NORTH", "C0SUPPORT"


class App:
    """An app's request URL: checks signatures as Slack's SDK does and keeps what arrived."""

    def __init__(self) -> None:
        self.verifier = SignatureVerifier(people.SLACK_SIGNING_SECRET)
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.answers: dict[str, Any] = {}
        self.statuses: list[int] = []
        self.held: asyncio.Event | None = None
        self.echo_challenge = False

    async def receive(self, request: web.Request) -> web.Response:
        text = await request.text()
        if not self.verifier.is_valid_request(text, dict(request.headers)):
            return web.Response(status=401)
        if request.content_type == "application/json":
            body = json.loads(text)
        else:
            fields = {name: values[0] for name, values in parse_qs(text).items()}
            body = json.loads(fields["payload"]) if "payload" in fields else fields
        self.bodies.append(body)
        self.headers.append(dict(request.headers))
        if self.held is not None:
            await self.held.wait()
        if self.statuses:
            return web.Response(status=self.statuses.pop(0))
        if self.echo_challenge and "challenge" in body:
            return web.Response(text=body["challenge"])
        answer = self.answers.get(body.get("type", "command"))
        return web.json_response(answer) if answer is not None else web.Response()

    def events(self, kind: str = "message") -> list[dict[str, Any]]:
        """The events of one type that arrived, in their envelopes."""
        return [b for b in self.bodies if b.get("event", {}).get("type") == kind]


class Wire:
    """A world, its address, the app it delivers to, and a client of its Web API."""

    def __init__(self, world: SlackWorld, app: App, address: str, session: ClientSession) -> None:
        self.world = world
        self.app = app
        self.address = address
        self.session = session
        self.client = self.client_with(people.SLACK_BOT_TOKEN)

    def client_with(self, token: str, *retries: AsyncRetryHandler) -> AsyncWebClient:
        """Slack's own client pointed here; the given retry handlers and no others."""
        return AsyncWebClient(
            token=token,
            base_url=f"{self.address}/api/",
            session=self.session,
            retry_handlers=list(retries),
        )

    async def order(self, name: str, **body: Any) -> tuple[int, dict[str, Any]]:
        """One control order over HTTP."""
        url = f"{self.address}/playground/slack/{name}"
        async with self.session.post(url, json=body) as answer:
            return answer.status, await answer.json()


@asynccontextmanager
async def wired(state: SlackState | None = None) -> AsyncIterator[Wire]:
    app = App()
    receiver = web.Application()
    receiver.router.add_post("/slack/events", app.receive)
    world = SlackWorld(retry_delays=(0.0, 0.0), state=state)
    async with (
        serving(receiver) as receiver_address,
        running(world) as address,
        ClientSession() as session,
    ):
        world.courier.request_url = f"{receiver_address}/slack/events"
        yield Wire(world, app, address, session)


class MovedClock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def button(action_id: str = "confirm", value: str = "p1") -> dict[str, Any]:
    return {
        "type": "actions",
        "block_id": "yes-no",
        "elements": [
            {
                "type": "button",
                "action_id": action_id,
                "value": value,
                "text": {"type": "plain_text", "text": "Confirm"},
            }
        ],
    }


def form(**more: Any) -> dict[str, Any]:
    return {
        "type": "modal",
        "callback_id": "reply",
        "private_metadata": "case-7",
        "title": {"type": "plain_text", "text": "Reply"},
        "submit": {"type": "plain_text", "text": "Send"},
        "blocks": [
            {
                "type": "input",
                "block_id": "answer",
                "label": {"type": "plain_text", "text": "Answer"},
                "element": {"type": "plain_text_input", "action_id": "text"},
            }
        ],
        **more,
    }


async def refused(call: Any) -> str:
    with pytest.raises(SlackApiError) as caught:
        await call
    return str(caught.value.response["error"])
