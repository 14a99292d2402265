"""Posts and updates in Teams: the platform's way out. All I/O goes through the cloud adapter."""

from collections import OrderedDict
from dataclasses import dataclass, replace

from botbuilder.core import TurnContext
from botbuilder.schema import ChannelAccount, ConversationParameters

from agent_core.errors import NotPermitted, PlatformUnavailable
from agent_core.messages import (
    MessageRef,
    OutboundMessage,
    OutgoingId,
    Platform,
    PlatformIdentity,
    Posted,
    ReplyAddress,
    RoomRef,
)
from bots.teams import identity, limits
from bots.teams.cloud_adapter import TeamsCloudAdapter
from bots.teams.connector import WireActivity
from bots.teams.render import render
from bots.teams.wire import Json

_REMEMBERED = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePlaces:
    """Which service URLs the agent may talk to, and which one where none is known yet."""

    hosts: tuple[str, ...] = limits.KNOWN_SERVICE_HOSTS
    default_url: str = limits.DEFAULT_SERVICE_URL
    development: bool = False

    def allows(self, url: str) -> bool:
        """Whether a token may be shown to this service."""
        return limits.is_known_service(url, self.hosts, development=self.development)


class TeamsSender:
    """Implements `PlatformAdapter`. Posts are never repeated here; delivery decides that."""

    def __init__(self, adapter: TeamsCloudAdapter, places: ServicePlaces, *, app_id: str) -> None:
        self._adapter = adapter
        self._places = places
        self._bot = ChannelAccount(id=identity.bot_id(app_id))
        self._service_urls: dict[str, str] = {}  # by tenant, as the last delivery named it
        self._progress: OrderedDict[OutgoingId, Posted] = OrderedDict()
        self._parts_done: dict[OutgoingId, int] = {}

    @property
    def platform(self) -> Platform:
        return Platform.TEAMS

    @property
    def can_look_up(self) -> bool:
        return False

    @property
    def can_look_up_private(self) -> bool:
        return False

    def learn(self, tenant_id: str, service_url: str) -> None:
        """A verified delivery came from this service URL: it serves the tenant's other rooms."""
        self._service_urls[tenant_id] = service_url

    async def post(
        self, address: ReplyAddress, message: OutboundMessage, outgoing_id: OutgoingId
    ) -> Posted:
        """Posts every part. `message` of the answer is the last part, which bears the buttons.

        Raises PlatformError. After one, a further call goes on with the part that failed.
        """
        activities = render(message)
        posted = self._progress.get(outgoing_id)
        for activity in activities[self._parts_done.get(outgoing_id, 0) :]:
            if posted is not None:
                posted = await self._send(posted.address, activity)
            else:
                posted = await self._first(address, message.private_to, activity)
            self._note(outgoing_id, posted)
        self._forget(outgoing_id)
        if posted is None:
            raise NotPermitted("a message without parts cannot be posted")
        return posted

    async def update(
        self, address: ReplyAddress, posted: MessageRef, message: OutboundMessage
    ) -> None:
        """Replaces the part that bears the buttons. Raises PlatformError."""
        activity = WireActivity({**render(message)[-1], "id": posted.message_id})
        activity.id = posted.message_id
        thread = address.thread_id if posted.room == address.room else None
        where = replace(address, room=posted.room, thread_id=thread)

        async def turn(context: TurnContext) -> None:
            await context.update_activity(activity)

        await self._adapter.in_conversation(
            self._service_url(address), identity.conversation_id(where), turn
        )

    async def remove(
        self,
        address: ReplyAddress,
        posted: MessageRef,
        message: OutboundMessage,
        outgoing_id: OutgoingId,
    ) -> int:
        """`ports.PostRemover`. Of a message in several parts only the last one's id is known."""
        thread = address.thread_id if posted.room == address.room else None
        where = replace(address, room=posted.room, thread_id=thread)

        async def turn(context: TurnContext) -> None:
            await context.delete_activity(posted.message_id)

        await self._adapter.in_conversation(
            self._service_url(address), identity.conversation_id(where), turn
        )
        return len(render(message)) - 1

    async def find(self, address: ReplyAddress, outgoing_id: OutgoingId) -> Posted | None:
        """None: the Connector has no way to search."""
        return None

    async def close(self) -> None:
        """Nothing to close: the session belongs to whoever built the channel."""

    # --- the three ways to post ---------------------------------------------------------------

    async def _first(
        self, address: ReplyAddress, private_to: PlatformIdentity | None, activity: Json
    ) -> Posted:
        if private_to is not None:
            return await self._send(await self._private(address, private_to), activity)
        kind = address.delivery.get(identity.CONVERSATION_TYPE, "")
        if not address.thread_id and identity.is_channel(address.room, kind):
            return await self._new_thread(address, activity)
        return await self._send(address, activity)

    async def _send(self, address: ReplyAddress, activity: Json) -> Posted:
        sent: list[str] = []

        async def turn(context: TurnContext) -> None:
            response = await context.send_activity(WireActivity(activity))
            sent.append(_named(response.id if response is not None else ""))

        await self._adapter.in_conversation(
            self._service_url(address), identity.conversation_id(address), turn
        )
        return self._posted(address, address.thread_id or "", sent[0])

    async def _new_thread(self, address: ReplyAddress, activity: Json) -> Posted:
        room = address.room
        parameters = ConversationParameters(
            is_group=True,
            bot=self._bot,
            activity=WireActivity(activity),
            channel_data={"channel": {"id": room.room_id}, "tenant": {"id": room.tenant_id}},
            tenant_id=room.tenant_id,
        )
        conversation_id, activity_id = await self._adapter.open_conversation(
            self._service_url(address), parameters
        )
        root = _named(identity.thread_of(conversation_id))
        return self._posted(address, root, activity_id if activity_id.isdigit() else root)

    async def _private(self, address: ReplyAddress, person: PlatformIdentity) -> ReplyAddress:
        """The chat with one person. Asking for it twice gives the same chat."""
        service_url = self._service_url(address)
        # The tenant in which the app is installed: a guest's own one knows nothing of it.
        tenant_id = address.room.tenant_id
        parameters = ConversationParameters(
            is_group=False,
            bot=self._bot,
            members=[ChannelAccount(id=person.user_id)],
            channel_data={"tenant": {"id": tenant_id}},
            tenant_id=tenant_id,
        )
        conversation_id, _ = await self._adapter.open_conversation(service_url, parameters)
        return identity.reply_address(
            identity.room_ref(tenant_id, conversation_id),
            "",
            service_url=service_url,
            conversation_type=identity.PERSONAL,
            own_id=self._bot.id,
        )

    def _posted(self, address: ReplyAddress, thread_id: str, message_id: str) -> Posted:
        delivery = {**address.delivery, identity.SERVICE_URL: self._service_url(address)}
        return Posted(
            message=MessageRef(room=address.room, message_id=message_id),
            thread=identity.thread_ref(address.room, thread_id),
            address=replace(address, thread_id=thread_id, delivery=delivery),
        )

    # --- where and how far --------------------------------------------------------------------

    def _service_url(self, address: ReplyAddress) -> str:
        room: RoomRef = address.room
        url = (
            address.delivery.get(identity.SERVICE_URL)
            or self._service_urls.get(room.tenant_id)
            or self._places.default_url
        )
        if not self._places.allows(url):
            raise NotPermitted(
                f"the Bot Connector at {url} is not among the allowed hosts: the app's token is"
                " shown to known services only"
            )
        return url

    def _note(self, outgoing_id: OutgoingId, posted: Posted) -> None:
        self._progress[outgoing_id] = posted
        self._parts_done[outgoing_id] = self._parts_done.get(outgoing_id, 0) + 1
        while len(self._progress) > _REMEMBERED:
            oldest, _ = self._progress.popitem(last=False)
            self._parts_done.pop(oldest, None)

    def _forget(self, outgoing_id: OutgoingId) -> None:
        self._progress.pop(outgoing_id, None)
        self._parts_done.pop(outgoing_id, None)


def _named(message_id: str) -> str:
    if not message_id:
        # It was taken, but nobody can answer or update what has no id.
        raise PlatformUnavailable("Teams took a post and gave it no id", maybe_accepted=True)
    return message_id
