"""Whether the platforms still take our credentials: asked rarely, and beside the question."""

from collections.abc import Iterator
from typing import Final

import aiohttp

from agent_core.errors import PlatformError, PlatformUnavailable, RateLimited
from bots.settings import SlackSettings, TeamsSettings
from bots.sight.readiness import Check, Look
from bots.slack.check import SlackCheck
from bots.teams.auth import AccessTokens

EVERY_SECONDS: Final = 300.0
_SLACK: Final = "Slack refuses the bot token: install the app again and set SLACK_BOT_TOKEN."
_TEAMS: Final = (
    "Microsoft gives the bot no token: see that its client secret has not expired, and set "
    "MICROSOFT_APP_PASSWORD."
)


def platform_checks(slack: SlackSettings | None, teams: TeamsSettings | None) -> Iterator[Check]:
    """A check for each platform whose credentials are ours to ask about."""
    if slack is not None and slack.bot_token is not None:
        yield _check("Slack", _slack_look(slack))
    if teams is not None and teams.app_id and teams.app_password is not None:
        yield _check("Teams", _teams_look(teams))


def _check(name: str, look: Look) -> Check:
    return Check(
        name=name,
        look=look,
        unanswered=f"{name} does not answer: replies wait, and are sent when it is back.",
        every_seconds=EVERY_SECONDS,
        waits=False,
    )


def _slack_look(slack: SlackSettings) -> Look:
    token = slack.bot_token.get_secret_value() if slack.bot_token else ""

    async def look() -> str | None:
        async with SlackCheck(token, url=slack.api_url) as check:
            try:
                await check.workspace()
            except (PlatformUnavailable, RateLimited):
                raise
            except PlatformError:
                return _SLACK
        return None

    return look


def _teams_look(teams: TeamsSettings) -> Look:
    password = teams.app_password.get_secret_value() if teams.app_password else ""

    async def look() -> str | None:
        async with aiohttp.ClientSession() as session:
            tokens = AccessTokens(
                session, token_url=teams.token_url, app_id=teams.app_id, app_password=password
            )
            try:
                await tokens.get()
            except (PlatformUnavailable, RateLimited):
                raise
            except PlatformError:
                return _TEAMS
        return None

    return look
