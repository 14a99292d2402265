"""Questions asked on the way of a message use an index, however many messages are stored."""

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.sql.visitors import iterate

from agent_core.store import (
    sql_actions,
    sql_audit,
    sql_conversations,
    sql_outgoing,
    sql_people,
    sql_turns,
)
from agent_core.store.migrations import migrate
from agent_core.store.sql_store import make_engine
from agent_core.store.tables import Stored

MODULES = (sql_actions, sql_audit, sql_conversations, sql_outgoing, sql_people, sql_turns)
# Whole lists of what an operator looks at: people and rooms, not messages.
LISTS = {"_ALL_ROOMS", "_NAMES", "_ALL_FACTS"}

# Indexes over what is open alone may be read whole: they are short, however much is finished.
OF_THE_OPEN = {
    index.name
    for table in Stored.metadata.tables.values()
    for index in table.indexes
    if index.dialect_options["sqlite"]["where"] is not None
}


Question = sa.Select[tuple[object, ...]]


def as_question(statement: object) -> Question | None:
    """A statement's WHERE clause as a SELECT; None for what has no such clause."""
    if isinstance(statement, sa.Select) and statement.whereclause is not None:
        return statement
    if isinstance(statement, sa.Update | sa.Delete) and statement.whereclause is not None:
        return sa.select(statement.table).where(statement.whereclause)
    return None


def questions() -> list[tuple[str, Question]]:
    found = [
        (f"{module.__name__.rpartition('.')[2]}.{name}", as_question(value))
        for module in MODULES
        for name, value in vars(module).items()
        if name not in LISTS
    ]
    return [(name, question) for name, question in found if question is not None]


def with_values(question: Question) -> Question:
    """Any value will do: the plan does not depend on it."""
    asked = [part for part in iterate(question) if isinstance(part, sa.BindParameter)]
    return question.params(
        {part.key: ["1"] if part.expanding else 1 for part in asked if part.required}
    )


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory):
    url = f"sqlite:///{tmp_path_factory.mktemp('plans') / 'handrail.db'}"
    migrate(url)
    engine = make_engine(url)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@pytest.mark.parametrize("name, question", questions(), ids=[name for name, _ in questions()])
def test_no_statement_scans_a_table(
    connection: sa.Connection, name: str, question: Question
) -> None:
    compiled = with_values(question).compile(dialect=sqlite.dialect(paramstyle="named"))
    asked = compiled.construct_expanded_state()
    plan = connection.exec_driver_sql(
        f"EXPLAIN QUERY PLAN {asked.statement}", dict(asked.parameters)
    )
    steps = [row[3] for row in plan.fetchall()]
    assert steps
    scans = [step for step in steps if step.startswith("SCAN hr_")]
    assert [step for step in scans if step.split()[-1] not in OF_THE_OPEN] == []


def test_there_are_questions_and_a_scan_would_be_seen(connection: sa.Connection) -> None:
    assert len(questions()) > 40
    plan = connection.exec_driver_sql("EXPLAIN QUERY PLAN SELECT * FROM hr_transcript")
    assert plan.fetchone()[3].startswith("SCAN hr_transcript")  # type: ignore[index]
