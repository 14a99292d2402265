"""The aiohttp application: Web API, control routes, response URLs, files and the consent page."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlencode

from aiohttp import web

from playground import people
from playground.loopback import loopback_origins, serving
from playground.slack_api.control import Control
from playground.slack_api.state import SlackRefusal
from playground.slack_api.web_api import WebApi
from playground.slack_api.world import SlackWorld

_LARGEST_BODY = 8 * 1024 * 1024


def create_app(world: SlackWorld) -> web.Application:
    """The application of one world. Set `world.workspace.base_url` once the address is known."""
    app = web.Application(middlewares=[loopback_origins], client_max_size=_LARGEST_BODY)
    api = WebApi(world)
    outside = _Outside(world)
    app.router.add_route("*", "/api/{method}", api.handle)
    app.router.add_post("/actions/{team}/{token}", outside.respond)
    app.router.add_get("/files-pri/{file_id}/{name}", outside.download)
    app.router.add_get("/oauth/v2/authorize", outside.consent)
    Control(world).add_to(app)

    async def let_go(_: web.Application) -> None:
        world.workspace.feed.end()
        await world.socket_mode.disconnect("warning")

    async def stop(_: web.Application) -> None:
        await world.close()

    app.on_shutdown.append(let_go)
    app.on_cleanup.append(stop)
    return app


@asynccontextmanager
async def running(world: SlackWorld, *, port: int = 0) -> AsyncIterator[str]:
    """Serves the world on 127.0.0.1 and yields its address; the Web API is at `<address>/api/`."""
    async with serving(create_app(world), port=port) as address:
        world.workspace.base_url = address
        yield address


class _Outside:
    """What lies outside the Web API, yet belongs to Slack's side of the wire."""

    def __init__(self, world: SlackWorld) -> None:
        self._world = world

    async def respond(self, request: web.Request) -> web.Response:
        """A response URL."""
        try:
            body = await request.json()
        except ValueError:
            return web.Response(status=400, text="invalid_payload")
        if not isinstance(body, dict):
            return web.Response(status=400, text="invalid_payload")
        try:
            self._world.app_side.respond(request.match_info["token"], body)
        except SlackRefusal as refusal:
            gone = refusal.code in ("expired_url", "used_url")
            return web.json_response(
                {"ok": False, "error": refusal.code, "messages": refusal.messages},
                status=404 if gone else 400,
            )
        return web.Response(text="ok")

    async def download(self, request: web.Request) -> web.Response:
        """A file's content, for the app's token only."""
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if token not in self._world.bot_tokens:
            return web.Response(status=403)
        file_id = request.match_info["file_id"]
        content = self._world.state.file_contents.get(file_id)
        if content is None:
            return web.Response(status=404)
        kind = self._world.state.files[file_id]["mimetype"]
        return web.Response(body=content, headers={"Content-Type": kind})

    async def consent(self, request: web.Request) -> web.Response:
        """Stands for the page on which an administrator agrees to install: agrees at once."""
        target = request.query.get("redirect_uri")
        if request.query.get("client_id") != people.SLACK_CLIENT_ID or not target:
            return web.Response(status=400, text="client_id or redirect_uri is missing or wrong")
        code = self._world.state.next_id("C")
        self._world.oauth_codes.add(code)
        query = urlencode({"code": code, "state": request.query.get("state", "")})
        raise web.HTTPFound(f"{target}{'&' if '?' in target else '?'}{query}")
