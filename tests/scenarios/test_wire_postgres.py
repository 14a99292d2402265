"""The main job with all state in Postgres."""

from collections.abc import Callable
from pathlib import Path

import pytest

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
