"""A process that dies in the middle of a change: one effect, and a look-up that tells the truth."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from tests.contracts.accounts_suite import EVERY_COMMAND, MONEY, NOW
from tests.tools.conftest import Till
from tools.accounts.commands import Command
from tools.accounts.effects import Unit
from tools.accounts.memory_gateway import MemoryPayments
from tools.accounts.seed import NORTHWIND, seed
from tools.accounts.sql_gateway import SqlAccounts, SqlStorage
from tools.accounts.stored_gateway import StoredAccounts

ROOT = Path(__file__).parents[2]


class Death(Exception):
    """The process died here."""


class DyingStorage(SqlStorage):
    """Dies at the given transaction that writes (from 1), before or after its commit."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.dies_at: tuple[int, str] | None = None
        self._runs = 0

    async def run(self, work: Callable[[Unit], object]):
        if self.dies_at is None:
            return await super().run(work)
        self._runs += 1
        at, when = self.dies_at
        if self._runs == at and when == "before":
            raise Death
        result = await super().run(work)
        if self._runs == at:
            raise Death
        return result


@pytest.mark.parametrize("name", EVERY_COMMAND)
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("at", [1, 2])
@pytest.mark.parametrize("way", ["retry", "look_up"])
async def test_every_change_and_every_transaction(
    tmp_path: Path, name: str, when: str, at: int, way: str
) -> None:
    """Two transactions that write: the intent, and the outcome (only where money moves)."""
    url, payments = f"sqlite:///{tmp_path}/accounts.db", MemoryPayments()
    storage = DyingStorage(url)
    dying = StoredAccounts(storage, payments, lambda: NOW)
    await dying.prepare()
    await seed(dying, payments, NOW)
    storage.dies_at = (at, when)
    command = EVERY_COMMAND[name]
    if at == 2 and name not in MONEY:
        await dying.apply(NORTHWIND, command, key="key-1", expected_version=1, now=NOW)
    else:
        with pytest.raises(Death):
            await dying.apply(NORTHWIND, command, key="key-1", expected_version=1, now=NOW)
    await dying.close()

    reborn = SqlAccounts(url, payments, lambda: NOW)
    await reborn.prepare()
    found = None
    if way == "look_up":
        found = await reborn.look_up(NORTHWIND, "key-1")
        moved = "key-1" in payments.effects
        state = await reborn.state(NORTHWIND, NOW)
        assert (found is not None) == (state.account.version == 2)
        if name in MONEY:
            assert moved == (found is not None)
    applied = await reborn.apply(NORTHWIND, command, key="key-1", expected_version=1, now=NOW)
    assert found in (None, applied)
    assert (await reborn.state(NORTHWIND, NOW)).account == applied.planned.after
    assert applied.planned.after.version == 2
    await reborn.close()
    assert sum(not key.startswith("seed:") for key in payments.effects) == (name in MONEY)


@asynccontextmanager
async def _stopped_at(point: str, url: str, till: Till, command: Command) -> AsyncIterator[None]:
    """A process of its own, halted at the point; killed by its pid on the way out."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.tools.gateway_that_dies",
        url,
        till.url,
        TypeAdapter(Command).dump_json(command).decode(),
        point,
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), 30)
        assert line.decode().strip() == point
        yield
    finally:
        process.send_signal(signal.SIGKILL)
        await process.wait()


@pytest.mark.chaos
@pytest.mark.parametrize("name", MONEY)
@pytest.mark.parametrize("point", ["accepted", "recorded"])
async def test_killed(
    till: Till, accounts: SqlAccounts, tmp_path: Path, name: str, point: str
) -> None:
    command = EVERY_COMMAND[name]
    async with _stopped_at(point, f"sqlite:///{tmp_path}/accounts.db", till, command):
        version = (await accounts.state(NORTHWIND, NOW)).account.version
        assert version == (1 if point == "accepted" else 2)
        assert len(till.effects("key-1")) == 1
    found = await accounts.look_up(NORTHWIND, "key-1")
    assert found is not None
    again = await accounts.apply(NORTHWIND, command, key="key-1", expected_version=1, now=NOW)
    assert again == found
    assert [each["id"] for each in till.effects("key-1")] == [found.payment_id]
    assert (await accounts.state(NORTHWIND, NOW)).account.version == 2
