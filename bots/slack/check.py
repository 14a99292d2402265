"""Asks Slack about a token and a channel, for the command line: nothing is posted."""

from types import TracebackType
from typing import Self

from bots.slack.api import SlackApi
from bots.slack.identity import RoomDetails, Workspace, describe_room
from bots.slack.install import SingleWorkspace


class SlackCheck:
    """A short connection with one bot token. Every method raises PlatformError."""

    def __init__(self, bot_token: str, *, url: str) -> None:
        self._token = bot_token
        self._api = SlackApi(url=url)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._api.close()

    async def workspace(self) -> Workspace:
        """The workspace that the token belongs to (`auth.test`)."""
        return await SingleWorkspace(self._api, self._token).ours()

    async def room(self, channel_id: str) -> RoomDetails:
        """What the channel is (`conversations.info`)."""
        return await describe_room(self._api.client(self._token), channel_id)
