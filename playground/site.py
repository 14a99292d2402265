"""One server for the page and for both chat platforms' stand-ins, which the page talks to.

    GET  /                        the page; its files are below /page/
    GET  /playground/page         what it is configured with: {support: "slack" | "teams",
                                  inspect: bool, payments: bool}
    *    /demo/…                  handed on to INSPECT_URL/demo/…
    *    /payments/…              handed on to PAYMENTS_URL/playground/payments/…
    and every route of playground/slack_api and playground/teams_api

What is handed on and has nobody behind it answers 503 {"error": "not_connected"}, and 502 when
nobody answers there. A request that names a host which is not local is refused with 403.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web

from playground.loopback import LOOPBACK_HOSTS, Handler, serving
from playground.slack_api.app import create_app as create_slack_app
from playground.slack_api.world import SlackWorld
from playground.teams_api import TeamsWorld, add_teams_routes

PAGE_FOLDER = Path(__file__).parent / "page"
_HANDED_ON = ("/demo/", "/payments/")
# The supervisor answers `kill-worker` once the service runs again.
_PATIENCE = aiohttp.ClientTimeout(total=30)
_SESSION = web.AppKey("session", aiohttp.ClientSession)
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
_PAGE_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class SupportPlatform(StrEnum):
    """Where the support channel is."""

    SLACK = "slack"
    TEAMS = "teams"


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteOptions:
    """What lies beside the stand-ins; None where there is no such server."""

    support: SupportPlatform = SupportPlatform.SLACK
    inspect_url: str | None = None
    payments_url: str | None = None


def create_site(slack: SlackWorld, teams: TeamsWorld, options: SiteOptions) -> web.Application:
    """The application. Once its address is known, `slack.workspace.base_url` must be set and
    `teams.start(address)` awaited; `running` does both."""
    app = create_slack_app(slack)
    app.middlewares.append(_local_only)
    add_teams_routes(app, teams)
    _Site(options).add_to(app)

    async def let_go(_: web.Application) -> None:
        teams.feed.end()

    app.on_shutdown.append(let_go)
    return app


@asynccontextmanager
async def running(
    slack: SlackWorld, teams: TeamsWorld, options: SiteOptions | None = None, *, port: int = 0
) -> AsyncIterator[str]:
    """Serves all of it on 127.0.0.1 and yields the address; port 0 takes a free one."""
    app = create_site(slack, teams, options or SiteOptions())
    async with serving(app, port=port) as address:
        slack.workspace.base_url = address
        await teams.start(address)
        try:
            yield address
        finally:
            await teams.stop()


@web.middleware
async def _local_only(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuses a page elsewhere that reaches this server by a name of its own (DNS rebinding)."""
    if urlsplit(f"//{request.host}").hostname not in LOOPBACK_HOSTS:
        return web.json_response({"error": f"host {request.host} is not local"}, status=403)
    origin = request.headers.get("Origin")
    handed_on = request.path.startswith(_HANDED_ON)
    if handed_on and origin is not None and urlsplit(origin).netloc != request.host:
        return web.json_response({"error": f"origin {origin} is another page"}, status=403)
    return await handler(request)


class _Site:
    """The page's own routes."""

    def __init__(self, options: SiteOptions) -> None:
        self._options = options

    def add_to(self, app: web.Application) -> None:
        app.router.add_get("/", self._page)
        app.router.add_get("/favicon.ico", self._no_icon)
        app.router.add_get("/playground/page", self._configuration)
        app.router.add_static("/page/", PAGE_FOLDER)
        app.router.add_route("*", "/demo/{rest:.*}", self._inspect)
        app.router.add_route("*", "/payments/{rest:.*}", self._payments)
        app.on_response_prepare.append(_protect)
        app.cleanup_ctx.append(_session)

    async def _page(self, _: web.Request) -> web.FileResponse:
        return web.FileResponse(PAGE_FOLDER / "index.html")

    async def _no_icon(self, _: web.Request) -> web.Response:
        return web.Response(status=204)

    async def _configuration(self, _: web.Request) -> web.Response:
        told = {
            "support": str(self._options.support),
            "inspect": self._options.inspect_url is not None,
            "payments": self._options.payments_url is not None,
        }
        return web.json_response(told)

    async def _inspect(self, request: web.Request) -> web.Response:
        return await _handed_on(request, self._options.inspect_url, "/demo/")

    async def _payments(self, request: web.Request) -> web.Response:
        return await _handed_on(request, self._options.payments_url, "/playground/payments/")


async def _session(app: web.Application) -> AsyncIterator[None]:
    async with aiohttp.ClientSession(timeout=_PATIENCE) as session:
        app[_SESSION] = session
        yield


async def _protect(request: web.Request, response: web.StreamResponse) -> None:
    if request.path == "/" or request.path.startswith("/page/"):
        response.headers.update(_PAGE_HEADERS)


async def _handed_on(request: web.Request, base_url: str | None, prefix: str) -> web.Response:
    if base_url is None:
        return web.json_response({"error": "not_connected"}, status=503)
    url = f"{base_url.rstrip('/')}{prefix}{request.match_info['rest']}"
    try:
        async with request.app[_SESSION].request(
            request.method,
            url,
            params=request.query,
            data=await request.read(),
            headers={"Content-Type": request.content_type},
        ) as answer:
            body = await answer.read()
            kind = answer.headers.get("Content-Type", "application/json")
            return web.Response(status=answer.status, body=body, headers={"Content-Type": kind})
    except (aiohttp.ClientError, TimeoutError) as problem:
        told = {"error": "no_answer", "problem": type(problem).__name__}
        return web.json_response(told, status=502)
