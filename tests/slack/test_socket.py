"""Socket Mode: whether it hears, and what its client says in the log."""

import logging

import pytest
from slack_bolt.async_app import AsyncApp

from bots.sight.checks import socket_check
from bots.sight.readiness import Readiness
from bots.slack.api import SlackApi
from bots.slack.socket import SlackSocket
from tests.slack.conftest import House


async def test_the_client_tells_what_failed_and_nothing_of_what_it_carried(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    api = SlackApi()
    socket = SlackSocket(AsyncApp(signing_secret="x", token="xoxb-1"), api, "xapp-1")
    client = socket.handler().client
    said = client.logger
    said.debug('Received message (type: TEXT, data: {"text": "Ottilie"})')
    said.error("Failed to connect (error: 401, url='wss://slack.test/?ticket=t1ck'); Retrying...")
    said.error("Failed to process a message: Ottilie, session: s_1")
    await client.aiohttp_client_session.close()
    await api.close()
    assert [record.getMessage() for record in caplog.records] == [
        "Failed to connect",
        "Failed to process a message",
    ]
    assert "Ottilie" not in caplog.text and "t1ck" not in caplog.text


async def test_a_socket_that_is_cut_off_is_told_by_readyz(house: House) -> None:
    house.world.courier.request_url = None
    assert await house.channel.start_socket()
    check = socket_check(house.channel.hears)
    assert (await Readiness([check]).report()).degraded == ()
    assert house.channel._socket is not None and house.channel._socket._handler is not None
    session = house.channel._socket._handler.client.current_session
    assert session is not None
    await session.close()
    (told,) = (await Readiness([check]).report()).degraded
    assert "Nothing is heard from Slack" in told
