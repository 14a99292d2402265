"""A machine of its own for every test: no variables, an empty folder, a sample account."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from agent_core.people import AccountId
from bots.cli import app
from bots.setting_names import VARIABLES
from tools.accounts.no_payments import NoPayments
from tools.accounts.sql_gateway import SqlAccounts
from tools.accounts.types import Account, AccountState, AccountStatus, Member, PlanId


@dataclass(frozen=True)
class Machine:
    """Where a command runs, and what it is given."""

    folder: Path
    set: Callable[[str, str], None]

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(app, list(words))

    async def run_beside(self, *words: str) -> Result:
        """While servers of this test go on: the command has a loop of its own."""
        return await asyncio.to_thread(self.run, *words)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HANDRAIL_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    return Machine(folder=tmp_path, set=monkeypatch.setenv)


@pytest.fixture
def ready(machine: Machine) -> Machine:
    """With a migrated database and the accounts northwind and globex."""
    assert machine.run("migrate").exit_code == 0
    asyncio.run(_open_accounts(machine.folder / "data"))
    return machine


async def _open_accounts(data: Path) -> None:
    accounts = SqlAccounts(
        f"sqlite:///{data / 'accounts.db'}", NoPayments(), lambda: datetime.now(UTC)
    )
    await accounts.prepare()
    for name in ("Northwind Traders", "Globex"):
        assert await accounts.create(_state(name))
    await accounts.close()


def _state(name: str) -> AccountState:
    account = AccountId(name.split()[0].lower())
    return AccountState(
        account=Account(
            id=account,
            name=name,
            plan=PlanId.TEAM,
            seats=12,
            currency="USD",
            billing_name="Ben Carter",
            billing_email="ben@northwind.example",
            status=AccountStatus.ACTIVE,
            period_start=date(2026, 1, 1),
            period_end=date(2026, 2, 1),
            credit_minor=0,
            version=1,
        ),
        members=(
            Member(
                id=f"{account}-1",
                account_id=account,
                name="Milo Novak",
                email="milo@northwind.example",
                role="member",
            ),
        ),
    )
