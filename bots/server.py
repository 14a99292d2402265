"""The HTTP application: the channels' doors, health, and a graceful stop."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Middleware

from bots.bodies import BUDGET, BodyBudget
from bots.doorway import DOORWAY, HANDLER_ARGUMENTS, DoorSite, Doorway, guard, keep_time
from bots.sight.readiness import Report

log = logging.getLogger(__name__)

MAX_BODY: Final = 1024 * 1024  # the adapters read less; this bounds everybody

Ready = Callable[[], Awaitable[Report]]


def application(
    routes: list[web.RouteDef],
    ready: Ready,
    doorway: Doorway | None = None,
    middlewares: Sequence[Middleware] = (),
    is_alive: Callable[[], bool] = lambda: True,
) -> web.Application:
    """All doors of the service. `ready` returns what is wrong, in words.

    `is_alive` False: the event loop has stopped to wake what sleeps, so only a new start helps.
    """
    app = web.Application(
        client_max_size=MAX_BODY,
        handler_args=HANDLER_ARGUMENTS,
        middlewares=[keep_time, *middlewares],
    )
    app[BUDGET] = BodyBudget()
    app[DOORWAY] = Doorway() if doorway is None else doorway
    app.on_response_prepare.append(_guarded)
    app.add_routes(routes)

    async def healthz(_: web.Request) -> web.Response:
        alive = is_alive()
        return web.json_response({"alive": alive}, status=200 if alive else 503)

    async def readyz(_: web.Request) -> web.Response:
        report = await ready()
        told: dict[str, object] = {
            "ready": not report.problems,
            "problems": list(report.problems),
        }
        if report.degraded:
            told["degraded"] = list(report.degraded)
        return web.json_response(told, status=503 if report.problems else 200)

    app.add_routes([web.get("/healthz", healthz), web.get("/readyz", readyz)])
    return app


async def _guarded(_: web.Request, response: web.StreamResponse) -> None:
    guard(response)


@asynccontextmanager
async def listening(app: web.Application, host: str, port: int) -> AsyncIterator[str]:
    """Serves the application and yields its address; in the end lets requests under way end.

    Raises OSError where the port cannot be had.
    """
    # What a request waits for is our own commit: it is carried to its end, also when the caller
    # has hung up, since the platform will then deliver it again and find it taken.
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=5.0)
    await runner.setup()
    try:
        await DoorSite(runner, host, port, app[DOORWAY]).start()
        yield next(f"http://{a[0]}:{a[1]}" for a in runner.addresses)
    finally:
        await runner.cleanup()


async def run(
    app: web.Application,
    host: str,
    port: int,
    *,
    on_listening: Callable[[str], None],
    until: Callable[[], Awaitable[None]],
) -> None:
    """Serves until `until` returns, then lets requests under way end.

    Raises OSError where the port cannot be had.
    """
    async with listening(app, host, port) as address:
        on_listening(address)
        await until()
        log.info("stopping")
