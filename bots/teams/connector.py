"""The Connector's operations over one shared aiohttp session, and the factory that makes them."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import aiohttp
from botbuilder.schema import (
    Activity,
    ActivityTypes,
    ChannelAccount,
    ConversationParameters,
    ConversationResourceResponse,
    ResourceResponse,
)
from botframework.connector.auth import ConnectorFactory

from agent_core.errors import PlatformUnavailable
from bots.teams.auth import AccessTokens
from bots.teams.errors import refusal
from bots.teams.limits import REQUEST_SECONDS
from bots.teams.wire import Json

_REPEATABLE = frozenset({502, 503, 504})


class WireActivity(Activity):
    """An outgoing activity that is sent as the dict it carries, field by field."""

    def __init__(self, wire: Json) -> None:
        super().__init__(type=wire.get("type", ActivityTypes.message))
        self.wire = wire

    def __deepcopy__(self, memo: dict[int, Any]) -> "WireActivity":
        # The turn context copies what it sends; the dict itself is never changed.
        return WireActivity(self.wire)


class Conversations:
    """The Connector's conversation operations over one shared session."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        tokens: AccessTokens | None,
        service_url: str,
        retry_delays: Sequence[float],
    ) -> None:
        self._session = session
        self._tokens = tokens
        self._base = f"{service_url.rstrip('/')}/v3/conversations"
        self._delays = retry_delays
        self._timeout = aiohttp.ClientTimeout(total=REQUEST_SECONDS)

    async def send_to_conversation(
        self, conversation_id: str, activity: Activity
    ) -> ResourceResponse:
        """Posts. Raises PlatformError; never sent twice."""
        answer = await self._call("POST", f"{_path(conversation_id)}/activities", _wire(activity))
        return ResourceResponse(id=str(answer.get("id") or ""))

    async def reply_to_activity(
        self, conversation_id: str, activity_id: str, activity: Activity
    ) -> ResourceResponse:
        """Posts as an answer to an activity."""
        path = f"{_path(conversation_id)}/activities/{quote(activity_id, safe='')}"
        answer = await self._call("POST", path, _wire(activity))
        return ResourceResponse(id=str(answer.get("id") or ""))

    async def update_activity(
        self, conversation_id: str, activity_id: str, activity: Activity
    ) -> ResourceResponse:
        """Replaces a post; tried again where the service stumbles."""
        path = f"{_path(conversation_id)}/activities/{quote(activity_id, safe='')}"
        answer = await self._call("PUT", path, _wire(activity))
        return ResourceResponse(id=str(answer.get("id") or activity_id))

    async def delete_activity(self, conversation_id: str, activity_id: str) -> None:
        """Takes a post back; tried again where the service stumbles."""
        path = f"{_path(conversation_id)}/activities/{quote(activity_id, safe='')}"
        await self._call("DELETE", path, None)

    async def create_conversation(
        self, parameters: ConversationParameters
    ) -> ConversationResourceResponse:
        """A new channel thread, or the chat with one person."""
        body: Json = {
            "isGroup": bool(parameters.is_group),
            "bot": {"id": parameters.bot.id},
            "channelData": parameters.channel_data,
            "tenantId": parameters.tenant_id,
        }
        if parameters.members:
            body["members"] = [{"id": member.id} for member in parameters.members]
        if parameters.activity is not None:
            body["activity"] = _wire(parameters.activity)
        answer = await self._call("POST", "", body)
        return ConversationResourceResponse(
            id=str(answer.get("id") or ""), activity_id=answer.get("activityId")
        )

    async def get_conversation_member(self, conversation_id: str, member_id: str) -> ChannelAccount:
        """One person of a room, by either of their ids."""
        path = f"{_path(conversation_id)}/members/{quote(member_id, safe='')}"
        answer = await self._call("GET", path, None)
        return ChannelAccount(
            id=answer.get("id"),
            name=answer.get("name"),
            aad_object_id=answer.get("aadObjectId") or answer.get("objectId"),
        )

    async def _call(self, verb: str, path: str, body: Json | None) -> Json:
        repeatable = verb in ("PUT", "DELETE", "GET")
        delays = list(self._delays) if repeatable else []
        while True:
            status, answer, headers = await self._authorised(verb, path, body)
            if status < 300:
                return answer
            if not delays or status not in _REPEATABLE:
                raise refusal(status, _code(answer), headers, changes_nothing=repeatable)
            await asyncio.sleep(delays.pop(0))

    async def _authorised(
        self, verb: str, path: str, body: Json | None
    ) -> tuple[int, Json, Mapping[str, str]]:
        token = await self._token()
        outcome = await self._once(verb, path, body, token)
        if outcome[0] == 401 and token and self._tokens is not None:
            # Refused before anything was done, so that a new token may be tried.
            self._tokens.forget(token)
            outcome = await self._once(verb, path, body, await self._token())
        return outcome

    async def _token(self) -> str:
        return await self._tokens.get() if self._tokens is not None else ""

    async def _once(
        self, verb: str, path: str, body: Json | None, token: str
    ) -> tuple[int, Json, Mapping[str, str]]:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            async with self._session.request(
                verb,
                self._base + path,
                json=body,
                headers=headers,
                timeout=self._timeout,
                allow_redirects=False,  # a token goes to no other place than the one checked
            ) as response:
                return response.status, await _decoded(response), response.headers
        except aiohttp.ClientConnectorError:
            raise PlatformUnavailable("Teams cannot be reached", maybe_accepted=False) from None
        except (aiohttp.ClientError, TimeoutError):
            # Cut off after the request went out: it may have been carried out.
            maybe = verb == "POST"
            raise PlatformUnavailable("Teams gave no answer", maybe_accepted=maybe) from None


class Connector:
    """What the Bot Framework calls a connector client."""

    def __init__(self, conversations: Conversations) -> None:
        self.conversations = conversations


class SessionConnectorFactory(ConnectorFactory):
    """Makes connectors over one session; each costs two small objects."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        tokens: AccessTokens | None,
        retry_delays: Sequence[float],
    ) -> None:
        self._session = session
        self._tokens = tokens
        self._delays = retry_delays

    async def create(self, service_url: str, audience: str | None = None) -> Connector:
        """A connector for one service URL. Whoever calls has checked the URL."""
        return Connector(Conversations(self._session, self._tokens, service_url, self._delays))


def _path(conversation_id: str) -> str:
    return f"/{quote(conversation_id, safe='')}"


def _wire(activity: Activity) -> Json:
    if isinstance(activity, WireActivity):
        return activity.wire
    serialized: Json = activity.serialize()
    return serialized


async def _decoded(response: aiohttp.ClientResponse) -> Json:
    try:
        decoded = await response.json(content_type=None)
    except (ValueError, aiohttp.ContentTypeError):
        return {}
    return decoded if isinstance(decoded, dict) else {}


def _code(answer: Json) -> str:
    error = answer.get("error")
    code = error.get("code") if isinstance(error, dict) else None
    return str(code)[:80] if code else ""
