"""The looks behind readyz: the database, the work, the policy, the model, the disk."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final, Protocol

from agent_core.breaker import BreakerState, BreakerView
from agent_core.ports import Store
from bots.sight.readiness import Check

SWEEP_SECONDS: Final = 180.0  # three of the reconciler's rounds
FULL_BYTES: Final = 64 * 1024 * 1024
NEARLY_FULL_BYTES: Final = 1024 * 1024 * 1024


class Sweeping(Protocol):
    """What asks again for work that nobody does."""

    @property
    def seconds_since_sweep(self) -> float | None: ...
    @property
    def has_swept(self) -> bool: ...


def database_check(store: Store) -> Check:
    """A transaction goes through, with the wait for the writer."""

    async def look() -> str | None:
        await store.run(lambda tx: tx.brakes.all())
        return None

    return Check(
        name="database",
        look=look,
        unanswered="The database does not answer: see that it runs, is reached, and has space.",
        severe=True,
    )


def tables_check(problem: Callable[[], str | None]) -> Check:
    """The tables are at this version, or at a newer one that lets this work on."""

    async def look() -> str | None:
        return await asyncio.to_thread(problem)

    return Check(
        name="tables",
        look=look,
        unanswered="The database's version cannot be read: see that it runs and is reached.",
        severe=True,
        every_seconds=30.0,
    )


def work_check(is_working: Callable[[], bool], reconciler: Sweeping) -> Check:
    """The engine has started, and what was left behind is looked for."""

    async def look() -> str | None:
        if not is_working():
            return "The engine does not take work: it starts or stops now; else restart this one."
        since = reconciler.seconds_since_sweep
        if since is not None and since > SWEEP_SECONDS:
            return (
                f"The reconciler has not got through for {since:.0f} s: see its errors in the log; "
                "restart this process if they say nothing."
            )
        if since is None or not reconciler.has_swept:
            return "The first look for unfinished work is under way: wait a moment."
        return None

    return Check(name="work", look=look, unanswered="The work's state is not known.", severe=True)


def jobs_check(failing: Callable[[], Sequence[str]]) -> Check:
    """What runs beside the requests. A round that failed is redone."""

    async def look() -> str | None:
        names = failing()
        if not names:
            return None
        return (
            f"Failed when last done, and tried again soon: {', '.join(names)}. See the log for "
            "its error; where it stays, report it."
        )

    return Check(name="jobs", look=look, unanswered="The jobs' state is not known.")


def place_check(holds: Callable[[], bool]) -> Check:
    """On Postgres: the lock that says who this process is."""

    async def look() -> str | None:
        if holds():
            return None
        return "This process has lost its slot among the workers: it ends by itself; start another."

    return Check(name="slot", look=look, unanswered="The slot is not known.", severe=True)


def policy_check(mistakes: Callable[[], Sequence[str]]) -> Check:
    """The policy's file is the policy in force."""

    async def look() -> str | None:
        count = len(mistakes())
        if not count:
            return None
        return (
            f"policy.yaml has {count} mistakes and was not taken up; the one before it is in "
            "force: run handrail policy check."
        )

    return Check(name="policy", look=look, unanswered="The policy is not known.")


def model_check(breakers: Callable[[], tuple[BreakerView, ...]]) -> Check:
    """Models that are not asked because they failed. People get the cases meanwhile."""

    async def look() -> str | None:
        found = [one for one in breakers() if one.name.startswith("model:")]
        shut = [one for one in found if one.state is not BreakerState.CLOSED]
        if not shut:
            return None
        if len(shut) == len(found):
            return (
                "No model answers: requests become cases for people. See the endpoint's state and "
                "key; handrail doctor --live calls it once."
            )
        return "A model does not answer and another one stands in: see the first one's endpoint."

    return Check(name="model", look=look, unanswered="The model's state is not known.")


def others_check(breakers: Callable[[], tuple[BreakerView, ...]]) -> Check:
    """Whatever else is not asked because it failed. What waits for it is kept, or a case."""

    async def look() -> str | None:
        found = [one for one in breakers() if not one.name.startswith("model:")]
        shut = sorted(one.name for one in found if one.state is not BreakerState.CLOSED)
        if not shut:
            return None
        return (
            f"Not asked for the moment, because they failed: {', '.join(shut)}. See their state; "
            "each is tried again within a minute."
        )

    return Check(name="outages", look=look, unanswered="The outages are not known.")


def socket_check(hears: Callable[[], Awaitable[bool]]) -> Check:
    """Socket Mode: what people write comes over it alone, or not at all."""

    async def look() -> str | None:
        if await hears():
            return None
        return (
            "Nothing is heard from Slack: its socket is not connected. It connects again by "
            "itself; see the network, and SLACK_APP_TOKEN."
        )

    return Check(name="Slack socket", look=look, unanswered="The Slack socket is not known.")


def disk_checks(folder: Path | None) -> list[Check]:
    """For SQLite alone: where nothing can be written, no request can be taken."""
    if folder is None:
        return []

    def free() -> int:
        return shutil.disk_usage(folder).free

    async def full() -> str | None:
        left = await asyncio.to_thread(free)
        if left >= FULL_BYTES:
            return None
        return f"The disk is full ({left // 2**20} MiB left): make room, or move the data folder."

    async def nearly_full() -> str | None:
        left = await asyncio.to_thread(free)
        if left >= NEARLY_FULL_BYTES or left < FULL_BYTES:
            return None
        return f"The disk is nearly full ({left // 2**20} MiB left): make room soon."

    told = "The disk's free space is not known."
    return [
        Check(name="disk", look=full, unanswered=told, severe=True, every_seconds=10.0),
        Check(name="disk space", look=nearly_full, unanswered=told, every_seconds=10.0),
    ]
