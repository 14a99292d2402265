"""The pace of a room holds over all processes together, by the server's clock."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from agent_core.delivery_pace import Pace, Rate
from agent_core.errors import ConfigurationError
from agent_core.messages import Platform, RoomRef
from agent_core.store.migrations import migrate
from agent_core.store.sql_pace import LINE_SECONDS, SharedPace
from agent_core.store.sql_store import SqlStore

ROOM = RoomRef(platform=Platform.SLACK, tenant_id="T0", room_id="C0")
RATES = {Platform.SLACK: Rate(burst=3, per_second=0.5)}


@pytest.mark.postgres
async def test_two_processes_take_their_places_in_one_line(
    fresh_database: Callable[[], str],
) -> None:
    url = fresh_database()
    migrate(url)
    stores = [SqlStore(url), SqlStore(url)]
    paces = [SharedPace(RATES), SharedPace(RATES)]

    async def take(n: int, room: RoomRef = ROOM) -> float:
        return await stores[n % 2].run(lambda tx: paces[n % 2].take(tx, room).seconds)

    try:
        pauses = sorted(await asyncio.gather(*(take(n) for n in range(6))))
        found = [await stores[0].run(lambda tx: paces[0].take(tx, ROOM)) for _ in range(20)]
        # Whoever took these places may be dead: the line does not grow longer than this.
        assert not any(place.is_ours for place in found)
        assert all(1.0 <= place.seconds <= LINE_SECONDS for place in found)
        assert pauses[:3] == [0.0, 0.0, 0.0]  # the burst, shared
        assert [round(p) for p in pauses[3:]] == [2, 4, 6]
        assert await take(0, replace(ROOM, room_id="C1")) == 0.0
        teams = replace(ROOM, platform=Platform.TEAMS)
        assert [await take(0, teams) for _ in range(9)] == [0.0] * 9  # no rate is set for it
    finally:
        await asyncio.gather(*(store.close() for store in stores))


async def test_one_process_keeps_the_same_pace_in_memory(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'handrail.db'}"
    migrate(url)
    store, pace = SqlStore(url), Pace(RATES)
    try:
        pauses = [await store.run(lambda tx: pace.take(tx, ROOM).seconds) for _ in range(6)]
        assert [round(p) for p in pauses] == [0, 0, 0, 2, 4, 6]
        with pytest.raises(ConfigurationError, match="needs Postgres"):
            await store.run(lambda tx: SharedPace(RATES).take(tx, ROOM))
    finally:
        await store.close()
