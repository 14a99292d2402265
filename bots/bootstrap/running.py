"""The service behind its doors, from the migration to the graceful stop."""

import logging

from aiohttp import web

from agent_core.store.locks import lock_folder_of
from bots import server
from bots.bootstrap.assembly import build
from bots.bootstrap.channels import plain
from bots.bootstrap.databases import migrate
from bots.configuration import Configuration
from bots.garbage import spare_the_start
from bots.roles import Role
from bots.service import Service
from bots.settings import Settings, is_loopback
from bots.sight.doors import MetricsDoor, observing
from bots.stopping import Stop

log = logging.getLogger(__name__)


async def serve(
    settings: Settings,
    configuration: Configuration,
    host: str,
    port: int,
    role: Role,
    stop: Stop,
) -> None:
    """Runs the service until `stop`. Raises ConfigurationError, OSError, and Stopped where it did
    not come to serve."""
    lock = lock_folder_of(settings.database_url.get_secret_value())
    if lock is not None:
        lock.take()
    try:
        migrate(settings)
        stop.watch_the_loop()
        service = await stop.unless_asked(build(settings, configuration, role=role))
        try:
            await stop.unless_asked(service.start(configuration))
            app = application(settings, service, host)
            spare_the_start()
            await server.run(app, host, port, on_listening=_say_listening, until=stop.wait)
        finally:
            await service.stop()
    finally:
        if lock is not None:
            lock.release()


def application(settings: Settings, service: Service, host: str) -> web.Application:
    """Every door of the service, for a server that is bound to `host`."""
    metrics = MetricsDoor(
        service.observer.registry,
        token=plain(settings.metrics_token),
        on_loopback=is_loopback(host),
        refresh=service.refresh_gauges,
    )
    return server.application(
        [*service.routes(), *metrics.routes()],
        service.ready,
        middlewares=[observing(service.observer)],
        is_alive=service.is_alive,
    )


def _say_listening(address: str) -> None:
    log.info("listening", extra={"address": address})
    print(f"listening on {address}", flush=True)  # noqa: T201 - scripts wait for this line
