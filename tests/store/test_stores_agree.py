"""Whatever is asked in whichever order, the memory store answers as SQLite does."""

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_core.errors import StoreError
from agent_core.journal import InboxKind, TurnStatus
from agent_core.outgoing import OutgoingStatus
from agent_core.ports import Store, UnitOfWork
from agent_core.proposals import ProposalStatus
from agent_core.store.memory_store import MemoryStore
from agent_core.store.migrations import migrate
from agent_core.store.sql_store import SqlStore
from tests.builders import (
    NOON,
    a_conversation,
    a_destination,
    a_journal_entry,
    a_participant,
    a_proposal,
    a_thread,
    a_turn,
    an_entry,
    an_outgoing_row,
)

Operation = Callable[[UnitOfWork], object]
few = st.integers(1, 3)
con = a_conversation().id
des = a_destination().id


def ask(tx: UnitOfWork) -> object:
    who = a_participant()
    return tx.inbox.add(con, InboxKind.MESSAGE, author=who, author_key="a", at=NOON)


operations: st.SearchStrategy[Operation] = st.one_of(
    st.just(ask),
    few.map(lambda n: lambda tx: tx.inbox.take(f"event-{n}", NOON)),
    st.just(lambda tx: tx.inbox.new_rows(con)),
    st.tuples(few, few).map(lambda n: lambda tx: tx.inbox.claim([n[0]], a_turn(f"t{n[1]}").id)),
    few.map(lambda n: lambda tx: tx.inbox.finish([n])),
    few.map(lambda n: lambda tx: tx.turns.add(a_turn(f"t{n}"))),
    st.tuples(few, few).map(
        lambda n: lambda tx: tx.turns.take_over(a_turn(f"t{n[0]}").id, f"token-{n[1]}")
    ),
    st.tuples(few, few).map(
        lambda n: (
            lambda tx: tx.turns.append(
                a_turn(f"t{n[0]}").id, f"token-{n[1]}", [a_journal_entry(n[1], f"t{n[0]}")]
            )
        )
    ),
    few.map(
        lambda n: lambda tx: tx.turns.close(a_turn(f"t{n}").id, "token-1", TurnStatus.FINISHED)
    ),
    few.map(lambda n: lambda tx: tx.transcript.append(an_entry(text=str(n)))),
    few.map(lambda n: lambda tx: tx.transcript.last(con, n, upto=n)),
    few.map(
        lambda n: (
            lambda tx: tx.conversations.save(
                replace(a_conversation(), epoch=n), expected_epoch=n - 1
            )
        )
    ),
    st.tuples(few, few).map(
        lambda n: lambda tx: tx.proposals.add(a_proposal(f"p{n[0]}", occurrence=n[1]))
    ),
    st.tuples(few, st.sampled_from(ProposalStatus), st.sampled_from(ProposalStatus)).map(
        lambda n: lambda tx: tx.proposals.save(a_proposal(f"p{n[0]}", status=n[1]), expected=n[2])
    ),
    st.just(lambda tx: tx.proposals.open_in(con)),
    few.map(lambda n: lambda tx: tx.outgoing.add(an_outgoing_row(f"o{n}"))),
    st.tuples(few, st.sampled_from(OutgoingStatus)).map(
        lambda n: lambda tx: tx.outgoing.save(an_outgoing_row(f"o{n[0]}", status=n[1]))
    ),
    st.tuples(few, few).map(
        lambda n: (
            lambda tx: tx.outgoing.lease(
                des, f"w{n[0]}", NOON + timedelta(seconds=n[1]), NOON + timedelta(seconds=n[1] + 1)
            )
        )
    ),
    st.just(lambda tx: tx.outgoing.next_row(des)),
)
# Several operations in one transaction, which fails at its end or does not.
transactions = st.lists(
    st.tuples(st.lists(operations, min_size=1, max_size=6), st.booleans()), min_size=3, max_size=15
)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("template") / "handrail.db"
    migrate(f"sqlite:///{path}")
    yield path


async def answers(store: Store, wanted: list[tuple[list[Operation], bool]]) -> list[object]:
    def prepare(tx: UnitOfWork) -> None:
        tx.conversations.add(replace(a_conversation(), epoch=0), a_thread())
        tx.outgoing.put_destination(a_destination())

    given_back: list[object] = []

    def do_all(tx: UnitOfWork, todo: list[Operation], fails: bool) -> None:
        for operation in todo:
            # A refusal ends no transaction: the caller may go on.
            try:
                given_back.append(operation(tx))
            except StoreError as refusal:
                given_back.append(type(refusal))
        if fails:
            raise RuntimeError("power cut")

    await store.run(prepare)
    for todo, fails in wanted:
        try:
            await store.run(lambda tx: do_all(tx, todo, fails))  # noqa: B023
        except RuntimeError:
            given_back.append("rolled back")
    await store.close()
    return given_back


@settings(max_examples=100, deadline=None)
@given(wanted=transactions)
def test_memory_answers_as_sqlite_does(
    template: Path, wanted: list[tuple[list[Operation], bool]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "handrail.db"
        shutil.copy(template, path)
        stored = asyncio.run(answers(SqlStore(f"sqlite:///{path}"), wanted))
    assert asyncio.run(answers(MemoryStore(), wanted)) == stored
