"""The sizes, times and hosts that Teams and the Bot Connector set."""

import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit

MAX_BODY_BYTES = 256 * 1024
CARD_BYTES = 24 * 1024  # Teams takes 28 KB for a card; the rest is for the activity around it
TEXT_CHARACTERS = 4_000  # one text block
MESSAGE_CHARACTERS = 10_000  # a text message: 28 KB in UTF-16, with the fallback beside it
FALLBACK_CHARACTERS = 1_500
FACT_CHARACTERS = 500  # one labelled value
FACT_SET_BYTES = 8 * 1024
MAX_BUTTONS = 6
CLOCK_LEEWAY_SECONDS = 300
REQUEST_SECONDS = 15.0

DEFAULT_SERVICE_URL = "https://smba.trafficmanager.net/teams/"
KNOWN_SERVICE_HOSTS = (
    "smba.trafficmanager.net",
    "*.smba.trafficmanager.net",
    "*.botframework.com",
    "smba.infra.gcc.teams.microsoft.com",
    "smba.infra.gov.teams.microsoft.us",
    "smba.infra.dod.teams.microsoft.us",
)


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_known_service(url: str, hosts: Iterable[str], *, development: bool) -> bool:
    """Whether the bot may talk to this service URL: https and a known host.

    `development` also takes loopback addresses, with or without https.
    """
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
        _ = parts.port  # raises where it is no number
    except ValueError:
        return False
    if parts.username or parts.password or not host:
        return False
    if development and parts.scheme in ("http", "https") and is_loopback(host):
        return True
    return parts.scheme == "https" and any(_matches(host, known.lower()) for known in hosts)


def _matches(host: str, known: str) -> bool:
    if known.startswith("*."):
        return host.endswith(known[1:])
    return host == known


def split_text(text: str, limit: int) -> list[str]:
    """Pieces of at most `limit` characters, cut at paragraphs, lines or words where possible."""
    pieces: list[str] = []
    rest = text
    while len(rest) > limit:
        cut = max(rest.rfind(mark, 0, limit) for mark in ("\n\n",))
        for mark in ("\n", " "):
            if cut < limit // 2:
                cut = rest.rfind(mark, 0, limit)
        cut = cut if cut >= limit // 2 else limit
        pieces.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip("\n ")
    return [*pieces, rest] if rest or not pieces else pieces
