"""Puts the figures of build/bench.json into docs/benchmarks.md, and the chart beside it."""

import json
from pathlib import Path
from typing import Final

from tests.benchmarks.__main__ import RESULT, machine
from tests.benchmarks.chart import draw
from tests.benchmarks.processes import Json

PAGE: Final = Path("docs") / "benchmarks.md"
CHART: Final = Path("docs") / "benchmarks.svg"
_BEGIN, _END = "<!-- figures -->", "<!-- end of figures -->"


def table(rows: list[Json]) -> str:
    """The rows as a Markdown table."""
    lines = ["| what | unit | ours | peers | ratio |", "|---|---|---|---|---|"]
    for row in rows:
        peers = "<br>".join(f"{name}: {figure:,g}" for name, figure in row["peers"].items())
        ratio = "" if row["ratio"] is None else f"{row['ratio']:g}"
        lines.append(f"| {row['name']} | {row['unit']} | {row['ours']:,g} | {peers} | {ratio} |")
    return "\n".join(lines)


def with_figures(page: str, rows: list[Json], where: str) -> str:
    """The page with these rows in the place of its former ones. Raises ValueError without it."""
    before, _, rest = page.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not end:
        raise ValueError(f"{PAGE} has no {_BEGIN} … {_END}")
    return f"{before}{_BEGIN}\nMeasured on {where}.\n\n{table(rows)}\n{end}{after}"


if __name__ == "__main__":
    found = json.loads(RESULT.read_text(encoding="utf-8"))
    text = with_figures(PAGE.read_text(encoding="utf-8"), found, machine())
    PAGE.write_text(text, encoding="utf-8")
    draw(found).savefig(CHART, metadata={"Date": None})
    print(f"{PAGE} and {CHART}")
