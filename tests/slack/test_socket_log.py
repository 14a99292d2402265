"""What Socket Mode's client says in the log: never what was sent, nor where with which ticket."""

import logging

import pytest
from slack_bolt.async_app import AsyncApp

from bots.slack.api import SlackApi
from bots.slack.socket import SlackSocket


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
