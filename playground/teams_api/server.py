"""Serves a Teams world: its routes in an application of somebody else's, or a server of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from playground.loopback import loopback_origins, serving
from playground.teams_api.connector import ConnectorRoutes
from playground.teams_api.control import ControlRoutes
from playground.teams_api.identity import IdentityRoutes
from playground.teams_api.world import TeamsWorld

LARGEST_BODY_BYTES = 4 * 1024 * 1024


def add_teams_routes(app: web.Application, world: TeamsWorld) -> None:
    """Add every route to an application that somebody else serves.

    It needs the middleware `loopback_origins`. They call `await world.start(base_url)` once it
    listens and `await world.stop()` at the end.
    """
    ConnectorRoutes(world).add_to(app)
    IdentityRoutes(world).add_to(app)
    ControlRoutes(world).add_to(app)


@asynccontextmanager
async def running(world: TeamsWorld, *, port: int = 0) -> AsyncIterator[str]:
    """Serves the world on loopback and yields its address; port 0 takes a free one."""
    app = web.Application(client_max_size=LARGEST_BODY_BYTES, middlewares=[loopback_origins])
    add_teams_routes(app, world)
    async with serving(app, port=port) as address:
        await world.start(address)
        try:
            yield address
        finally:
            await world.stop()
