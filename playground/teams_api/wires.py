"""The wires of a Teams world: its services, their start and stop, and what goes to the bot."""

import asyncio
from collections.abc import Iterable
from typing import Any

from playground import people as sample
from playground.faults import FaultRegistry
from playground.feed import Feed
from playground.people import TeamsPerson, TeamsRoom
from playground.teams_api import shapes
from playground.teams_api.clicks import Clicks
from playground.teams_api.delivery import Courier, Delivery, DeliveryOptions
from playground.teams_api.outgoing import BotPosts
from playground.teams_api.refusals import Refusals
from playground.teams_api.shapes import Place, Sender
from playground.teams_api.state import Json, Message, Room, TeamsState, now
from playground.teams_api.tokens import ChannelTokens, DirectoryTokens

SERVER = "teams"


class TeamsWires:
    """The services of one tenant and bot; `TeamsWorld` adds what people do."""

    def __init__(
        self,
        *,
        messaging_endpoint: str,
        app_id: str = sample.TEAMS_APP_ID,
        app_password: str = sample.TEAMS_APP_PASSWORD,
        tenant_id: str = sample.TEAMS_TENANT_ID,
        bot_name: str = sample.TEAMS_BOT_NAME,
        people: Iterable[TeamsPerson] = sample.TEAMS_PEOPLE,
        rooms: Iterable[TeamsRoom] = sample.TEAMS_ROOMS,
        faults: FaultRegistry | None = None,
        patience_seconds: float = 15.0,
        redeliveries: int = 3,
    ) -> None:
        self.state = TeamsState(
            tenant_id=tenant_id, app_id=app_id, bot_name=bot_name, people=people, rooms=rooms
        )
        self.feed = Feed()
        self.faults = faults or FaultRegistry()
        self.refusals = Refusals()
        self.posts = BotPosts(self.state, self.feed)
        self.channel_tokens = ChannelTokens(app_id=app_id)
        self.directory = DirectoryTokens(
            app_id=app_id, app_password=app_password, tenant_id=tenant_id
        )
        self.base_url = ""  # known once the server listens
        self.courier = Courier(
            endpoint=messaging_endpoint,
            tokens=self.channel_tokens,
            service_url=lambda: self.service_url,
            on_change=lambda delivery: self.feed.publish("delivery", delivery=delivery.as_json()),
            patience_seconds=patience_seconds,
            redeliveries=redeliveries,
        )
        self._clicks = Clicks(
            state=self.state,
            feed=self.feed,
            about=self.envelope_about,
            ask=self._ask,
            send=self._send,
        )
        self._under_way: set[asyncio.Task[Any]] = set()

    @property
    def service_url(self) -> str:
        """What activities name as serviceUrl; ends in a slash, as Microsoft's does."""
        return f"{self.base_url}/"

    async def start(self, base_url: str) -> None:
        """Begin to deliver; `base_url` is where the Connector's routes answer."""
        self.base_url = base_url.rstrip("/")
        await self.courier.start()

    async def stop(self) -> None:
        """End the deliveries under way."""
        for task in list(self._under_way):
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        await self.courier.stop()

    async def settled(self) -> None:
        """Wait until no delivery is under way."""
        while self._under_way:
            await asyncio.gather(*self._under_way)

    # --- deliveries --------------------------------------------------------------------------

    async def redeliver(
        self, message_id: str, options: DeliveryOptions | None = None
    ) -> list[Delivery]:
        """Deliver a message's activity again, as often and as wrongly as the options say."""
        return await self.courier.deliver(self.state.message(message_id).activity, options)

    async def deliver(
        self, activity: Json, options: DeliveryOptions | None = None
    ) -> list[Delivery]:
        """Deliver any activity; a missing serviceUrl is filled in."""
        return await self.courier.deliver({"serviceUrl": self.service_url, **activity}, options)

    async def replay(
        self, delivery_id: str, options: DeliveryOptions | None = None
    ) -> list[Delivery]:
        """Deliver exactly what an earlier delivery carried, invokes too."""
        for delivery in self.courier.log:
            if delivery.id == delivery_id and isinstance(delivery.activity, dict):
                return await self.courier.deliver(delivery.activity, options)
        raise KeyError(f"no delivery {delivery_id!r} in the log")

    def _send(self, activity: Json, options: DeliveryOptions | None = None) -> None:
        task = asyncio.create_task(self.courier.deliver(activity, options))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _ask(self, activity: Json) -> Delivery:
        return (await self.courier.deliver(activity))[0]

    # --- building ----------------------------------------------------------------------------

    def envelope_about(
        self, person: TeamsPerson, message: Message, *, kind: str, same_id: bool = False
    ) -> Json:
        """The common part of an activity in the place of a message."""
        place = shapes.place_of(message, self.state.room(message.room_id))
        if same_id:
            activity_id = message.id
        elif kind == "message":
            activity_id = self.state.next_message_id()
        else:
            activity_id = shapes.event_id()
        return self._envelope(person, place, kind=kind, activity_id=activity_id)

    def _event(self, person: TeamsPerson, room: Room, kind: str) -> Json:
        place = Place(room=room, thread_id=None)
        return self._envelope(person, place, kind=kind, activity_id=shapes.event_id())

    def _envelope(self, person: TeamsPerson, place: Place, *, kind: str, activity_id: str) -> Json:
        sender = Sender(
            tenant_id=self.state.tenant_id,
            bot_id=self.state.bot_id,
            bot_name=self.state.bot_name,
            service_url=self.service_url,
        )
        return shapes.envelope(sender, place, person, kind=kind, activity_id=activity_id, at=now())
