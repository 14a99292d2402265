"""The stand-ins of the platforms and of the payment provider, and the fleet that serves them."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bots.demo import environment
from bots.demo.options import Support
from bots.demo.prepare import prepare
from bots.settings import Settings
from playground.payments_api.app import Provider
from playground.payments_api.app import running as payments_running
from playground.slack_api.app import running as slack_running
from playground.slack_api.world import SlackWorld
from playground.teams_api.server import running as teams_running
from playground.teams_api.world import TeamsWorld
from tests.chaos.fleet import Fleet, Member, a_fleet

# Slack repeats for six minutes; here in smaller steps, and not longer than two.
RETRY_SECONDS = (0.2, 1.0, 3.0, *(5.0,) * 20)


@dataclass(slots=True, kw_only=True)
class Town:
    """Everything outside the service, in this process, where the judge can see it."""

    slack: SlackWorld
    teams: TeamsWorld
    payments: Provider
    settings: Settings
    environ: dict[str, str]
    fleet: Fleet
    folder: Path
    patience_seconds: float = 150.0  # of everybody in it, for anything

    @property
    def database_url(self) -> str:
        return self.settings.database_url.get_secret_value()

    async def serve(
        self, role: str = "all", *, workers: int = 0, broken: tuple[str, ...] = ()
    ) -> None:
        """One process with the doors, and beside it so many workers; returns when all are ready."""
        doors = Member("doors", role, self.environ, broken)
        self.slack.courier.request_url = f"{doors.address}/slack/events"
        self.teams.courier.endpoint = f"{doors.address}/api/messages"
        await self.fleet.start(doors)
        for number in range(1, workers + 1):
            await self.fleet.start(Member(f"worker-{number}", "worker", self.environ, broken))
        await self.fleet.until_ready()

    async def until(self, what: Callable[[], Any], seconds: float) -> Any:
        """Waits until `what()` is true and returns it. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while not (found := what()):  # noqa: ASYNC110 - the stand-ins tell no event
                await asyncio.sleep(0.05)
            return found


def _configuration(folder: Path) -> Path:
    """The sample company's, without the limits of a day: the load is a day's in minutes."""
    copied = folder / "configuration"
    shutil.copytree(environment.example_configuration(), copied)
    policy = copied / "policy.yaml"
    text = policy.read_text().partition("\nlimits:")[0]
    text = text.replace('approve_above: ["5,000.00 USD", "5,000.00 EUR"]', "", 2)
    policy.write_text(text.replace('["200.00 USD", "200.00 EUR"]', '["5.00 USD", "5.00 EUR"]'))
    return copied


@asynccontextmanager
async def a_town(folder: Path, database_url: str | None = None) -> AsyncIterator[Town]:
    """Stand-ins and sample data; no process of the service runs yet."""
    async with AsyncExitStack() as stack:
        slack = SlackWorld(retry_delays=RETRY_SECONDS)
        slack_address = await stack.enter_async_context(slack_running(slack))
        teams = TeamsWorld(messaging_endpoint="http://127.0.0.1:9/api/messages")
        teams_address = await stack.enter_async_context(teams_running(teams))
        teams.courier.patience_seconds, teams.courier.redeliveries = 3.0, 12
        payments, payments_address = await stack.enter_async_context(
            payments_running(folder / "payments.db")
        )
        stand_ins = environment.StandIns(
            page="", slack_api=slack_address, teams=teams_address, payments=payments_address
        )
        environ = environment.of_service(folder, stand_ins, Support.SLACK, None)
        environ["HANDRAIL_CONFIG"] = str(_configuration(folder))
        if database_url is not None:
            environ["HANDRAIL_DATABASE_URL"] = database_url
        settings = Settings.load(environ)
        await prepare(settings, Support.SLACK)
        yield Town(
            slack=slack,
            teams=teams,
            payments=payments,
            settings=settings,
            environ=environ,
            fleet=await stack.enter_async_context(a_fleet(folder)),
            folder=folder,
        )
