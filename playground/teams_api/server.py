"""Serves a Teams world: all of its routes in an application, or a server of its own."""

from types import TracebackType

from aiohttp import web

from playground.teams_api.connector import ConnectorRoutes
from playground.teams_api.control import ControlRoutes
from playground.teams_api.identity import IdentityRoutes
from playground.teams_api.world import TeamsWorld

LARGEST_BODY_BYTES = 4 * 1024 * 1024


def add_teams_routes(app: web.Application, world: TeamsWorld) -> None:
    """Add every route to an application that somebody else serves.

    They then call `await world.start(base_url)` once it listens and `await world.stop()` at the
    end. No route collides with `/playground/slack`, `/api` or `/v1`.
    """
    ConnectorRoutes(world).add_to(app)
    IdentityRoutes(world).add_to(app)
    ControlRoutes(world).add_to(app)


class TeamsServer:
    """A Teams world behind a server of its own on loopback; `port=0` takes a free one."""

    def __init__(self, world: TeamsWorld, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self.world = world
        self._host = host
        self._port = port
        self._runner: web.AppRunner | None = None

    @property
    def base_url(self) -> str:
        """http://host:port, known once started."""
        return self.world.base_url

    async def start(self) -> str:
        """Listen; the base URL."""
        app = web.Application(client_max_size=LARGEST_BODY_BYTES)
        add_teams_routes(app, self.world)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port).start()
        port = self._runner.addresses[0][1]
        await self.world.start(f"http://{self._host}:{port}")
        return self.base_url

    async def stop(self) -> None:
        """End deliveries, listeners and the server."""
        await self.world.stop()
        if self._runner is not None:
            await self._runner.cleanup()

    async def __aenter__(self) -> "TeamsServer":
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()
