"""Writes the tables of docs/trust.md that come from the code: `python -m tests.trust_page`."""

from pathlib import Path
from typing import Final

from agent_core.store.holdings import HOLDINGS, Going, Holds

PAGE: Final = Path(__file__).parents[1] / "docs/trust.md"
BEGIN: Final = "<!-- tables: written by `python -m tests.trust_page` -->"
END: Final = "<!-- end of tables -->"
_GOING: Final = {
    Going.DELETED: "rows are deleted",
    Going.BLANKED: "rows stay, without what is personal",
    Going.SEALED: "rows stay, the key is destroyed",
    Going.KEPT: "rows stay",
}


def tables() -> str:
    """One section a table, one line a column."""
    parts = []
    for name, holding in HOLDINGS.items():
        parts.append(f"#### {name}: {holding.why}")
        parts.append(f"Kept: {holding.long}. When forgotten: {_GOING[holding.going]}.")
        lines = ["| field | about | what |", "|---|---|---|"]
        for column, one in holding.columns.items():
            about = "" if one.holds is Holds.TECHNICAL else one.holds.value
            lines.append(f"| `{column}` | {about} | {one.what} |")
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def with_tables(page: str) -> str:
    """The page with its tables as the code has them."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{tables()}\n\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
