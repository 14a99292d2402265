"""docs/trust.md is true: every table and every column of every database of ours is in it."""

import re
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa
from slack_sdk.oauth.installation_store.sqlalchemy import SQLAlchemyInstallationStore

from agent_core.clock import SystemClock
from agent_core.engine.dbos_engine import DbosEngine
from agent_core.store import audit_tables  # noqa: F401 - its tables belong to the store
from agent_core.store.holdings import HOLDINGS, KEPT, Going, Holds
from agent_core.store.migrations import migrate
from agent_core.store.tables import Stored
from bots.setting_names import VARIABLES
from tests.trust_page import PAGE, with_tables
from tools.accounts.tables import Tables as Accounts


def page() -> str:
    return PAGE.read_text(encoding="utf-8")


def test_every_column_is_classified_and_no_other() -> None:
    stored = {one.name: {column.name for column in one.c} for one in Stored.metadata.sorted_tables}
    named = {name: set(holding.columns) for name, holding in HOLDINGS.items()}
    assert named == stored, "name it in agent_core/store/holdings.py"


def test_the_page_is_as_the_code_says() -> None:
    assert page() == with_tables(page()), "run: python -m tests.trust_page"


def test_what_stays_when_somebody_is_forgotten_has_a_blank_for_everything_personal() -> None:
    for name, holding in HOLDINGS.items():
        if holding.going is not Going.BLANKED:
            continue
        for column, one in holding.columns.items():
            if one.holds is Holds.PERSONAL:
                assert one.blank is not KEPT, f"{name}.{column} would stay"


def test_a_blank_fits_its_column() -> None:
    for table in Stored.metadata.sorted_tables:
        for column in table.c:
            blank = HOLDINGS[table.name].columns[column.name].blank
            assert blank is not None or column.nullable, (
                f"{table.name}.{column.name} may not be null"
            )
            assert blank is KEPT or not column.primary_key, f"{table.name}.{column.name} is the key"


def columns_on_the_page(table: str) -> set[str]:
    """Of a table that is described in one line: `| `table` | `column`, `column` … |`."""
    found = [line for line in page().splitlines() if line.startswith(f"| `{table}` |")]
    assert found, f"docs/trust.md does not name the table {table}"
    return set(re.findall(r"`(\w+)`", found[0])) - {table}


def test_the_tables_of_the_account_system_are_on_the_page() -> None:
    for table in Accounts.metadata.sorted_tables:
        missing = {column.name for column in table.c} - columns_on_the_page(table.name)
        assert not missing, f"{table.name}: {missing}"


def test_the_tables_of_slack_installations_are_on_the_page() -> None:
    metadata = sa.MetaData()
    for table in (
        SQLAlchemyInstallationStore.build_installations_table(metadata, "slack_installations"),
        SQLAlchemyInstallationStore.build_bots_table(metadata, "slack_bots"),
    ):
        missing = {column.name for column in table.c} - columns_on_the_page(table.name)
        assert not missing, f"{table.name}: {missing}"


def test_the_tables_of_the_engine_are_on_the_page(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'handrail.db'}"
    migrate(url)
    DbosEngine(url, clock=SystemClock()).prepare()
    with sqlite3.connect(tmp_path / "handrail.db") as database:
        names = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (name,) in names:
            if name.startswith(("hr_", "sqlite_")):
                continue
            columns = {row[1] for row in database.execute(f"PRAGMA table_info({name})")}
            missing = columns - columns_on_the_page(name)
            assert not missing, f"{name}: {missing}"
    database.close()


@pytest.mark.parametrize(
    "variable", [name for name in VARIABLES if name.endswith(("_URL", "_ENDPOINT"))]
)
def test_whom_we_send_to_is_on_the_page(variable: str) -> None:
    assert variable in page(), f"docs/trust.md does not say what goes to {variable}"
