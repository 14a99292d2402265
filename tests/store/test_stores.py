"""The store's contract on memory, SQLite and Postgres."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from agent_core.ports import Store
from agent_core.store.memory_store import MemoryStore
from agent_core.store.migrations import migrate
from agent_core.store.sql_store import SqlStore
from tests.contracts.store_audit_suite import AuditContract
from tests.contracts.store_brakes_suite import BrakeContract
from tests.contracts.store_retention_suite import RetentionContract
from tests.contracts.store_suite import (
    ConversationContract,
    PeopleContract,
    TransactionContract,
    TurnContract,
)
from tests.contracts.store_work_suite import (
    EscalationContract,
    OutgoingContract,
    ProposalContract,
)


class StoreContract(
    TransactionContract,
    PeopleContract,
    ConversationContract,
    TurnContract,
    ProposalContract,
    OutgoingContract,
    EscalationContract,
    AuditContract,
    BrakeContract,
    RetentionContract,
):
    """All of it."""


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def store(self) -> Store:
        return MemoryStore()


class TestSqliteStore(StoreContract):
    @pytest.fixture
    async def store(self, tmp_path: Path) -> AsyncIterator[Store]:
        url = f"sqlite:///{tmp_path / 'handrail.db'}"
        migrate(url)
        store = SqlStore(url)
        yield store
        await store.close()


@pytest.mark.postgres
class TestPostgresStore(StoreContract):
    @pytest.fixture
    async def store(self, fresh_database: Callable[[], str]) -> AsyncIterator[Store]:
        url = fresh_database()
        migrate(url)
        store = SqlStore(url)
        yield store
        await store.close()
