"""The whole demo as `handrail demo` starts it, in processes of its own, and what is behind it."""

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp

from agent_core.people import AccountId
from tools.accounts.no_payments import NoPayments
from tools.accounts.sql_gateway import SqlAccounts
from tools.accounts.types import AccountState

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 30.0
STOP_SECONDS = 20.0
_OWN = ("HANDRAIL_", "SLACK_", "MICROSOFT_", "TEAMS_", "OPENAI_")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningDemo:
    """Addresses without a slash at the end, and questions to what lies behind them."""

    process: subprocess.Popen[str]
    page: str
    playground: str
    payments: str
    service: str
    data: Path

    # --- the stand-ins' control routes -------------------------------------------------------

    async def get(self, path: str) -> Any:
        return await self._ask("GET", f"{self.playground}{path}")

    async def post(self, path: str, **body: Any) -> Any:
        return await self._ask("POST", f"{self.playground}{path}", body)

    async def clear_faults(self) -> None:
        for path in ("/playground/slack/faults", "/playground/teams/faults"):
            await self._ask("DELETE", f"{self.playground}{path}")
        await self._ask("DELETE", f"{self.payments}/playground/payments/faults")

    async def arm_payments(self, **fault: Any) -> None:
        await self._ask("POST", f"{self.payments}/playground/payments/faults", fault)

    async def effects(self, kind: str) -> list[dict[str, Any]]:
        """What the payment provider has booked since its start: "charge" or "refund"."""
        state = await self._ask("GET", f"{self.payments}/playground/payments/state")
        return [effect for effect in state["effects"] if effect["object"] == kind]

    async def slack_messages(self, channel_id: str, thread_ts: str = "") -> list[dict[str, Any]]:
        """A channel's messages, or those of one thread with its first; oldest first."""
        state = await self.get("/playground/slack/state")
        channel = next(each for each in state["channels"] if each["id"] == channel_id)
        return [
            message
            for message in channel["messages"]
            if not thread_ts or message.get("thread_ts", message["ts"]) == thread_ts
        ]

    # --- what the service keeps ----------------------------------------------------------------

    async def account(self, account_id: str) -> AccountState:
        accounts = SqlAccounts(f"sqlite:///{self.data / 'accounts.db'}", NoPayments())
        await accounts.prepare()
        try:
            return await accounts.state(AccountId(account_id), datetime.now(UTC))
        finally:
            await accounts.close()

    async def ledger(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = await self.get("/demo/ledger?limit=200")
        return found

    def count(self, table: str, where: str = "1 = 1") -> int:
        """Rows of the service's own database, read without a chance to write."""
        file = f"file:{self.data / 'handrail.db'}?mode=ro"
        with closing(sqlite3.connect(file, uri=True, timeout=5)) as connection:
            found = connection.execute(f"SELECT count(*) FROM {table} WHERE {where}").fetchone()
        return int(found[0])

    def is_idle(self) -> bool:
        """No turn runs or waits, and nothing is on its way to anybody."""
        return not (
            self.count("hr_turns", "status = 'running'")
            or self.count("hr_inbox", "status <> 'done'")
            or self.count("hr_outgoing", "status IN ('ready', 'started')")
        )

    async def until(self, what: Callable[[], Any]) -> Any:
        """Waits until `what()`, a function or a coroutine function, is true; returns that."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                found = what()
                if asyncio.iscoroutine(found):
                    found = await found
                if found:
                    return found
                await asyncio.sleep(0.05)

    async def kill_worker(self) -> None:
        """`kill -9` of the service; returns once the next process answers."""
        await self.post("/demo/kill-worker")

    async def _ask(self, method: str, url: str, body: Any = None) -> Any:
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, url, json=body) as answer,
        ):
            told = await answer.json()
            assert answer.status == 200, f"{method} {url}: {answer.status} {told}"
            return told


@contextmanager
def running_demo(
    folder: Path, *options: str, example: bool = False, **environ: str
) -> Iterator[RunningDemo]:
    """`handrail demo` on ports of its own, ready; ended as Ctrl-C ends it.

    `example`: the finished example is played, after it is ready.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_OWN)}
    words = ("--port", "0", "--no-browser", "--json", "--data", str(folder))
    shown = () if example else ("--no-example",)
    process = subprocess.Popen(
        [sys.executable, "-m", "bots.cli", "demo", *words, *shown, *options],
        stdout=subprocess.PIPE,
        text=True,
        cwd=folder,
        env={**inherited, "PYTHONPATH": str(ROOT), **environ},
    )
    assert process.stdout is not None
    try:
        told = json.loads(process.stdout.readline() or "null")
        assert told and process.stdout.readline(), "the demo did not start"
        yield RunningDemo(
            process=process,
            page=told["page"],
            playground=told["slack_api"],
            payments=told["payments"],
            service=told["service"],
            data=folder,
        )
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
