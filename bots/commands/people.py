"""`handrail people`: who is who, and what they may do."""

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from agent_core.errors import ConfigurationError
from agent_core.ids import SystemIds
from agent_core.people import AccountId, Capability, Person, Role
from agent_core.ports import UnitOfWork
from bots.commands import people_changes
from bots.commands.opening import opened_store, unknown_accounts
from bots.commands.people_changes import PersonChange
from bots.commands.people_csv import PeopleFile, read_people
from bots.commands.running import Refused, run, show_json
from bots.configuration import person_address
from bots.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Say who people are and what they may do.")

_PERSON = "slack:TEAM/USER or teams:TENANT/OBJECT_ID"
PersonAddress = Annotated[str, typer.Argument(metavar="PERSON", help=_PERSON, show_default=False)]


class RoleWord(StrEnum):
    """A role, or `none` to take it away."""

    OWNER = Role.OWNER.value
    BILLING_ADMIN = Role.BILLING_ADMIN.value
    ADMIN = Role.ADMIN.value
    MEMBER = Role.MEMBER.value
    NONE = "none"


@app.command("set")
def set_(
    person: PersonAddress,
    account: Annotated[str, typer.Option(help="The account that --role is for.")] = "",
    role: Annotated[RoleWord | None, typer.Option(help="What they are in the account.")] = None,
    can: Annotated[list[Capability] | None, typer.Option(help="Give; may be repeated.")] = None,
    cannot: Annotated[list[Capability] | None, typer.Option(help="Take; may be repeated.")] = None,
    name: Annotated[str, typer.Option(help="The name that others read.")] = "",
    json: Annotated[bool, typer.Option("--json", help="Print the person as JSON.")] = False,
) -> None:
    """Give a person a role in an account, or a capability for the vendor."""

    async def work() -> Person:
        settings = Settings.load()
        change = _change(person, account, role, can or [], cannot or [], name)
        for reason in (await unknown_accounts(settings, change.roles)).values():
            raise Refused(reason)
        async with opened_store(settings) as store:
            _, after = await store.run(
                lambda tx: people_changes.apply(tx, change, SystemIds(), datetime.now(UTC))
            )
        return after

    after = run(work())
    show_json(people_changes.as_json(after)) if json else typer.echo(people_changes.sentence(after))


def _change(
    person: str,
    account: str,
    role: RoleWord | None,
    can: list[Capability],
    cannot: list[Capability],
    name: str,
) -> PersonChange:
    mistakes = []
    if bool(account) != (role is not None):
        mistakes.append("--account and --role belong together.")
    if not (account or role or can or cannot or name.strip()):
        mistakes.append("Nothing to set: give --account with --role, --can, --cannot or --name.")
    if both := set(can) & set(cannot):
        mistakes.append(f"--can and --cannot both name {', '.join(sorted(both))}.")
    try:
        identity = person_address(person)
    except ValueError as problem:
        raise ConfigurationError([f"PERSON {problem}", *mistakes]) from None
    if mistakes:
        raise ConfigurationError(mistakes)
    roles: dict[AccountId, Role | None] = {}
    if role is not None:
        roles[AccountId(account)] = None if role is RoleWord.NONE else Role(role.value)
    return PersonChange(
        identity=identity,
        name=name.strip(),
        roles=roles,
        give=frozenset(can),
        take=frozenset(cannot),
    )


@app.command("join")
def join(
    person: PersonAddress,
    other: Annotated[str, typer.Argument(metavar="PERSON", help=_PERSON, show_default=False)],
) -> None:
    """Say that two identities are one person; the first one's name stays."""

    async def work() -> Person:
        async with opened_store(Settings.load()) as store:
            return await store.run(
                lambda tx: people_changes.join(tx, person, other, datetime.now(UTC))
            )

    typer.echo(people_changes.sentence(run(work())))


@app.command("list")
def list_(
    json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False,
) -> None:
    """Everybody who is known, with roles and capabilities."""

    async def work() -> list[Person]:
        async with opened_store(Settings.load()) as store:
            everybody = await store.run(lambda tx: list(tx.people.all()))
        # Whoever was joined to somebody else is left without an identity.
        return [each for each in everybody if each.identities]

    known = run(work())
    if json:
        show_json([people_changes.as_json(each) for each in known])
        return
    for each in known:
        typer.echo(people_changes.sentence(each))
    if not known:
        typer.echo("Nobody is known yet. Give somebody a role with: handrail people set")


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", show_default=False)],
    dry_run: Annotated[bool, typer.Option(help="Check and show; write nothing.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print what changed as JSON.")] = False,
) -> None:
    """Take people from a CSV file with the columns person, name, account, role, can.

    Nothing is written where any line has a mistake.
    """

    async def work() -> list[tuple[Person | None, Person]]:
        people = read_people(file)
        settings = Settings.load()
        refused = await unknown_accounts(settings, people.accounts)
        if refused:
            lines = sorted((people.accounts[account], why) for account, why in refused.items())
            raise ConfigurationError([people.mistake(line, why) for line, why in lines])
        async with opened_store(settings) as store:
            return await store.run(lambda tx: _carry_out(tx, people, dry_run=dry_run))

    done = run(work())
    added = [after for before, after in done if before is None]
    altered = [after for before, after in done if before is not None and before != after]
    if json:
        shown = {"added": added, "changed": altered}
        result: dict[str, object] = {
            key: [people_changes.as_json(each) for each in value] for key, value in shown.items()
        }
        unchanged = len(done) - len(added) - len(altered)
        show_json({"dry_run": dry_run, **result, "unchanged": unchanged})
        return
    for each in (*added, *altered):
        typer.echo(people_changes.sentence(each))
    counts = f"{len(added)} new, {len(altered)} changed of {len(done)} people."
    typer.echo(f"{counts} Nothing was written (--dry-run)." if dry_run else counts)


def _carry_out(
    tx: UnitOfWork, people: PeopleFile, *, dry_run: bool
) -> list[tuple[Person | None, Person]]:
    if not dry_run:
        now = datetime.now(UTC)
        return [people_changes.apply(tx, change, SystemIds(), now) for change in people.changes]
    done = []
    for change in people.changes:
        known = tx.people.find(change.identity)
        blank = people_changes.new_person(change.identity, "")
        done.append((known, people_changes.changed(known or blank, change)))
    return done
