"""Reads values out of Slack's JSON without trusting its shape. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime

Json = Mapping[str, object]

_EMPTY: Json = {}


def table(value: Json, *path: str) -> Json:
    """The object at `path`; empty where there is none."""
    found: object = value
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else _EMPTY


def text(value: Json, *path: str) -> str:
    """The string at `path`, fit for storing; "" where there is none."""
    found = table(value, *path[:-1]).get(path[-1])
    return clean(found) if isinstance(found, str) else ""


def rows(value: Json, *path: str) -> list[Json]:
    """The objects in the list at `path`; empty where there is none."""
    found = table(value, *path[:-1]).get(path[-1])
    return [row for row in found if isinstance(row, Mapping)] if isinstance(found, list) else []


def clean(found: str) -> str:
    """Without NUL and lone surrogates, which JSON may carry and databases refuse."""
    return found.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def moment(ts: str) -> datetime | None:
    """The time of a Slack timestamp such as `1700000000.000100`; None where it is not one."""
    seconds, dot, rest = ts.partition(".")
    if not (seconds.isascii() and seconds.isdigit() and len(seconds) <= 11):
        return None
    if dot and not (rest.isascii() and rest.isdigit() and len(rest) <= 9):
        return None
    micros = int(rest.ljust(6, "0")[:6]) if rest else 0
    return datetime.fromtimestamp(int(seconds), tz=UTC).replace(microsecond=micros)
