"""Where faults are tried: the core's store and the account system on memory, SQLite, Postgres."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from agent_core.store.memory_store import MemoryStore
from tests.builders import NOON
from tests.faults.actions import Asked
from tests.faults.way import Way
from tests.races.conftest import Open, migrated_database, migrated_file, open_store
from tools.accounts.memory_gateway import MemoryPayments
from tools.accounts.seed import seed
from tools.accounts.sql_gateway import SqlStorage
from tools.accounts.stored_gateway import StoredAccounts

ROUNDS = int(os.environ.get("HANDRAIL_CHAOS_ROUNDS", "1"))
SAMPLE = ("refund_invoice",)  # what a database is tried with in the short run

__all__ = ["migrated_database", "migrated_file", "open_store"]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Every action on every database is for `make chaos`."""
    if ROUNDS > 1:
        return
    left = [item for item in items if _is_for_chaos(item)]
    config.hook.pytest_deselected(items=left)
    items[:] = [item for item in items if item not in left]


def _is_for_chaos(item: pytest.Item) -> bool:
    if item.path.parent != Path(__file__).parent or not isinstance(item, pytest.Function):
        return False
    chosen = item.callspec.params if hasattr(item, "callspec") else {}
    return chosen.get("open_store", "memory") != "memory" and chosen.get("tool") not in SAMPLE


@dataclass
class Ways:
    """Makes a way on fresh storage, and closes it."""

    open_store: Open
    accounts_url: Callable[[], str]
    close: list[Callable[[], Awaitable[None]]] = field(default_factory=list)

    @property
    def is_cheap(self) -> bool:
        return self.open_store.is_cheap

    async def new(self, asked: Asked) -> Way:
        await self.done()
        store = self.open_store()
        if isinstance(store, MemoryStore):
            return Way(asked, store)
        storage = SqlStorage(self.accounts_url())
        await storage.prepare()
        self.close += [store.close, storage.close]
        await seed(StoredAccounts(storage, MemoryPayments(), lambda: NOON), MemoryPayments(), NOON)
        return Way(asked, store, storage)

    async def done(self) -> None:
        while self.close:
            await self.close.pop()()


@pytest.fixture
async def ways(
    open_store: Open, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Ways]:
    made = iter(range(100_000))
    if request.node.callspec.params["open_store"] == "postgres":
        url: str = request.getfixturevalue("migrated_database")
        found = Ways(open_store, lambda: url)  # tables of its own, emptied with the others
    else:
        found = Ways(open_store, lambda: f"sqlite:///{tmp_path / f'accounts-{next(made)}.db'}")
    yield found
    await found.done()
