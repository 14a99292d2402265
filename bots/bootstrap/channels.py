"""The platforms that are set up, each with its way in and its way out."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from pydantic import SecretStr

from agent_core.messages import InboundEvent, Platform
from agent_core.ports import Answer, PostRemover, Receiver
from bots.configuration import Configuration
from bots.settings import Settings, is_loopback
from bots.slack.adapter import SlackChannel
from bots.teams.adapter import TeamsChannel


def plain(secret: SecretStr | None) -> str | None:
    """The secret's text; None where none is set."""
    return secret.get_secret_value() if secret else None


def slack_channel(settings: Settings, intake: Receiver) -> SlackChannel | None:
    """Slack's channel; None where it is not set up."""
    chosen = settings.slack
    if chosen is None:
        return None
    return SlackChannel(
        receiver=intake,
        signing_secret=plain(chosen.signing_secret) or "",
        bot_token=plain(chosen.bot_token),
        app_token=plain(chosen.app_token),
        api_url=chosen.api_url,
        client_id=chosen.client_id,
        client_secret=plain(chosen.client_secret),
        installation_database_url=settings.database_url.get_secret_value(),
    )


def teams_channel(
    settings: Settings, configuration: Configuration, intake: Receiver
) -> TeamsChannel | None:
    """Teams' channel; None where it is not set up."""
    chosen = settings.teams
    if chosen is None:
        return None
    return TeamsChannel(
        receiver=intake,
        app_id=chosen.app_id,
        app_password=plain(chosen.app_password) or "",
        tenant_id=chosen.tenant_id,
        app_type=chosen.app_type,
        openid_metadata_url=chosen.openid_metadata_url,
        token_url=chosen.token_url,
        allowed_tenants=configuration.tenants.get(Platform.TEAMS, frozenset()),
        # A local stand-in signs its own tokens and has a local service URL.
        development=is_loopback(urlsplit(chosen.openid_metadata_url).hostname or ""),
        auth_off=not chosen.verify,
    )


class _Nobody:
    """The receiver of a channel that only goes out."""

    async def receive(self, event: InboundEvent) -> Answer:
        raise AssertionError("nothing comes in here")


@asynccontextmanager
async def opened_removers(
    settings: Settings, configuration: Configuration
) -> AsyncIterator[Mapping[Platform, PostRemover]]:
    """The way out to each platform that is set up, to take posts back."""
    removers: dict[Platform, PostRemover] = {}
    slack = slack_channel(settings, _Nobody())
    teams = teams_channel(settings, configuration, _Nobody())
    if slack is not None:
        removers[Platform.SLACK] = slack.sender
    if teams is not None:
        removers[Platform.TEAMS] = teams.sender
    try:
        yield removers
    finally:
        if slack is not None:
            await slack.stop()
        if teams is not None:
            await teams.close()
