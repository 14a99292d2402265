"""What the gauges are drawn from: a few counts of what is open."""

from dataclasses import replace
from pathlib import Path

from agent_core.escalations import EscalationStatus
from agent_core.ports import UnitOfWork
from agent_core.proposals import Outcome
from agent_core.store.migrations import migrate
from agent_core.store.sql_store import SqlStore
from agent_core.store.standing import StandingReader
from tests.builders import NOON, a_conversation, a_ledger_entry, a_thread, an_escalation


async def test_what_is_in_doubt_is_so_until_a_person_has_closed_its_case(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'handrail.db'}"
    migrate(url)
    store, reader = SqlStore(url), StandingReader(url)

    def begin(tx: UnitOfWork) -> None:
        tx.conversations.add(a_conversation(), a_thread())
        tx.ledger.intend(a_ledger_entry())
        tx.escalations.add(an_escalation())

    def settle(tx: UnitOfWork) -> None:
        tx.ledger.settle(a_ledger_entry(outcome=Outcome.UNKNOWN, settled_at=NOON, reason="?"))

    def close(tx: UnitOfWork) -> None:
        status = EscalationStatus.RESOLVED
        closed = replace(an_escalation(), status=status, closed_at=NOON)
        tx.escalations.save(closed, expected=an_escalation())

    await store.run(begin)
    assert (reader.read().unsettled, reader.read().doubtful) == (1, 0)
    await store.run(settle)
    assert (reader.read().unknown, reader.read().doubtful) == (1, 1)
    await store.run(close)
    assert (reader.read().unknown, reader.read().doubtful) == (1, 0)
    await store.close()
