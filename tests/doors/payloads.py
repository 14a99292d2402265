"""Recorded payloads, and strategies that spoil them."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

ROOT = Path(__file__).parents[1] / "payloads"
ODD_TEXT = (
    "",
    "\x00",
    "a\x00b",
    "\ud800",
    "x\udfffy",
    "\u202e\u2066",
    "x" * 100_000,
    "<@U0HANDRAIL>" * 400,
    "9" * 400,
    "-1",
    "1e999",
    "1700000000.999999999",
    "99999999999.000001",
    "T0ACME",
    "handrail|T0ACME|0",
    "../../etc/passwd",
    "https://slack.invalid/",
    "'; DROP TABLE hr_people; --",
)
ODD_NUMBERS = (0, -1, 2**31, 2**63, -(2**63) - 1, 10**400, 1.5, float("inf"), float("nan"))


def recorded(platform: str) -> list[tuple[str, dict[str, Any]]]:
    """The recorded payloads of a platform, by name."""
    files = sorted((ROOT / platform).glob("*.json"))
    return [
        (f.stem, json.loads(f.read_text("utf-8"))) for f in files if not f.stem.endswith("schema")
    ]


def nested(depth: int) -> Any:
    found: Any = "deep"
    for level in range(depth):
        found = [found] if level % 2 else {"event": found}
    return found


def odd_values() -> st.SearchStrategy[Any]:
    """Anything JSON can say, and a little more."""
    leaves = st.none() | st.booleans() | st.sampled_from(ODD_NUMBERS) | st.sampled_from(ODD_TEXT)
    return st.one_of(
        leaves,
        st.integers(1, 300).map(nested),
        st.recursive(
            leaves,
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.sampled_from(["id", "text", "type", "user", ""]), inner)
            ),
            max_leaves=6,
        ),
    )


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value inside."""
    inside: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        inside = list(value.items())
    elif isinstance(value, list):
        inside = list(enumerate(value))
    found = [(*path, key) for key, _ in inside]
    for key, inner in inside:
        found += places(inner, (*path, key))
    return found


@st.composite
def spoilt(draw: st.DrawFn, payload: dict[str, Any]) -> dict[str, Any]:
    """The payload with up to four changes: dropped, replaced, added, moved."""
    changed = deepcopy(payload)
    for _ in range(draw(st.integers(0, 4))):
        paths = places(changed)
        if not paths:
            break
        *way, last = draw(st.sampled_from(paths))
        holder: Any = changed
        for step in way:
            holder = holder[step]
        match draw(st.sampled_from(["drop", "replace", "add", "move"])):
            case "drop":
                del holder[last]
            case "replace":
                holder[last] = draw(odd_values())
            case "add" if isinstance(holder, dict):
                holder[draw(st.sampled_from(["type", "event", "user", "\x00", "x" * 5000]))] = draw(
                    odd_values()
                )
            case _:
                holder[last] = {"moved": holder[last]}
    return changed


@st.composite
def encoded(draw: st.DrawFn, payload: dict[str, Any]) -> bytes:
    """The payload as bytes: mostly JSON in UTF-8, at times something that claims to be."""
    text = json.dumps(payload)
    match draw(st.sampled_from(["plain"] * 6 + ["twice", "utf-16", "bom", "cut", "raw", "twins"])):
        case "twice":
            return (text + text).encode()
        case "utf-16":
            return text.encode("utf-16")
        case "bom":
            return b"\xef\xbb\xbf" + text.encode()
        case "cut":
            return text.encode()[: draw(st.integers(0, len(text)))]
        case "raw":
            return draw(st.binary(max_size=200))
        case "twins":
            return text.replace("{", '{"type": [], "id": {}, "event": 1, ', 1).encode()
    return text.encode()
