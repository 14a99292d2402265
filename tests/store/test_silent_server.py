"""A Postgres server that takes connections and says nothing: told of, and not waited for."""

import socket
from collections.abc import Iterator

import pytest

from agent_core.errors import ConfigurationError, StoreError
from agent_core.store import sql_store
from agent_core.store.health import database_problem, version_problem
from agent_core.store.migrations import migrate
from agent_core.store.standing import StandingReader

pytestmark = pytest.mark.timeout(40)


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of such a server, and less patience with it (the driver's least)."""
    monkeypatch.setattr(sql_store, "CONNECT_SECONDS", 2)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"postgresql://handrail@127.0.0.1:{listening.getsockname()[1]}/handrail"


def test_whoever_looks_at_it_is_told(silent: str) -> None:
    problem = database_problem(silent)
    assert problem is not None and "cannot be reached" in problem and "timeout" in problem
    with pytest.raises(StoreError):
        version_problem(silent)
    with pytest.raises(StoreError):
        StandingReader(silent).read()
    with pytest.raises(ConfigurationError, match="cannot be opened or migrated"):
        migrate(silent)


def test_what_the_url_says_holds() -> None:
    wanted = sql_store.database_url("postgresql://handrail@127.0.0.1/handrail?connect_timeout=60")
    assert sql_store.postgres_wishes(wanted) == {}
