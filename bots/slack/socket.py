"""Socket Mode: the same payloads over an outgoing connection, when there is no public address."""

import logging

from aiohttp import ClientError
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp

from agent_core.errors import PlatformUnavailable
from bots.slack.api import SlackApi
from bots.slack.errors import translated

_log = logging.getLogger(__name__)


class SlackSocket:
    """One Socket Mode connection. The client reconnects on its own once it is started."""

    def __init__(self, app: AsyncApp, api: SlackApi, app_token: str) -> None:
        self._app = app
        self._api = api
        self._token = app_token
        self._handler: AsyncSocketModeHandler | None = None

    async def start(self) -> None:
        """Connects. Raises PlatformError where Slack refuses or cannot be reached."""
        if self._handler is not None:
            return
        handler = AsyncSocketModeHandler(
            self._app,
            self._token,
            logger=logging.getLogger("bots.slack.socket"),
            web_client=self._api.client(self._token),
        )
        try:
            async with translated("apps.connections.open"):
                await handler.connect_async()  # type: ignore[no-untyped-call]
        except ClientError as error:
            raise PlatformUnavailable(f"Socket Mode did not connect: {error}") from error
        self._handler = handler
        _log.info("slack socket mode connected")

    async def stop(self) -> None:
        if self._handler is not None:
            await self._handler.close_async()  # type: ignore[no-untyped-call]
            self._handler = None
