"""Draws the rows of a bench that set ours beside somebody else's."""

from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tests.benchmarks.processes import Json

_OURS, _PEER, _INK = "#1d6f8a", "#b9c2c9", "#22292e"


# Rows with one of these are drawn; others compare ours with a budget, or with ours elsewhere.
_OTHERS: Final = frozenset(
    {
        "openai-agents",
        "bare Bolt app",
        "botbuilder BotFrameworkHttpAdapter",
    }
)


def compared(rows: list[Json]) -> list[Json]:
    """Rows that set ours beside somebody else's."""
    return [row for row in rows if _OTHERS & set(row["peers"])]


def draw(rows: list[Json]) -> Figure:
    """A panel for each row, ours first, each bar with its figure in words."""
    chosen = compared(rows)
    heights = [1 + len(row["peers"]) for row in chosen]
    figure = Figure(figsize=(8.5, 0.36 * sum(heights) + 0.75 * len(chosen)), layout="constrained")
    figure.patch.set_facecolor("white")
    panels = figure.subplots(len(chosen), 1, squeeze=False, height_ratios=heights)
    for panel, row in zip(panels[:, 0], chosen, strict=True):
        _panel(panel, row)
    return figure


def _panel(panel: Axes, row: Json) -> None:
    names = ["Handrail", *row["peers"]]
    figures = [row["ours"], *row["peers"].values()]
    colours = [_OURS, *[_PEER] * len(row["peers"])]
    bars = panel.barh(names, figures, color=colours, height=0.7)
    panel.bar_label(bars, fmt="%g", padding=4, color=_INK, fontsize=8)
    panel.invert_yaxis()
    panel.margins(x=0.12)
    panel.set_title(f"{row['name']} ({row['unit']})", loc="left", fontsize=9, color=_INK)
    panel.tick_params(left=False, bottom=False, labelbottom=False, labelsize=8, colors=_INK)
    for side in panel.spines.values():
        side.set_visible(False)
