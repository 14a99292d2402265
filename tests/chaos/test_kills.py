"""Kills over a mixed load, on SQLite and on Postgres with three workers: 0, 0, 0, 0 and 0."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.chaos.broken import SLOW
from tests.chaos.load import Load
from tests.chaos.runs import a_run, only_long
from tests.chaos.storm import Storm
from tests.chaos.town import Town

KILLS = int(os.environ.get("HANDRAIL_CHAOS_KILLS", "4"))
SEED = int(os.environ.get("HANDRAIL_CHAOS_SEED", "1"))
AT_ONCE = 10 if KILLS >= 20 else 3
THINKS = (f"{SLOW}:0.4",)  # for each answer of the model, so that kills hit turns
pytestmark = [pytest.mark.chaos, pytest.mark.timeout(3600)]


async def killed(_: Town, storm: Storm, load: Load) -> None:
    """So many kills, with the platforms in trouble all the time."""
    trouble = asyncio.create_task(storm.trouble_the_platforms())
    try:
        await storm.kill_one_by_one(KILLS)
    finally:
        trouble.cancel()
        await asyncio.gather(trouble, return_exceptions=True)


async def test_kills_on_sqlite(tmp_path: Path) -> None:
    name = f"SQLite, {KILLS} kills"
    verdict = await a_run(name, tmp_path, killed, broken=THINKS, at_once=AT_ONCE, seed=SEED)
    assert verdict.problems() == []


@only_long
@pytest.mark.postgres
async def test_kills_on_postgres(tmp_path: Path, fresh_database: Callable[[], str]) -> None:
    verdict = await a_run(
        f"Postgres, intake and 3 workers, {KILLS} kills",
        tmp_path,
        killed,
        database_url=fresh_database(),
        workers=3,
        broken=THINKS,
        seed=SEED,
    )
    assert verdict.problems() == []
