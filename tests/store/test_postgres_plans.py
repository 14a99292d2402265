"""The same questions on Postgres, with an account of many messages: no table that grows is read
from end to end."""

import re
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.sql.visitors import iterate

from agent_core.store.migrations import migrate
from agent_core.store.sql_store import make_engine
from agent_core.store.tables import UtcTime
from tests.benchmarks.stored import LATEST, fill
from tests.store.test_plans import Question, questions

pytestmark = pytest.mark.postgres

MESSAGES = 10_000
ACCOUNT = "northwind"
# What grows with the messages. The other tables have a row for a person, a room, or what is open.
GROWING = frozenset(
    f"hr_{name}"
    for name in (
        *("conversations", "conversation_threads", "transcript", "deliveries", "inbox", "turns"),
        *("journal", "proposals", "ledger", "destinations", "outgoing", "escalations", "audit"),
    )
)
# Where one value stands for an account, all that is stored has it.
OF_THE_ACCOUNT = {"sql_actions._OF_ACCOUNT": {"b_id"}}


def values_of(name: str, question: Question) -> dict[str, Any]:
    """A conversation of the many, and the account that all of them have."""
    found: dict[str, Any] = {}
    for part in iterate(question):
        if not isinstance(part, sa.BindParameter) or not part.required:
            continue
        value: Any = 5
        if isinstance(part.type, UtcTime):
            value = LATEST
        elif part.key in {"b_account", "b_chain"} | OF_THE_ACCOUNT.get(name, set()):
            value = ACCOUNT
        elif not isinstance(part.type, sa.Integer | sa.types.NullType):
            value = "old_5"
        found[part.key] = [value] if part.expanding else value
    return found


def scanned(connection: sa.Connection, question: Question, values: dict[str, Any]) -> set[str]:
    """The tables that the planner would read from end to end."""
    compiled = question.compile(dialect=connection.dialect)
    asked = compiled.construct_expanded_state(values)
    bound = {
        key: process(value) if (process := asked.processors.get(key)) else value
        for key, value in asked.parameters.items()
    }
    plan = connection.exec_driver_sql(f"EXPLAIN {asked.statement}", bound)
    return set(re.findall(r"Seq Scan on (hr_\w+)", "\n".join(row[0] for row in plan)))


def test_no_question_reads_a_growing_table_from_end_to_end(
    fresh_database: Callable[[], str],
) -> None:
    url = fresh_database()
    migrate(url)
    engine = make_engine(url)
    fill(engine, MESSAGES, account=ACCOUNT, room="slack:T/C")
    with engine.connect() as connection:
        everything: Question = sa.select(sa.text("*")).select_from(sa.text("hr_transcript"))
        assert scanned(connection, everything, {}) == {"hr_transcript"}  # it would be seen
        found = {
            name: scanned(connection, question, values_of(name, question)) & GROWING
            for name, question in questions()
        }
    engine.dispose()
    assert {name: tables for name, tables in found.items() if tables} == {}
