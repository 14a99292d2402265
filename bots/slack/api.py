"""Clients of Slack's Web API: one connection pool for all, and nothing sent twice."""

import logging
from typing import Final

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from bots.slack import limits

DEFAULT_URL: Final = "https://slack.com/api/"


def sdk_logger(name: str) -> logging.Logger:
    """A logger for the SDK with a level of its own.

    At DEBUG the SDK logs what is posted, and without a level it builds those lines on every call.
    """
    logger = logging.getLogger(name)
    if logger.level == logging.NOTSET:
        logger.setLevel(logging.WARNING)
    return logger


class SlackApi:
    """Makes and keeps one client a token, all on one session.

    The SDK's retries are off: it would repeat a `chat.postMessage` that was accepted before the
    connection broke. Delivery repeats, after looking the post up. A given `session` stays its
    owner's to close.
    """

    def __init__(
        self, *, url: str = DEFAULT_URL, session: aiohttp.ClientSession | None = None
    ) -> None:
        self.url = url if url.endswith("/") else url + "/"
        self._session = session
        self._owns_session = session is None
        self._clients: dict[str, AsyncWebClient] = {}

    @property
    def session(self) -> aiohttp.ClientSession:
        """The shared session, opened at first use. Needs a running loop."""
        if self._session is None or (self._owns_session and self._session.closed):
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=limits.CALL_SECONDS)
            )
            self._clients.clear()
        return self._session

    def client(self, token: str | None) -> AsyncWebClient:
        """The client of this token; None: for the calls that need none."""
        session = self.session
        key = token or ""
        if key not in self._clients:
            self._clients[key] = AsyncWebClient(
                token=token,
                base_url=self.url,
                session=session,
                retry_handlers=[],
                logger=sdk_logger("bots.slack.web"),
            )
        return self._clients[key]

    def forget(self, token: str) -> None:
        """Drops the client of a revoked token."""
        self._clients.pop(token, None)

    async def close(self) -> None:
        if self._owns_session and self._session is not None:
            await self._session.close()
        self._clients.clear()
