"""The HTTP application: the channels' doors, health, and a graceful stop."""

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

log = logging.getLogger(__name__)

MAX_BODY: Final = 1024 * 1024  # the adapters read less; this bounds everybody
STOP_SECONDS: Final = 20.0

Readiness = Callable[[], Awaitable[list[str]]]


def application(routes: list[web.RouteDef], ready: Readiness) -> web.Application:
    """All doors of the service. `ready` returns what is wrong, in words; nothing: ready."""
    app = web.Application(client_max_size=MAX_BODY)
    app.add_routes(routes)

    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"alive": True})

    async def readyz(_: web.Request) -> web.Response:
        problems = await ready()
        status = 503 if problems else 200
        return web.json_response({"ready": not problems, "problems": problems}, status=status)

    app.add_routes([web.get("/healthz", healthz), web.get("/readyz", readyz)])
    return app


async def run(
    app: web.Application, host: str, port: int, *, on_listening: Callable[[str], None]
) -> None:
    """Serves until SIGTERM or SIGINT, then lets requests under way end.

    Raises OSError where the port cannot be had.
    """
    # What a request waits for is our own commit: it is carried to its end, also when the caller
    # has hung up, since the platform will then deliver it again and find it taken.
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=5.0)
    await runner.setup()
    site = web.TCPSite(runner, host, port)
    await site.start()
    addresses = [f"http://{a[0]}:{a[1]}" for a in runner.addresses]
    on_listening(addresses[0])
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stopped.set)
    try:
        await stopped.wait()
        log.info("stopping")
    finally:
        await runner.cleanup()
