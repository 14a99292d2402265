"""Socket Mode: the same payloads over an outgoing connection, when there is no public address."""

import logging
import re

from aiohttp import ClientError
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp

from agent_core.errors import PlatformUnavailable
from bots.slack.api import SlackApi, sdk_logger
from bots.slack.errors import translated

_log = logging.getLogger(__name__)


class SlackSocket:
    """One Socket Mode connection. The client reconnects on its own once it is started."""

    def __init__(self, app: AsyncApp, api: SlackApi, app_token: str) -> None:
        self._app = app
        self._api = api
        self._token = app_token
        self._handler: AsyncSocketModeHandler | None = None

    def handler(self) -> AsyncSocketModeHandler:
        """A client that is not connected yet."""
        return AsyncSocketModeHandler(
            self._app,
            self._token,
            logger=_client_logger(),
            web_client=self._api.client(self._token),
        )

    async def start(self) -> None:
        """Connects. Raises PlatformError where Slack refuses or cannot be reached."""
        if self._handler is not None:
            return
        handler = self.handler()
        try:
            async with translated("apps.connections.open"):
                await handler.connect_async()  # type: ignore[no-untyped-call]
        except ClientError as error:
            kind = type(error).__name__  # its text holds the address, with a ticket
            raise PlatformUnavailable(f"Socket Mode did not connect: {kind}") from error
        self._handler = handler
        _log.info("slack socket mode connected")

    async def is_connected(self) -> bool:
        """Whether Slack is heard now. The client connects again by itself."""
        return self._handler is not None and await self._handler.client.is_connected()

    async def stop(self) -> None:
        if self._handler is not None:
            await self._handler.close_async()  # type: ignore[no-untyped-call]
            self._handler = None


class _FirstWords(logging.Filter):
    """Leaves what failed; what follows in the client's lines are messages, errors and addresses."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = re.split(r"[(:]", record.getMessage())[0].strip(), ()
        return True


_first_words = _FirstWords()


def _client_logger() -> logging.Logger:
    logger = sdk_logger("bots.slack.socket.client")
    logger.addFilter(_first_words)  # once, however often it is added
    return logger
