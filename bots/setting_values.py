"""The types of single settings: each refuses a wrong value with the words of its remedy."""

import re
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, PlainValidator, SecretStr

from agent_core.audit import parse_key
from agent_core.messages import Platform, RoomRef


class TeamsAppType(StrEnum):
    """How a bot is registered with Microsoft."""

    SINGLE_TENANT = "SingleTenant"
    MULTI_TENANT = "MultiTenant"


SHORTEST_TOKEN: Final = 16
LOG_LEVELS: Final = ("debug", "info", "warning", "error")
_POSTGRES: Final = re.compile(r"postgres(?:ql)?(?:\+psycopg)?://")


def _database_url(value: object) -> SecretStr:
    url = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
    if _POSTGRES.match(url):
        url = _POSTGRES.sub("postgresql://", url, count=1)
        if not urlsplit(url).path.strip("/"):
            raise ValueError("names no database: write postgresql://USER:PASSWORD@HOST/NAME")
        return SecretStr(url)
    if url.startswith("sqlite:///") and url not in ("sqlite:///", "sqlite:///:memory:"):
        return SecretStr(url)
    if url.startswith("sqlite:"):
        raise ValueError("names no file: write sqlite:///FILE (four slashes for /a/whole/path)")
    scheme = url.partition(":")[0] if "://" in url else ""
    named = f"names {scheme}, which is not served" if scheme.isalnum() else "is not a database URL"
    raise ValueError(f"{named}: write sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME")


def _http_url(value: object) -> str:
    url = str(value)
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname)
        _ = parts.port  # raises where it is no number
    except ValueError:
        usable = False
    if not usable:
        raise ValueError("is not an address: write it in full, like https://host.example/path")
    return url


def _audit_key(value: object) -> SecretStr:
    text = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
    parse_key(text)
    return SecretStr(text)


def _metrics_token(value: object) -> SecretStr:
    text = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
    if len(text) < SHORTEST_TOKEN or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError(
            f"is not a token: take {SHORTEST_TOKEN} or more letters and digits, as from: "
            "openssl rand -hex 32"
        )
    return SecretStr(text)


def _folder(value: object) -> Path:
    return Path(str(value)).expanduser()


def _room(value: object) -> RoomRef:
    if isinstance(value, RoomRef):
        return value
    return room_address(str(value))


def room_address(address: str) -> RoomRef:
    """A room as people write it; a Teams tenant in lower case, without a thread. ValueError."""
    try:
        room = RoomRef.parse(address)
    except ValueError as problem:
        raise ValueError(f"is wrong: {problem}") from None
    if room.platform is Platform.EMBEDDED:
        raise ValueError("is wrong: the service serves rooms of slack and teams")
    if room.platform is Platform.SLACK:
        return room
    return RoomRef(
        platform=room.platform,
        tenant_id=room.tenant_id.lower(),
        room_id=room.room_id.split(";messageid=")[0],
    )


def _one_of(*allowed: str) -> Callable[[object], str]:
    """Any letter case; the value as it is written here."""

    def check(value: object) -> str:
        for each in allowed:
            if str(value).lower() == each.lower():
                return each
        raise ValueError(f"is {str(value)!r}: write {' or '.join(allowed)}")

    return check


def _token(prefix: str, others: dict[str, str]) -> Callable[[object], SecretStr]:
    """Refuses the tokens that are taken for this one, and says which it is."""

    def check(value: object) -> SecretStr:
        token = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        for other, what in others.items():
            if token.startswith(other):
                raise ValueError(f"holds {what} ({other}…): it has to begin with {prefix}")
        return SecretStr(token)

    return check


_BOT: Final = "a bot token, which belongs in SLACK_BOT_TOKEN"
_APP: Final = "an app-level token, which belongs in SLACK_APP_TOKEN"
_USER: Final = "a user token"

DatabaseUrl = Annotated[SecretStr, PlainValidator(_database_url)]
AuditKey = Annotated[SecretStr, PlainValidator(_audit_key)]
MetricsToken = Annotated[SecretStr, PlainValidator(_metrics_token)]
HttpUrl = Annotated[str, PlainValidator(_http_url)]
Folder = Annotated[Path, PlainValidator(_folder)]
Room = Annotated[RoomRef, PlainValidator(_room)]
LogLevel = Annotated[str, PlainValidator(_one_of(*LOG_LEVELS))]
Switch = Annotated[Literal["on", "off"], BeforeValidator(_one_of("on", "off"))]
TracesExporter = Annotated[Literal["otlp", "none"], BeforeValidator(_one_of("otlp", "none"))]
TrueFalse = Annotated[Literal["true", "false"], BeforeValidator(_one_of("true", "false"))]
TeamsType = Annotated[TeamsAppType, BeforeValidator(_one_of(*TeamsAppType))]
BotToken = Annotated[SecretStr, PlainValidator(_token("xoxb-", {"xapp-": _APP, "xoxp-": _USER}))]
AppToken = Annotated[SecretStr, PlainValidator(_token("xapp-", {"xoxb-": _BOT, "xoxp-": _USER}))]
