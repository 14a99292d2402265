"""`python -m playground.payments_api`: the provider in a process of its own."""

import argparse
import asyncio
import contextlib
import sys
from pathlib import Path

from playground import people
from playground.loopback import until_stopped
from playground.payments_api.app import running


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m playground.payments_api", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 (default) takes a free one")
    parser.add_argument("--database", type=Path, required=True, help="the SQLite file of its book")
    parser.add_argument("--api-key", default=people.PAYMENTS_API_KEY)
    return parser.parse_args(arguments)


async def _serve(options: argparse.Namespace) -> None:
    served = running(options.database, port=options.port, api_key=options.api_key)
    async with served as (_, address):
        await until_stopped(address)


def main() -> None:
    """Serves until it is interrupted. The first line on standard output names the address."""
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(_options(sys.argv[1:])))


if __name__ == "__main__":
    main()
