"""`handrail accounts`: an account as the account system has it."""

from dataclasses import asdict
from datetime import date
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from bots.commands.opening import account_state, opened_accounts
from bots.commands.running import run, show_json
from bots.settings import Settings
from tools.accounts.types import AccountState

app = typer.Typer(no_args_is_help=True, help="Look at customers' accounts.")


@app.callback()
def accounts() -> None:
    """Look at customers' accounts."""


@app.command()
def show(
    account: Annotated[str, typer.Argument(metavar="ACCOUNT", show_default=False)],
    json: Annotated[bool, typer.Option("--json", help="Print all of it as JSON.")] = False,
) -> None:
    """One account with its invoices and members."""

    async def work() -> AccountState:
        async with opened_accounts(Settings.load()) as gateway:
            return await account_state(gateway, account)

    state = run(work())
    if json:
        show_json(as_json(state))
    else:
        _print(state)


def as_json(state: AccountState) -> dict[str, object]:
    """The account's fields, and `invoices`, `members`, `meters`. Amounts in minor units."""
    invoices = [
        {**asdict(each), "total_minor": each.total.minor, "status": each.status}
        for each in state.invoices
    ]
    whole = {
        **asdict(state.account),
        "invoices": invoices,
        "members": [asdict(each) for each in state.members],
        "meters": asdict(state.meters),
    }
    found = _plain(whole)
    assert isinstance(found, dict)
    return found


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value.isoformat() if isinstance(value, date) else value


def _print(state: AccountState) -> None:
    account = state.account
    console = Console(highlight=False, soft_wrap=True)
    facts = (
        ("Account", f"{account.name} ({account.id})"),
        ("Plan", account.plan.value + (f", then {account.plan_next}" if account.plan_next else "")),
        ("Status", account.status.value),
        ("Seats", f"{account.seats} at {account.seat_price} each"),
        ("Period", f"{account.period_start} up to {account.period_end}"),
        ("Credit", str(account.credit)),
        ("Billing contact", f"{account.billing_name} <{account.billing_email}>"),
    )
    for name, value in facts:
        console.print(f"{name:16} {value}", markup=False)
    invoices = Table("Invoice", "Date", "Total", "Status", title="Invoices", title_justify="left")
    for each in state.invoices:
        invoices.add_row(each.id, each.issued_on.isoformat(), str(each.total), each.status)
    members = Table("Member", "Email", "Role", "Access", title="Members", title_justify="left")
    for member in state.members:
        members.add_row(member.name, member.email, member.role, member.access.value)
    for table in (invoices, members):
        if table.row_count:
            console.print(table)
