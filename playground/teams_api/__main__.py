"""Runs the Teams stand-in alone: `python -m playground.teams_api --help`."""

import argparse
import asyncio
import contextlib
import signal
import sys

from playground import people as sample
from playground.teams_api.server import TeamsServer
from playground.teams_api.world import TeamsWorld

LOOPBACK = ("127.0.0.1", "localhost")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m playground.teams_api", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", choices=LOOPBACK, help="loopback only")
    parser.add_argument("--port", type=int, default=3979, help="0 takes a free one")
    parser.add_argument("--messaging-endpoint", default="http://127.0.0.1:3978/api/messages")
    parser.add_argument("--app-id", default=sample.TEAMS_APP_ID)
    parser.add_argument("--app-password", default=sample.TEAMS_APP_PASSWORD)
    parser.add_argument("--tenant-id", default=sample.TEAMS_TENANT_ID)
    parser.add_argument("--redeliver-after", type=float, default=15.0, metavar="SECONDS")
    return parser.parse_args()


async def _serve(arguments: argparse.Namespace) -> None:
    world = TeamsWorld(
        messaging_endpoint=arguments.messaging_endpoint,
        app_id=arguments.app_id,
        app_password=arguments.app_password,
        tenant_id=arguments.tenant_id,
        patience_seconds=arguments.redeliver_after,
    )
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows has no loop signal handlers
            asyncio.get_running_loop().add_signal_handler(number, ended.set)
    async with TeamsServer(world, host=arguments.host, port=arguments.port) as server:
        base = server.base_url
        sys.stdout.write(
            f"Teams stand-in at {base}, delivering to {arguments.messaging_endpoint}\n"
            f"MICROSOFT_OPENID_METADATA_URL={base}/.well-known/openidconfiguration\n"
            f"MICROSOFT_TOKEN_URL={base}/{arguments.tenant_id}/oauth2/v2.0/token\n"
        )
        sys.stdout.flush()
        await ended.wait()


def main() -> int:
    """Serve until Ctrl-C; 2 when the port is taken."""
    arguments = _arguments()
    try:
        asyncio.run(_serve(arguments))
    except OSError as problem:
        sys.stderr.write(
            f"cannot listen on port {arguments.port}: {problem.strerror}; choose another --port\n"
        )
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
