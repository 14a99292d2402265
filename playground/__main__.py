"""`python -m playground`: both stand-ins and the page in one process, on one loopback port.

The first line on standard output is JSON, written once everything listens: {"page": address of
the page, "slack_api": address of Slack's stand-in (its Web API is below /api/), "teams": address
of the Bot Connector's}.
"""

import argparse
import asyncio
import contextlib
import json
import socket
import sys

from playground import people
from playground.loopback import asked_to_stop
from playground.site import SiteOptions, SupportPlatform, running
from playground.slack_api.delivery import RETRY_DELAYS
from playground.slack_api.world import SlackWorld
from playground.teams_api import TeamsWorld

DEFAULT_PORT = 8400
_PORTS_TRIED = 50


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m playground", description=__doc__)
    parser.add_argument(
        "--port",
        type=int,
        default=DEFAULT_PORT,
        help="the first port to try (default %(default)s); 0 takes a free one",
    )
    parser.add_argument("--slack-request-url", help="where Slack's events and clicks are sent")
    parser.add_argument("--slack-signing-secret", default=people.SLACK_SIGNING_SECRET)
    parser.add_argument("--slack-bot-token", default=people.SLACK_BOT_TOKEN)
    parser.add_argument(
        "--slack-retry-delays", type=float, nargs="*", default=list(RETRY_DELAYS), metavar="SECONDS"
    )
    parser.add_argument(
        "--teams-messaging-endpoint",
        default="http://127.0.0.1:3978/api/messages",
        help="where Teams' activities are sent (default %(default)s)",
    )
    parser.add_argument("--teams-app-id", default=people.TEAMS_APP_ID)
    parser.add_argument("--teams-app-password", default=people.TEAMS_APP_PASSWORD)
    parser.add_argument("--teams-tenant-id", default=people.TEAMS_TENANT_ID)
    parser.add_argument("--inspect-url", help="the supervisor, for the drawer: URL/demo/status …")
    parser.add_argument("--payments-url", help="the payment provider's stand-in")
    parser.add_argument(
        "--support",
        type=SupportPlatform,
        choices=list(SupportPlatform),
        default=SupportPlatform.SLACK,
        help="where the support channel is (default %(default)s)",
    )
    return parser.parse_args(arguments)


def free_port(wanted: int) -> int:
    """`wanted`, or the next port that nobody listens on; 0 stays 0. OSError when all are taken."""
    last = OSError(f"no free port from {wanted} on")
    for port in range(wanted, min(wanted + _PORTS_TRIED, 65_536)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as problem:
                last = problem
                continue
            return port
    raise last


async def _serve(options: argparse.Namespace) -> None:
    slack = SlackWorld(
        request_url=options.slack_request_url,
        signing_secret=options.slack_signing_secret,
        retry_delays=tuple(options.slack_retry_delays),
    )
    slack.bot_tokens.add(options.slack_bot_token)
    teams = TeamsWorld(
        messaging_endpoint=options.teams_messaging_endpoint,
        app_id=options.teams_app_id,
        app_password=options.teams_app_password,
        tenant_id=options.teams_tenant_id,
    )
    site = SiteOptions(
        support=options.support,
        inspect_url=options.inspect_url,
        payments_url=options.payments_url,
    )
    port = free_port(options.port) if options.port else 0
    if port != options.port:
        sys.stderr.write(f"port {options.port} is taken; using {port}\n")
    async with running(slack, teams, site, port=port) as address:
        told = {"page": f"{address}/", "slack_api": address, "teams": address}
        sys.stdout.write(f"{json.dumps(told)}\n")
        sys.stdout.flush()
        await asked_to_stop()


def main() -> int:
    """Serves until it is interrupted; 2 when it cannot listen."""
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
