"""Puts the Slack adapter together from plain settings: doors in, the sender out."""

from datetime import UTC, datetime

import aiohttp
from aiohttp import web

from agent_core.errors import ConfigurationError, NotPermitted
from agent_core.messages import RoomRef
from agent_core.ports import Clock, Receiver
from bots.slack.answers import Answers
from bots.slack.api import DEFAULT_URL, SlackApi
from bots.slack.chain import build_app
from bots.slack.identity import RoomDetails
from bots.slack.install import SingleWorkspace, Workspaces, installed_workspaces
from bots.slack.oauth import AUTHORIZE_URL, SlackInstaller
from bots.slack.sender import SlackSender
from bots.slack.socket import SlackSocket
from bots.slack.webhook import SlackWebhook


class SystemClock:
    """The machine's time, in UTC."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class SlackChannel:
    """Everything that the service needs of Slack.

    With `bot_token` the app lives in that token's workspace; without, in every workspace that
    installs it (`client_id`, `client_secret` and `installation_database_url` are needed then).
    `token_secret` seals stored tokens; the signing secret, or else the client secret, stands in.
    Without `signing_secret` there is no door for events: they come over the socket alone.
    Raises ConfigurationError that lists everything missing.
    """

    def __init__(
        self,
        *,
        receiver: Receiver,
        signing_secret: str,
        bot_token: str | None = None,
        app_token: str | None = None,
        api_url: str = DEFAULT_URL,
        client_id: str | None = None,
        client_secret: str | None = None,
        installation_database_url: str | None = None,
        token_secret: str | None = None,
        public_url: str | None = None,
        authorize_url: str = AUTHORIZE_URL,
        session: aiohttp.ClientSession | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._api = SlackApi(url=api_url, session=session)
        self._installer: SlackInstaller | None = None
        if bot_token:
            workspaces: Workspaces = SingleWorkspace(self._api, bot_token)
        else:
            _check(client_id, client_secret, installation_database_url)
            sealing = token_secret or signing_secret or client_secret or ""
            installed = installed_workspaces(
                database_url=installation_database_url or "",
                client_id=client_id or "",
                secret=sealing,
                api=self._api,
            )
            workspaces = installed
            self._installer = SlackInstaller(
                api=self._api,
                workspaces=installed,
                client_id=client_id or "",
                client_secret=client_secret or "",
                secret=sealing,
                public_url=public_url,
                authorize_url=authorize_url,
            )
        self._workspaces = workspaces
        self._sender = SlackSender(self._api, workspaces)
        self._answers = Answers(self._sender)
        app = build_app(
            api=self._api,
            workspaces=workspaces,
            receiver=receiver,
            answers=self._answers,
            clock=clock or SystemClock(),
            signing_secret=signing_secret,
        )
        # With an empty secret anybody could sign.
        self._webhook = SlackWebhook(app, signing_secret=signing_secret) if signing_secret else None
        self._socket = SlackSocket(app, self._api, app_token) if app_token else None

    @property
    def sender(self) -> SlackSender:
        """The way out: `ports.PlatformAdapter`."""
        return self._sender

    def routes(self) -> list[web.RouteDef]:
        """`POST /slack/events`, and the two install pages where the app is installed by OAuth."""
        doors = [door for door in (self._webhook, self._installer) if door is not None]
        return [route for door in doors for route in door.routes()]

    async def team_id(self) -> str | None:
        """The workspace of the bot token; None where there are many. Raises PlatformError."""
        if isinstance(self._workspaces, SingleWorkspace):
            return (await self._workspaces.ours()).team_id
        return None

    async def installed(self, team_id: str) -> bool:
        """Whether the app is (again) installed there. Raises PlatformError where Slack is away."""
        try:
            return await self._workspaces.get(team_id) is not None
        except NotPermitted:
            return False

    async def describe(self, room: RoomRef) -> RoomDetails:
        """A channel's name and which workspaces are in it. Raises PlatformError."""
        return await self._sender.describe(room)

    async def start_socket(self) -> bool:
        """Connects Socket Mode; False where there is no app token. Raises PlatformError."""
        if self._socket is None:
            return False
        await self._socket.start()
        return True

    @property
    def uses_socket(self) -> bool:
        """Whether Socket Mode is set up."""
        return self._socket is not None

    async def hears(self) -> bool:
        """Whether Socket Mode is connected; True where it is not used."""
        return self._socket is None or await self._socket.is_connected()

    async def stop(self) -> None:
        """Closes the socket and every connection."""
        if self._socket is not None:
            await self._socket.stop()
        await self._answers.close()
        await self._sender.close()


def _check(
    client_id: str | None, client_secret: str | None, installation_database_url: str | None
) -> None:
    needed = {
        "SLACK_CLIENT_ID": client_id,
        "SLACK_CLIENT_SECRET": client_secret,
        "a database URL for installations": installation_database_url,
    }
    missing = [name for name, value in needed.items() if not value]
    if missing:
        raise ConfigurationError(
            [f"Slack: set SLACK_BOT_TOKEN (one workspace), or {name} too" for name in missing]
        )
