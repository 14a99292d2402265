"""The service as `handrail serve` builds it, in a process of its own, which says how it fares."""

import asyncio
import gc
import resource
import sys
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from agent_core.conversation import Audience, RoomBinding, RoomMode
from agent_core.ids import SystemIds
from agent_core.messages import Platform, PlatformIdentity, RoomRef
from agent_core.people import AccountId, Role
from agent_core.ports import UnitOfWork
from bots import bootstrap, server
from bots.commands import people_changes
from bots.commands.people_changes import PersonChange
from bots.configuration import load_configuration
from bots.demo import environment
from bots.demo.options import Support
from bots.garbage import spare_the_start
from bots.settings import ModelSettings, Settings
from playground import people
from tests.benchmarks.processes import Json, serve_lines
from tests.benchmarks.town_shape import ACCOUNTS, account_of, channels
from tools.accounts.seed import sample_accounts

_TICK = 0.01


class Lag:
    """How late the event loop is, ten milliseconds apart."""

    def __init__(self) -> None:
        self._late: list[float] = []

    async def watch(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + _TICK
            await asyncio.sleep(_TICK)
            self._late.append(loop.time() - due)

    def taken(self) -> Json:
        """Milliseconds since the last question: p50, p99, most."""
        late, self._late = sorted(self._late), []
        if not late:
            return {"p50": 0.0, "p99": 0.0, "most": 0.0}
        at = {"p50": 0.5, "p99": 0.99, "most": 1.0}
        return {
            name: round(late[min(len(late) - 1, int(len(late) * part))] * 1000, 2)
            for name, part in at.items()
        }


def memory_mb() -> float:
    """Resident memory of this process now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 1024 / 1024


async def _furnish(settings: Settings) -> None:
    """As many accounts, each with channels of its own, and one person with a role in all."""
    accounts = bootstrap.open_accounts(settings)
    await accounts.prepare()
    sample = sample_accounts(datetime.now(UTC))[0]
    for number in range(ACCOUNTS):
        one = replace(sample.account, id=AccountId(account_of(number)), name=f"Load {number}")
        await accounts.create(replace(sample, account=one, invoices=(), members=()))
    await accounts.close()
    store = bootstrap.open_store(settings)
    await store.run(_link)
    await store.close()


def _link(tx: UnitOfWork) -> None:
    for number, channel in enumerate(channels()):
        room = RoomRef(
            platform=Platform.SLACK, tenant_id=people.VENDOR_TEAM.team_id, room_id=channel
        )
        account = AccountId(account_of(number % ACCOUNTS))
        tx.rooms.put(
            RoomBinding(
                room=room,
                audience=Audience.SHARED,
                account_id=account,
                mode=RoomMode.MENTION,
                is_support=False,
                name="load",
            )
        )
    owner = people.NORTHWIND_OWNER
    identity = PlatformIdentity(
        platform=Platform.SLACK, tenant_id=owner.team_id, user_id=owner.user_id
    )
    roles = {AccountId(account_of(number)): Role.OWNER for number in range(ACCOUNTS)}
    change = PersonChange(identity=identity, name=owner.name, roles=roles)
    people_changes.apply(tx, change, SystemIds(), datetime.now(UTC))


def _settings(folder: Path, town: str, database: str | None) -> Settings:
    nowhere = environment.StandIns(page="", slack_api=town, teams="", payments="http://127.0.0.1:9")
    model = ModelSettings(base_url=f"{town}/v1", api_key=None, name="scripted")
    environ = environment.of_service(folder, nowhere, Support.SLACK, model)
    ours = {name: value for name, value in environ.items() if not name.startswith("MICROSOFT_")}
    if database is not None:
        ours["HANDRAIL_DATABASE_URL"] = database
    return Settings.load(ours)


async def main(town: str, database: str | None) -> None:
    lag = Lag()
    with tempfile.TemporaryDirectory() as folder:
        settings = _settings(Path(folder), town, database)
        bootstrap.migrate(settings)
        await _furnish(settings)
        configuration = load_configuration(settings.configuration_folder)
        # A load is no storm: who is measured here is answered as often as it asks.
        limits = replace(configuration.limits, replies=1_000_000)
        configuration = replace(configuration, limits=limits)
        service = await bootstrap.build(settings, configuration)
        await service.start(configuration)
        spare_the_start()
        watching = asyncio.create_task(lag.watch())

        async def told(question: Json) -> Json:
            """`collect`: garbage is thrown away first, which stops the loop for a moment."""
            if question.get("collect"):
                gc.collect()
            return {"cpu": time.process_time(), "memory": memory_mb(), "lag": lag.taken()}

        try:
            app = server.application(service.routes(), service.ready)
            async with server.listening(app, "127.0.0.1", 0) as base:
                await serve_lines({"url": f"{base}/slack/events"}, told)
        finally:
            watching.cancel()
            await service.stop()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None))
