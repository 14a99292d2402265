"""`handrail audit`: is the log whole, what does it say, and a copy that pins it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from agent_core.audit import AuditEntry
from agent_core.audit_check import Finding, head_of, verify
from agent_core.audit_notes import all_entries, erase, person_keys
from agent_core.errors import ConfigurationError
from agent_core.people import PersonId
from agent_core.ports import UnitOfWork
from bots.commands.audit_file import read_file, write_file
from bots.commands.audit_text import Shown, as_json, line, shown
from bots.commands.opening import opened_store
from bots.commands.running import FAILED, Refused, run, show_json
from bots.configuration import person_address
from bots.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Check, read and copy the audit log.")

_ACCOUNT = "An account, or - for what belongs to none."
_SHOWN_FINDINGS = 20
Account = Annotated[str, typer.Argument(metavar="ACCOUNT", help=_ACCOUNT, show_default=False)]
Chains = dict[str, list[AuditEntry]]


@app.command("verify")
def verify_(
    account: Annotated[str, typer.Option(help=f"{_ACCOUNT} Unless given, all.")] = "",
    head: Annotated[str, typer.Option(help="A head that was noted: needs --account.")] = "",
    file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="An export, instead of the database.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Check that no row was changed, dropped, moved or put in. Exit code 1 where one was."""

    async def work() -> tuple[Chains, str]:
        if file is not None:
            if account or head:
                raise ConfigurationError(["--file has its own account and head."])
            chain, rows, last = read_file(file)
            return {chain: rows}, last
        if head and not account:
            raise ConfigurationError(["--head belongs to one account: give --account too."])
        async with opened_store(Settings.load()) as store:
            return await store.run(lambda tx: _chains(tx, account)), head

    chains, noted = run(work())
    checked = {
        chain: (rows, verify(rows, chain=chain, head=noted or None))
        for chain, rows in chains.items()
    }
    if json:
        show_json(
            {
                "ok": not any(findings for _, findings in checked.values()),
                "chains": [_checked(chain, *result) for chain, result in checked.items()],
            }
        )
    else:
        for chain, (rows, findings) in checked.items():
            _tell(chain, rows, findings)
        if not checked:
            typer.echo("The audit log is empty.")
    if any(findings for _, findings in checked.values()):
        raise typer.Exit(FAILED)


@app.command("show")
def show(
    account: Account,
    since: Annotated[
        str, typer.Option(metavar="TIME", help="From then on: 2026-03-04 or 2026-03-04T12:00Z.")
    ] = "",
    json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False,
) -> None:
    """What happened in an account, oldest first. Who was erased is shown as erased."""

    async def work() -> list[Shown]:
        start = _time(since) if since else None
        async with opened_store(Settings.load()) as store:
            return await store.run(lambda tx: _shown(tx, account, start))

    found = run(work())
    if json:
        show_json([as_json(each) for each in found])
        return
    for each in found:
        typer.echo(line(each))
    if not found:
        typer.echo(f"Nothing is noted for {account}{f' since {since}' if since else ''}.")


@app.command("export")
def export(
    account: Account,
    file: Annotated[Path, typer.Argument(metavar="FILE", show_default=False)],
) -> None:
    """Copy an account's rows to a new file, as JSON lines; the last line holds their head.

    Note the printed head elsewhere: `handrail audit verify --account A --head HEAD` then also
    finds rows that were cut off at the end, or written anew.
    """

    async def work() -> list[AuditEntry]:
        async with opened_store(Settings.load()) as store:
            return (await store.run(lambda tx: _chains(tx, account)))[account]

    def write(rows: list[AuditEntry]) -> None:
        found = verify(rows, chain=account)
        if found:
            _tell(account, rows, found)
            raise Refused("The log is not whole, so nothing was exported.")
        write_file(file, account, rows)

    async def both() -> list[AuditEntry]:
        rows = await work()
        write(rows)
        return rows

    rows = run(both())
    typer.echo(f"{len(rows)} entries of {account} are in {file}.")
    typer.echo(f"Head: {head_of(rows)}")


@app.command("erase")
def erase_(
    person: Annotated[
        str,
        typer.Argument(
            metavar="PERSON",
            help="slack:TEAM/USER, teams:TENANT/OBJECT_ID or a person's id.",
            show_default=False,
        ),
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Destroy a person's keys: what the log says of them can be read by nobody any more.

    The chains stay whole. Only the audit log is erased, and no backup of the database.
    """
    if not yes:
        typer.confirm(f"Erase {person} from the audit log? It cannot be taken back.", abort=True)

    async def work() -> int:
        async with opened_store(Settings.load()) as store:
            return await store.run(lambda tx: _erase(tx, person))

    destroyed = run(work())
    if not destroyed:
        typer.echo(f"The audit log says nothing personal of {person} that could still be read.")
        return
    typer.echo(f"Erased: {person} ({destroyed} {'key' if destroyed == 1 else 'keys'} destroyed).")


# --- inner -----------------------------------------------------------------------------------


def _chains(tx: UnitOfWork, account: str) -> Chains:
    """The rows of one chain, or of all. Raises Refused where this one has none."""
    names = tx.audit.chains()
    if account and account not in names:
        known = f" Known are: {', '.join(names)}." if names else " It is empty."
        raise Refused(f"The audit log has no row of {account!r}.{known}")
    return {name: list(all_entries(tx, name)) for name in ([account] if account else names)}


def _shown(tx: UnitOfWork, account: str, start: datetime | None) -> list[Shown]:
    rows = _chains(tx, account)[account]
    names = {
        tx.audit.reference(key): person.name
        for person in tx.people.all()
        for key in person_keys(person)
    }
    return shown(tx.audit, rows, names, start)


def _erase(tx: UnitOfWork, address: str) -> int:
    try:
        identity = person_address(address)
    except ValueError as problem:
        person = tx.people.get(PersonId(address))
        if person is None:
            raise Refused(f"{problem}, and nobody has that id.") from None
        return erase(tx, person_keys(person), datetime.now(UTC))
    person = tx.people.find(identity)
    keys = person_keys(person) if person else (str(identity),)
    return erase(tx, keys, datetime.now(UTC))


def _time(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(
            [f"--since {text!r} is not a time: write 2026-03-04 or 2026-03-04T12:00:00Z."]
        ) from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _tell(chain: str, rows: list[AuditEntry], findings: tuple[Finding, ...]) -> None:
    count = f"{len(rows)} {'entry' if len(rows) == 1 else 'entries'}"
    if not findings:
        typer.echo(f"{chain}: {count}, whole. Head: {head_of(rows)}")
        return
    typer.echo(f"{chain}: {count}, not whole.", err=True)
    for one in findings[:_SHOWN_FINDINGS]:
        typer.echo(f"- {chain}, row {one.seq}: {one.fault.value}: {one.sentence}", err=True)
    if len(findings) > _SHOWN_FINDINGS:
        typer.echo(f"- and {len(findings) - _SHOWN_FINDINGS} more: --json shows all", err=True)


def _checked(
    chain: str, rows: list[AuditEntry], findings: tuple[Finding, ...]
) -> dict[str, object]:
    return {
        "chain": chain,
        "entries": len(rows),
        "head": head_of(rows),
        "findings": [
            {"seq": one.seq, "fault": one.fault.value, "sentence": one.sentence} for one in findings
        ],
    }
