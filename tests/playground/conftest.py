"""Fixtures: the Teams world behind a server, a bot that listens, and the page with all of it."""

from collections.abc import AsyncIterator

import pytest

from playground import people as sample
from playground.teams_api import TeamsWorld, running
from tests.playground.page_town import Town, built
from tests.playground.recording_bot import RecordingBot


@pytest.fixture
async def bot() -> AsyncIterator[RecordingBot]:
    """A Teams bot that listens."""
    listening = RecordingBot(sample.TEAMS_APP_ID)
    await listening.start()
    yield listening
    await listening.stop()


@pytest.fixture
async def world(bot: RecordingBot) -> AsyncIterator[TeamsWorld]:
    """The sample Teams world behind a real server, delivering to the bot."""
    made = TeamsWorld(messaging_endpoint=bot.endpoint)
    async with running(made) as address:
        bot.metadata_url = f"{address}/.well-known/openidconfiguration"
        yield made


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    """The page with both stand-ins, the support channel in Slack, and a bot that listens."""
    async with built() as everything:
        yield everything
