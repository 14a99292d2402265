"""The main job with all state in Postgres."""

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from bots import service
from tests.scenarios.test_wire import GLOBEX, OWNER, charges, seats
from tests.scenarios.wire import wired

pytestmark = pytest.mark.postgres


async def test_a_customer_adds_seats(tmp_path: Path, fresh_database: Callable[[], str]) -> None:
    async with wired(tmp_path, database_url=fresh_database()) as wire:
        before = await seats(wire)
        thread = wire.slack_thread(OWNER, GLOBEX, "add 2 seats please")
        await thread.click(OWNER, await thread.card("proposal.confirm"), "proposal.confirm")
        await thread.until_says("Done")
        assert await seats(wire) == (22, before[1] + 1)
        assert charges(wire) == 1


def allow(url: str, *, connections: bool) -> None:
    """Whether the database of this URL takes anybody; who is connected is sent away."""
    host, name = url.rpartition("/")[::2]
    what = "ALTER DATABASE {} ALLOW_CONNECTIONS " + str(connections).lower()
    with psycopg.connect(f"{host}/postgres", autocommit=True) as admin:
        admin.execute(SQL(what).format(Identifier(name)))
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
        )


async def test_a_start_without_the_account_database_hands_requests_to_people(
    tmp_path: Path, fresh_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "PREPARE_SECONDS", 0.2)
    accounts = fresh_database()
    async with wired(tmp_path, more={"HANDRAIL_ACCOUNTS_URL": accounts}) as wire:
        await wire.restart(lambda: allow(accounts, connections=False))
        thread = wire.slack_thread(OWNER, GLOBEX, "list our invoices")
        await thread.until_says("passed this on to the support team as Case")
        assert wire.service.failing == ("the account system",)
        allow(accounts, connections=True)
        await wire.until(lambda: not wire.service.failing)
        assert await seats(wire)
