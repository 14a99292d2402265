"""The whole service in this process, joined to the playground's servers over loopback HTTP."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from agent_core.limits import Limits
from agent_core.ports import ChatModel
from bots import bootstrap, server
from bots.configuration import load_configuration
from bots.demo import environment
from bots.demo.options import Support
from bots.demo.prepare import prepare
from bots.service import Service
from bots.settings import Settings
from playground import people
from playground.payments_api.app import Provider
from playground.payments_api.app import running as payments_running
from playground.slack_api.app import running as slack_running
from playground.slack_api.world import SlackWorld
from playground.teams_api.server import running as teams_running
from playground.teams_api.world import TeamsWorld

PATIENCE_SECONDS = 20.0


async def _never(_: Callable[[], None]) -> None:
    raise AssertionError("the service has not begun")


@dataclass(slots=True)
class Wire:
    """Everything that a scenario talks to."""

    slack: SlackWorld
    teams: TeamsWorld
    payments: Provider
    settings: Settings
    service: Service
    address: str
    restart: Callable[[Callable[[], None]], Awaitable[None]] = _never  # with that in between

    async def until(self, what: Callable[[], Any]) -> Any:
        """Waits until `what()` is true and returns it. Fails with all that was posted."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not (found := what()):  # noqa: ASYNC110 - the stand-ins tell no event
                await asyncio.sleep(0.02)
            return found

    async def settled(self) -> None:
        """Until no event, turn or post is under way."""
        for _ in range(3):
            await self.slack.settled()
            await self.teams.settled()
            await self.until_worked_off()
            await self.service.delivery.idle()

    async def until_worked_off(self) -> None:
        """Until no inbox row waits for a turn, or is in one."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await self._unfinished():  # noqa: ASYNC110
                await asyncio.sleep(0.02)

    async def _unfinished(self) -> bool:
        return bool(await self.service.store.run(lambda tx: list(tx.inbox.unfinished())))

    def slack_thread(self, user_id: str, channel_id: str, text: str) -> "Thread":
        """Somebody mentions the agent in a new thread."""
        message = self.slack.say(user_id, channel_id, text, mention=True)
        return Thread(wire=self, room=channel_id, ts=message["ts"])

    async def support_thread(self, words: str) -> "Thread":
        """The thread of the support channel whose first post holds these words."""
        channel = people.SUPPORT_ROOM.channel_id
        messages = self.slack.state.channels[channel].messages

        def opened() -> str | None:
            return next(
                (
                    str(m["ts"])
                    for m in messages.values()
                    if m.get("thread_ts", m["ts"]) == m["ts"] and words in str(m)
                ),
                None,
            )

        return Thread(wire=self, room=channel, ts=await self.until(opened))


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """One thread of a Slack channel, as its readers see it."""

    wire: Wire
    room: str
    ts: str

    def messages(self) -> list[dict[str, Any]]:
        """Oldest first."""
        found = self.wire.slack.state.channels[self.room].messages.values()
        return [m for m in found if m.get("thread_ts", m["ts"]) == self.ts]

    def say(self, user_id: str, text: str) -> None:
        self.wire.slack.say(user_id, self.room, text, thread_ts=self.ts)

    async def card(self, action: str) -> dict[str, Any]:
        """The newest message that bears this button."""

        def bearing() -> dict[str, Any] | None:
            return next((m for m in reversed(self.messages()) if f"'{action}'" in str(m)), None)

        found: dict[str, Any] = await self.wire.until(bearing)
        return found

    async def click(self, user_id: str, message: dict[str, Any], action: str) -> Any:
        return await self.wire.slack.click(user_id, action, channel_id=self.room, ts=message["ts"])

    async def until_says(self, words: str) -> str:
        """The message that holds these words."""

        def said() -> str | None:
            bot = people.SLACK_BOT_USER_ID
            ours = (str(m) for m in self.messages() if m.get("user") == bot or m.get("bot_id"))
            return next((text for text in ours if words in text), None)

        try:
            found: str = await self.wire.until(said)
        except TimeoutError:
            spoken = "\n".join(str(m.get("text")) for m in self.messages())
            raise AssertionError(f"nobody said {words!r}; said was:\n{spoken}") from None
        return found

    async def until_private(self, user_id: str, words: str) -> None:
        """Until this person, and nobody else, sees these words."""

        def shown() -> bool:
            return any(
                words in str(one.message)
                for one in self.wire.slack.state.ephemerals
                if one.user_id == user_id and one.channel_id == self.room
            )

        try:
            await self.wire.until(shown)
        except TimeoutError:
            seen = "\n".join(str(e.message.get("text")) for e in self.wire.slack.state.ephemerals)
            raise AssertionError(f"not shown in private: {words!r}; shown was:\n{seen}") from None


@asynccontextmanager
async def wired(
    folder: Path,
    *,
    support: Support = Support.SLACK,
    model: ChatModel | None = None,
    database_url: str | None = None,
    limits: Callable[[Limits], Limits] = lambda limits: limits,
    configuration: Path | None = None,
    more: Mapping[str, str] | None = None,
) -> AsyncIterator[Wire]:
    """Stand-ins, sample data and the service, all on ports of their own."""
    async with AsyncExitStack() as stack:
        slack = SlackWorld(retry_delays=(0.05, 0.05))
        slack_address = await stack.enter_async_context(slack_running(slack))
        teams = TeamsWorld(messaging_endpoint="http://127.0.0.1:9/api/messages")
        teams_address = await stack.enter_async_context(teams_running(teams))
        payments, payments_address = await stack.enter_async_context(
            payments_running(folder / "payments.db")
        )
        stand_ins = environment.StandIns(
            page="", slack_api=slack_address, teams=teams_address, payments=payments_address
        )
        environ = environment.of_service(folder, stand_ins, support, None)
        if database_url is not None:
            environ["HANDRAIL_DATABASE_URL"] = database_url
        if configuration is not None:
            environ["HANDRAIL_CONFIG"] = str(configuration)
        settings = Settings.load({**environ, **(more or {})})
        await prepare(settings, support)
        wire = Wire(
            slack=slack,
            teams=teams,
            payments=payments,
            settings=settings,
            service=None,  # type: ignore[arg-type]
            address="",
        )
        async with AsyncExitStack() as running:

            async def begin() -> None:
                await running.enter_async_context(_serving(wire, model, limits))

            async def restart(between: Callable[[], None]) -> None:
                await running.aclose()
                between()
                await begin()

            wire.restart = restart
            await begin()
            yield wire


@asynccontextmanager
async def _serving(
    wire: Wire, model: ChatModel | None, limits: Callable[[Limits], Limits]
) -> AsyncIterator[None]:
    settings = wire.settings
    configuration = load_configuration(settings.configuration_folder)
    configuration = replace(configuration, limits=limits(configuration.limits))
    service = await bootstrap.build(settings, configuration, model=model)
    await service.start(configuration)
    app = bootstrap.application(settings, service, "127.0.0.1")
    try:
        async with server.listening(app, "127.0.0.1", 0) as address:
            wire.service, wire.address = service, address
            wire.slack.courier.request_url = f"{address}/slack/events"
            wire.teams.courier.endpoint = f"{address}/api/messages"
            yield
    finally:
        await service.stop()
