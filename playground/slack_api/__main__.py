"""`python -m playground.slack_api`: the stand-in in a process of its own."""

import argparse
import asyncio
import contextlib
import sys

from playground import people
from playground.loopback import until_stopped
from playground.slack_api.app import running
from playground.slack_api.delivery import RETRY_DELAYS
from playground.slack_api.world import SlackWorld


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m playground.slack_api", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 (default) takes a free one")
    parser.add_argument("--request-url", help="where events and interactions are sent")
    parser.add_argument("--signing-secret", default=people.SLACK_SIGNING_SECRET)
    parser.add_argument(
        "--retry-delays",
        type=float,
        nargs="*",
        default=list(RETRY_DELAYS),
        help="seconds before each repetition of an event that was not acknowledged",
    )
    return parser.parse_args(arguments)


async def _serve(options: argparse.Namespace) -> None:
    world = SlackWorld(
        request_url=options.request_url,
        signing_secret=options.signing_secret,
        retry_delays=tuple(options.retry_delays),
    )
    async with running(world, port=options.port) as address:
        await until_stopped(address)


def main() -> None:
    """Serves until it is interrupted. The first line on standard output names the address."""
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(_options(sys.argv[1:])))


if __name__ == "__main__":
    main()
