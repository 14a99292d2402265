"""Serving a stand-in on loopback: start on any port, stop without waiting, and who may call it."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from aiohttp import web

CORS_HEADERS = web.RequestKey("cors_headers", dict[str, str])
LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def loopback_origins(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Lets pages of any loopback port call `/playground/…` routes, and no other page."""
    origin = request.headers.get("Origin")
    if not request.path.startswith("/playground/"):
        return await handler(request)
    # A foreign name that was made to point to this machine is not local either.
    if urlsplit(f"//{request.host}").hostname not in LOOPBACK_HOSTS:
        return web.json_response({"error": f"host {request.host} is not local"}, status=403)
    if origin is None:
        return await handler(request)
    if urlsplit(origin).hostname not in LOOPBACK_HOSTS:
        return web.json_response({"error": f"origin {origin} is not local"}, status=403)
    allowed = {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Headers": "Content-Type, Last-Event-ID",
        "Access-Control-Allow-Methods": "GET, POST, DELETE",
        "Vary": "Origin",
    }
    if request.method == "OPTIONS":
        return web.Response(status=204, headers=allowed)
    # A stream has sent its headers before the handler returns, so it asks for them itself.
    request[CORS_HEADERS] = allowed
    response = await handler(request)
    if not response.prepared:
        response.headers.update(allowed)
    return response


@asynccontextmanager
async def serving(app: web.Application, *, port: int = 0) -> AsyncIterator[str]:
    """Serves the app on 127.0.0.1 and yields its address without a trailing slash.

    Port 0 takes a free one. Open connections (feeds, sockets) are cut a second after the end.
    """
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def until_stopped(address: str) -> None:
    """Says on standard output where the server listens, and waits for SIGINT or SIGTERM."""
    sys.stdout.write(f"listening on {address}\n")
    sys.stdout.flush()
    await asked_to_stop()


async def asked_to_stop() -> None:
    """Waits for SIGINT or SIGTERM."""
    signalled = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        # Windows' loop has no signal handlers; there Ctrl-C raises KeyboardInterrupt.
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, signalled.set)
    await signalled.wait()
