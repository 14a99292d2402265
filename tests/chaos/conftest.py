"""Prints the figures of all chaos runs at the end, in one table."""

import json
import os
from pathlib import Path
from typing import Any

from tests.chaos.runs import FINISHED, told

LONG = int(os.environ.get("HANDRAIL_CHAOS_KILLS", "0")) >= 30  # as `make chaos` sets it
FIGURES = Path(__file__).parents[2] / "build" / "chaos.json"


def pytest_collection_modifyitems(config: Any, items: list[Any]) -> None:
    """What takes minutes runs in `make chaos` alone."""
    left = [item for item in items if getattr(item.function, "only_long", False) and not LONG]
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in left]


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """After everything else; the figures also go to build/chaos.json."""
    if not FINISHED:
        return
    terminalreporter.write_line(told(FINISHED))
    FIGURES.parent.mkdir(exist_ok=True)
    rows = [{"run": name, **figures} for name, figures in FINISHED]
    FIGURES.write_text(json.dumps(rows, indent=2))
