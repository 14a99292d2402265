"""One run from the first message to the verdict, and the table of all runs."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.chaos.judge import Judge, Verdict
from tests.chaos.load import Load
from tests.chaos.storm import Storm
from tests.chaos.town import Town, a_town

QUIET_SECONDS = 240.0
FINISHED: list[tuple[str, dict[str, int]]] = []
Trouble = Callable[[Town, Storm, Load], Awaitable[None]]


async def a_run(
    name: str,
    folder: Path,
    trouble: Trouble,
    *,
    database_url: str | None = None,
    workers: int = 0,
    broken: tuple[str, ...] = (),
    seed: int = 1,
    at_once: int = 10,
    patience_seconds: float = 100.0,
) -> Verdict:
    """A load while `trouble` lasts; then quiet, a proper stop, and the verdict.

    `workers` 0: one process does everything. In the end each process has to stop with code 0.
    """
    began = time.monotonic()
    async with a_town(folder, database_url) as town:
        town.patience_seconds = patience_seconds
        await town.serve("intake" if workers else "all", workers=workers, broken=broken)
        load, storm = Load(town, seed, at_once=at_once), Storm(town, seed)
        running = asyncio.create_task(load.run())
        try:
            await trouble(town, storm, load)
        finally:
            load.stop()
            storm.calm()
        stormed = time.monotonic()
        await running
        judge = Judge(town)
        await _until_quiet(town, judge)
        quiet = time.monotonic()
        await load.come_back()
        await _until_quiet(town, judge)
        codes = [await town.fleet.stop(member) for member in town.fleet.members]
        verdict = judge.judge(load)
        judge.close()
    verdict.figures |= {
        "kills": storm.kills,
        "s in all": round(time.monotonic() - began),
        "s until quiet": round(quiet - stormed),  # after the last trouble
    }
    FINISHED.append((name, {**verdict.figures, **verdict.counts()}))
    (folder / "problems.txt").write_text("\n".join(verdict.problems()))
    assert codes == [0] * len(codes), f"a process did not stop well: {codes}"
    return verdict


async def _until_quiet(town: Town, judge: Judge) -> None:
    """Everything was delivered, and the service has nothing left to do."""
    with contextlib.suppress(TimeoutError):  # the judge then says what is open
        async with asyncio.timeout(QUIET_SECONDS):
            await town.fleet.until_ready()
            await town.slack.settled()
            await town.teams.settled()
            while not await asyncio.to_thread(judge.is_idle):  # noqa: ASYNC110
                await asyncio.sleep(0.5)


def only_long(test: Callable[..., Any]) -> Callable[..., Any]:
    """Marks a test that takes minutes: `make chaos` runs it, `make test` does not."""
    test.only_long = True  # type: ignore[attr-defined]
    return test


def table_of(runs: list[tuple[str, dict[str, int]]]) -> Table:
    """A line for each run."""
    columns = list(dict.fromkeys(name for _, figures in runs for name in figures))
    table = Table(title="chaos", title_justify="left")
    table.add_column("run")
    for column in columns:
        table.add_column(column, justify="right")
    for name, figures in runs:
        table.add_row(name, *(str(figures.get(column, "")) for column in columns))
    return table


def told(runs: list[tuple[str, dict[str, int]]]) -> str:
    console = Console(width=200, no_color=True)
    with console.capture() as captured:
        console.print(table_of(runs))
    return captured.get()
