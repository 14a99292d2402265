"""`python -m playground.teams_api`: the stand-in in a process of its own."""

import argparse
import asyncio
import contextlib
import sys

from playground import people
from playground.loopback import until_stopped
from playground.teams_api.server import running
from playground.teams_api.world import TeamsWorld


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m playground.teams_api", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 (default) takes a free one")
    parser.add_argument(
        "--messaging-endpoint",
        default="http://127.0.0.1:3978/api/messages",
        help="where activities are sent (default %(default)s)",
    )
    parser.add_argument("--app-id", default=people.TEAMS_APP_ID)
    parser.add_argument("--app-password", default=people.TEAMS_APP_PASSWORD)
    parser.add_argument("--tenant-id", default=people.TEAMS_TENANT_ID)
    parser.add_argument(
        "--redeliver-after",
        type=float,
        default=15.0,
        metavar="SECONDS",
        help="how long an activity may stay unacknowledged (default %(default)s)",
    )
    return parser.parse_args(arguments)


async def _serve(options: argparse.Namespace) -> None:
    world = TeamsWorld(
        messaging_endpoint=options.messaging_endpoint,
        app_id=options.app_id,
        app_password=options.app_password,
        tenant_id=options.tenant_id,
        patience_seconds=options.redeliver_after,
    )
    async with running(world, port=options.port) as address:
        await until_stopped(address)


def main() -> int:
    """Serves until it is interrupted; 2 when it cannot listen.

    The first line on standard output names the address.
    """
    options = _options(sys.argv[1:])
    try:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(_serve(options))
    except OSError as problem:
        sys.stderr.write(f"port {options.port}: {problem.strerror}; choose another --port\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
