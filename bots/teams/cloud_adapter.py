"""The Bot Framework's CloudAdapter with its faults mended: the transport of every turn.

Mended: invoke bodies go out as plain JSON; bad tokens and bodies are told apart; keys and tokens
are fetched asynchronously and kept; one aiohttp session sends everything, and no client is built
per turn; entities keep all of their fields, as activities are sent as plain dicts.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from botbuilder.core import InvokeResponse, TurnContext
from botbuilder.integration.aiohttp import CloudAdapter
from botbuilder.schema import (
    Activity,
    ActivityTypes,
    ChannelAccount,
    ConversationAccount,
    ConversationParameters,
    ConversationReference,
)
from botframework.connector.auth import (
    AuthenticateRequestResult,
    AuthenticationConstants,
    BotFrameworkAuthentication,
    ClaimsIdentity,
    ConnectorFactory,
)

from bots.teams.activity import IncomingActivity
from bots.teams.auth import CONNECTOR_SCOPE, ConnectorTokens
from bots.teams.connector import SessionConnectorFactory
from bots.teams.wire import Json

Turn = Callable[[TurnContext], Awaitable[None]]


class ConnectorAuthentication(BotFrameworkAuthentication):
    """Our verification and our connector factory in the Bot Framework's place for them.

    `inbound` None: deliveries are not verified, for use on a loopback address only.
    """

    def __init__(self, inbound: ConnectorTokens | None, factory: SessionConnectorFactory) -> None:
        self._inbound = inbound
        self._factory = factory

    async def admit(self, authorization: str | None) -> None:
        """Whether the token may be the Connector's, before its activity is read.

        Raises TokenRejected or KeysUnavailable.
        """
        if self._inbound is not None:
            await self._inbound.prove(authorization)

    async def authenticate_request(
        self, activity: Activity, auth_header: str
    ) -> AuthenticateRequestResult:
        """Raises TokenRejected."""
        claims: Mapping[str, Any] = {}
        if self._inbound is not None:
            claims = await self._inbound.verify(
                auth_header, channel_id=activity.channel_id, service_url=activity.service_url
            )
        result = AuthenticateRequestResult()
        result.claims_identity = ClaimsIdentity(dict(claims), True)
        result.audience = CONNECTOR_SCOPE
        result.connector_factory = self._factory
        return result

    async def authenticate_streaming_request(
        self, auth_header: str, channel_id_header: str
    ) -> AuthenticateRequestResult:
        """Not offered: Teams delivers over HTTP."""
        raise PermissionError("streaming connections are not offered")

    def create_connector_factory(self, claims_identity: ClaimsIdentity) -> ConnectorFactory:
        return self._factory

    async def create_user_token_client(self, claims_identity: ClaimsIdentity) -> None:
        """None: the agent signs nobody in, and the stock client is costly to build."""
        return


class TeamsCloudAdapter(CloudAdapter):
    """CloudAdapter whose turns are cheap and whose refusals are true."""

    def __init__(self, authentication: ConnectorAuthentication, *, app_id: str) -> None:
        super().__init__(authentication)
        self._app_id = app_id
        self._admission = authentication

    async def admit(self, authorization: str | None) -> None:
        """Raises TokenRejected or KeysUnavailable where nobody is let in with this token."""
        await self._admission.admit(authorization)

    async def authenticate(
        self, incoming: IncomingActivity, authorization: str | None
    ) -> AuthenticateRequestResult:
        """Raises TokenRejected or KeysUnavailable."""
        return await self.bot_framework_authentication.authenticate_request(
            turn_activity(incoming), authorization or ""
        )

    async def take(
        self, incoming: IncomingActivity, who: AuthenticateRequestResult, turn: Turn
    ) -> InvokeResponse | None:
        """Runs one inbound turn; the invoke's answer, if there is one."""
        response: InvokeResponse | None = await self.process_activity(
            who, turn_activity(incoming), turn
        )
        return response

    async def in_conversation(self, service_url: str, conversation_id: str, turn: Turn) -> None:
        """Runs a turn that we begin, in a conversation that exists."""
        own = ChannelAccount(id=f"28:{self._app_id}")
        reference = ConversationReference(
            channel_id="msteams",
            service_url=service_url,
            conversation=ConversationAccount(id=conversation_id),
            bot=own,
            user=ChannelAccount(),
        )

        async def posting(context: TurnContext) -> None:
            context.activity.id = None  # else every post becomes a reply to an event that is none
            await turn(context)

        await self.continue_conversation(reference, posting, self._app_id)

    async def open_conversation(
        self, service_url: str, parameters: ConversationParameters
    ) -> tuple[str, str]:
        """Opens a thread or a chat; (conversation id, id of its first activity or "")."""
        opened: list[tuple[str, str]] = []

        async def noting(context: TurnContext) -> None:
            made = context.activity
            opened.append((made.conversation.id, made.id if parameters.activity else ""))

        await self.create_conversation(
            self._app_id, noting, parameters, "msteams", service_url, CONNECTOR_SCOPE
        )
        return opened[0]

    def create_claims_identity(self, bot_app_id: str = "") -> ClaimsIdentity:
        claims = {
            AuthenticationConstants.AUDIENCE_CLAIM: bot_app_id,
            AuthenticationConstants.APP_ID_CLAIM: bot_app_id,
        }
        return ClaimsIdentity(claims, True)


def turn_activity(incoming: IncomingActivity) -> Activity:
    """What the turn context needs of an activity, without a second walk through its fields."""
    return Activity(
        type=incoming.type,
        id=incoming.id or None,
        timestamp=incoming.timestamp,
        channel_id=incoming.channel_id,
        service_url=incoming.service_url,
        name=incoming.name or None,
        from_property=ChannelAccount(id=incoming.from_.id, name=incoming.from_.name),
        recipient=ChannelAccount(id=incoming.recipient.id, name=incoming.recipient.name),
        conversation=ConversationAccount(
            id=incoming.conversation.id, conversation_type=incoming.conversation.conversation_type
        ),
    )


def invoke_answer(body: Json, status: int = 200) -> Activity:
    """The activity that a turn sends as its invoke response; the body goes out as it is."""
    value = InvokeResponse(status=status, body=body)
    return Activity(type=ActivityTypes.invoke_response, value=value)
