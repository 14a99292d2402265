"""A Slack events door in a process of its own: the service's, or a bare Bolt app's."""

import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web
from slack_sdk.web.async_client import AsyncWebClient

from agent_core.ids import SystemIds
from agent_core.ports import UnitOfWork
from bots import bootstrap, server
from bots.commands import people_changes
from bots.configuration import load_configuration
from bots.demo import environment, sample
from bots.demo.options import Support
from bots.settings import Settings
from playground import people
from playground.loopback import serving
from tests.benchmarks.processes import Json, serve_lines

OURS, BOLT = "ours", "bare Bolt app"


@asynccontextmanager
async def our_door(folder: Path, slack_api: str) -> AsyncIterator[web.Application]:
    """The service as `handrail serve` builds it, on a SQLite file, with its engine not started:
    what is addressed to the agent is taken, queued and acknowledged, and no turn runs."""
    nowhere = environment.StandIns(
        page="", slack_api=slack_api, teams="", payments="http://127.0.0.1:9"
    )
    environ = environment.of_service(folder, nowhere, Support.SLACK, None)
    ours = {name: value for name, value in environ.items() if not name.startswith("MICROSOFT_")}
    settings = Settings.load(ours)
    bootstrap.migrate(settings)
    configuration = load_configuration(settings.configuration_folder)
    # Nobody works the mentions off: at the bound of what may wait, each would become a case.
    limits = replace(configuration.limits, waiting=1_000_000, waiting_of_account=1_000_000)
    service = await bootstrap.build(settings, replace(configuration, limits=limits))
    await service.store.run(_furnish)
    try:
        yield server.application(service.routes(), service.ready)
    finally:
        if service.slack is not None:
            await service.slack.stop()
        await service.accounts.close()
        await service.store.close()


def _furnish(tx: UnitOfWork) -> None:
    for room in sample.rooms(Support.SLACK):
        tx.rooms.put(room)
    for person in sample.customers():
        people_changes.apply(tx, person, SystemIds(), datetime.now(UTC))


def bare_bolt(slack_api: str) -> web.Application:
    """Verifies, acknowledges and forgets: the least that a Bolt app does."""
    from slack_bolt.async_app import AsyncApp

    app = AsyncApp(
        signing_secret=people.SLACK_SIGNING_SECRET,
        client=AsyncWebClient(token=people.SLACK_BOT_TOKEN, base_url=f"{slack_api}/api/"),
    )

    @app.event("app_mention")
    async def mentioned(event: dict[str, Any]) -> None:
        return None

    @app.event("message")
    async def said(event: dict[str, Any]) -> None:
        return None

    return app.web_app("/slack/events")


@asynccontextmanager
async def _application(kind: str, slack_api: str) -> AsyncIterator[web.Application]:
    if kind == BOLT:
        yield bare_bolt(slack_api)
        return
    with tempfile.TemporaryDirectory() as folder:
        async with our_door(Path(folder), slack_api) as app:
            yield app


async def main(kind: str, slack_api: str) -> None:
    async def cpu(_: Json) -> Json:
        return {"cpu": time.process_time()}

    async with _application(kind, slack_api) as app, serving(app) as base:
        await serve_lines({"url": f"{base}/slack/events"}, cpu)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
