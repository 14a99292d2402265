"""`handrail accounts`: an account as the account system has it."""

from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from bots.commands.account_made import Wanted, new_account
from bots.commands.opening import account_state, opened_accounts
from bots.commands.running import Refused, run, show_json
from bots.settings import Settings
from tools.accounts.stored_gateway import StoredAccounts
from tools.accounts.types import AccountState, PlanId

app = typer.Typer(no_args_is_help=True, help="Look at customers' accounts, and make new ones.")


@app.callback()
def accounts() -> None:
    """Look at customers' accounts, and make new ones."""


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


@app.command()
def add(
    account: Annotated[str, typer.Argument(metavar="ACCOUNT", show_default=False)],
    name: Annotated[str, typer.Option(help="The company's name.", show_default=False)],
    plan: Annotated[PlanId, typer.Option(help="What they pay for.")] = PlanId.STARTER,
    seats: Annotated[int | None, typer.Option(help="Unless given: the plan's fewest.")] = None,
    currency: Annotated[str, typer.Option(help="In which they pay.")] = "USD",
    billing_name: Annotated[str, typer.Option(help="Unless given: the company.")] = "",
    billing_email: Annotated[str, typer.Option(help="Where invoices go.")] = "",
    json: Annotated[bool, typer.Option("--json", help="Print the account as JSON.")] = False,
) -> None:
    """Make an account in the embedded account system: active from today, no invoices yet."""

    async def work() -> AccountState:
        wanted = Wanted(
            account=account,
            name=name,
            plan=plan,
            seats=seats,
            currency=currency,
            billing_name=billing_name,
            billing_email=billing_email,
        )
        state = new_account(wanted, datetime.now(UTC))
        async with opened_accounts(Settings.load()) as gateway:
            if not isinstance(gateway, StoredAccounts):
                raise Refused("This account system is not ours to write: make the account there.")
            if not await gateway.create(state):
                raise Refused(
                    f"There is an account {account!r} already, and nothing was changed. "
                    f"See: handrail accounts show {account}"
                )
        return state

    state = run(work())
    if json:
        show_json(as_json(state))
        return
    _print(state)
    typer.echo(f"Name its people with: handrail people set PERSON --account {account} --role owner")


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
