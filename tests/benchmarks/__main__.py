"""`make bench`: measures everything in one run, prints a table, writes build/bench.json."""

import json
import os
import platform
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from tests.benchmarks import (
    core_costs,
    growth,
    load,
    sight_costs,
    slack_inbound,
    teams_inbound,
    turns,
)
from tests.benchmarks.processes import Json

RESULT: Final = Path("build") / "bench.json"
LIBRARIES: Final = (
    "openai",
    "openai-agents",
    "pydantic-ai-slim",
    "langgraph",
    "langchain-openai",
    "slack-bolt",
    "botbuilder-core",
    "dbos",
    "sqlalchemy",
    "aiohttp",
)
PARTS: Final[dict[str, Callable[[], list[Json]]]] = {
    "turns": turns.measure,
    "slack": slack_inbound.measure,
    "teams": lambda: [teams_inbound.measure()],
    "database": core_costs.database_rows,
    "policy": core_costs.policy_rows,
    "growth": growth.measure,
    "sight": sight_costs.measure,
    "load": load.measure,
}


def machine() -> str:
    """Cores, Python and the libraries that are compared, in a line."""
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    python = platform.python_version()
    return f"{os.cpu_count()} cores, {platform.system()}, Python {python}; {libraries}"


def table_of(rows: list[Json]) -> Table:
    table = Table(title="Handrail beside others, in one run")
    for heading in ("what", "unit", "ours", "peers", "ratio"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        peers = "\n".join(f"{name}: {figure:g}" for name, figure in row["peers"].items())
        ratio = "" if row["ratio"] is None else f"{row['ratio']:g}"
        table.add_row(row["name"], row["unit"], f"{row['ours']:g}", peers, ratio)
    return table


def main(names: list[str]) -> None:
    """All parts, or those named."""
    rows: list[Json] = []
    for name in names or PARTS:
        print(f"measuring {name} …", file=sys.stderr, flush=True)
        rows += PARTS[name]()
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(rows, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    console = Console(width=None if sys.stdout.isatty() else 140)
    console.print(table_of(rows))
    console.print(machine())


if __name__ == "__main__":
    main(sys.argv[1:])
