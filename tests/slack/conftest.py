"""The adapter in front of the playground's Slack, over real HTTP."""

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from slack_sdk.signature import SignatureVerifier

from bots.slack.adapter import SlackChannel
from playground import people
from playground.slack_api.app import running
from playground.slack_api.world import SlackWorld
from tests.slack.recording_receiver import RecordingReceiver


@dataclass(slots=True, kw_only=True)
class House:
    """Slack's stand-in, our adapter behind a server, and what reached the core."""

    world: SlackWorld
    channel: SlackChannel
    receiver: RecordingReceiver
    url: str
    session: ClientSession

    async def post(
        self, body: str, content_type: str = "application/json", **headers: str
    ) -> tuple[int, str]:
        """A request signed as Slack signs; `headers` replace or, when empty, remove."""
        timestamp = headers.pop("timestamp", str(int(time.time())))
        signature = SignatureVerifier(people.SLACK_SIGNING_SECRET).generate_signature(
            timestamp=timestamp, body=body
        )
        sent = {
            "Content-Type": content_type,
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": signature or "",
        } | headers
        kept = {name: value for name, value in sent.items() if value}
        async with self.session.post(self.url, data=body.encode(), headers=kept) as answer:
            return answer.status, await answer.text()


@pytest.fixture
async def world() -> AsyncIterator[tuple[SlackWorld, str]]:
    subject = SlackWorld(retry_delays=(0.0,))
    async with running(subject) as address:
        yield subject, f"{address}/api/"


@pytest.fixture
async def house(world: tuple[SlackWorld, str]) -> AsyncIterator[House]:
    slack, api_url = world
    receiver = RecordingReceiver()
    channel = SlackChannel(
        receiver=receiver,
        signing_secret=people.SLACK_SIGNING_SECRET,
        bot_token=people.SLACK_BOT_TOKEN,
        app_token=people.SLACK_APP_TOKEN,
        api_url=api_url,
    )
    app = web.Application()
    app.add_routes(channel.routes())
    async with TestServer(app) as server, ClientSession() as session:
        url = str(server.make_url("/slack/events"))
        slack.courier.request_url = url
        yield House(world=slack, channel=channel, receiver=receiver, url=url, session=session)
        await slack.settled()
        await channel.stop()
