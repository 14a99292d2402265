"""The threat model names files and tests that exist, and leaves no row without a test."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/security.md").read_text(encoding="utf-8")
NAMED = sorted(
    set(re.findall(r"`((?:[\w-]+/)*[\w-]+\.(?:py|lock|json)(?:::\w+)?|Makefile)`", PAGE))
)
ROWS = [
    line
    for line in PAGE.split("## The figures")[0].splitlines()
    if line.startswith("| ") and "shown by" not in line
]


def functions(file: Path) -> set[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in ast.walk(tree) if isinstance(node, kinds)}


@pytest.mark.parametrize("name", NAMED)
def test_what_it_names_is_there(name: str) -> None:
    path, _, function = name.partition("::")
    assert (ROOT / path).is_file()
    if function:
        assert function in functions(ROOT / path)


def test_every_row_says_what_stops_it_and_what_shows_it() -> None:
    assert len(ROWS) > 30
    for row in ROWS:
        *_, stops, shown = [cell.strip() for cell in row.strip("| ").split(" | ")]
        assert re.search(r"`[\w/.-]+`", stops) or "in the same" in stops, row
        assert "`tests/" in shown or shown == "by hand, see below", row


def test_the_limits_are_those_of_the_code() -> None:
    from bots import bodies, doorway
    from bots.slack.limits import BODY_BYTES
    from bots.teams.limits import MAX_BODY_BYTES

    table = PAGE.split("## The figures")[1].split("\n\nUnder ")[0]
    kib, mib = 1024, 1024 * 1024
    for said in (
        f"{doorway.CONNECTIONS} (and up to {doorway.BACKLOG} being taken in)",
        f"{doorway.HEAD_SECONDS:.0f} s, {doorway.HANDLER_ARGUMENTS['max_headers']} lines",
        f"{bodies.BODY_SECONDS:.0f} s; {BODY_BYTES // mib} MiB from Slack",
        f"{MAX_BODY_BYTES // kib} KiB from Teams; {bodies.SMALL_BODY // kib} KiB each",
        f"the rest from {bodies.LARGE_BODIES // mib} MiB for all",
        f"{doorway.REQUEST_SECONDS:.0f} s; {doorway.IDLE_SECONDS:.0f} s",
    ):
        assert said in table, said
