"""`handrail policy`: what the rules say of one request, and whether a file of them is sound."""

import json as json_text
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import ValidationError

from agent_core.conversation import Audience
from agent_core.errors import ConfigurationError, ToolError
from agent_core.people import AccountId, Person, Requester
from agent_core.policy import Policy
from agent_core.ports import UnitOfWork
from agent_core.tooling import Json, Preview, Tool, ToolContext, ToolName
from bots.commands.opening import opened_accounts, opened_store
from bots.commands.policy_explained import Asked, Explained, as_json, explained, lines
from bots.commands.running import Refused, list_mistakes, run, show_json
from bots.configuration import POLICY_FILE, Configuration, load_configuration, person_address
from bots.configured_people import people_from
from bots.setting_values import room_address
from bots.settings import Settings

if TYPE_CHECKING:
    from tools.catalog import Catalog

app = typer.Typer(no_args_is_help=True, help="Say what policy.yaml allows, and check the file.")

_PERSON = "slack:TEAM/USER or teams:TENANT/OBJECT_ID"
_ROOM = "A linked room, or private, internal or shared."


@app.command("check")
def check(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="Left out: the one in force.")
    ] = None,
) -> None:
    """Say every mistake in a policy file by line. Exit code 2 where there is one.

    What a sound file leaves open, such as a currency that a limit does not name, is said too.
    """
    from bots import bootstrap

    async def work() -> tuple[tuple[str, ...], tuple[str, ...]]:
        path = _path(file, load_configuration(Settings.load().configuration_folder))
        if path is None:
            raise Refused(f"There is no {POLICY_FILE} in force: the tools' own defaults hold.")
        mistakes = bootstrap.policy_mistakes(path)
        return mistakes, () if mistakes else bootstrap.policy_gaps(path)

    mistakes, left_open = run(work())
    if mistakes:
        list_mistakes("The policy is refused:", mistakes)
        raise typer.Exit(2)
    typer.echo("No mistakes.")
    for each in left_open:
        typer.echo(f"Mind: {each}")


@app.command("explain")
def explain(
    person: Annotated[str, typer.Option("--as", metavar="PERSON", help=_PERSON)],
    room: Annotated[str, typer.Option("--in", metavar="ROOM", help=_ROOM)],
    tool: Annotated[str, typer.Option(help="The tool's name, e.g. refund_invoice.")],
    args: Annotated[str, typer.Option(help="Its arguments as JSON, e.g. '{\"seats\": 3}'.")] = "{}",
    account: Annotated[str, typer.Option(help="Left out: the room's.")] = "",
    file: Annotated[
        Path | None, typer.Option("--policy", help="Try another file than the one in force.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Say what would happen if PERSON asked for this in ROOM now, and which rule decides.

    Looks at the live account, and changes nothing.
    """
    words = _Words(person=person, room=room, tool=tool, args=args, account=account)
    found = run(_explain(words, file))
    if json:
        show_json(as_json(found))
    else:
        typer.echo("\n".join(lines(found)))


class _Words:
    """What the command line said, taken apart as far as that needs no database."""

    def __init__(self, *, person: str, room: str, tool: str, args: str, account: str) -> None:
        self.mistakes: list[str] = []
        self.tool = ToolName(tool)
        self.account = AccountId(account) if account else None
        self.arguments: Json = {}
        try:
            self.identity = person_address(person)
        except ValueError as problem:
            self.mistakes.append(f"--as {problem}")
        try:
            self.arguments = json_text.loads(args)
            if not isinstance(self.arguments, dict):
                raise ValueError("not an object")
        except ValueError as problem:
            self.mistakes.append(f"--args is not a JSON object: {problem}")
        self.audience = next((one for one in Audience if one.value == room), None)
        if self.audience is None:
            try:
                self.room = room_address(room)
            except ValueError as problem:
                self.mistakes.append(f"--in {problem}")


async def _explain(words: _Words, file: Path | None) -> Explained:
    from bots import bootstrap

    if words.mistakes:
        raise ConfigurationError(words.mistakes)
    settings = Settings.load()
    configuration = load_configuration(settings.configuration_folder)
    async with opened_store(settings) as store, opened_accounts(settings) as accounts:
        catalog = bootstrap.catalog_of(store, accounts)
        policy = bootstrap.policy_in(_path(file, configuration), catalog)
        tool = _tool(catalog, words.tool)
        who, audience, account = await store.run(lambda tx: _situation(tx, words, configuration))
        asked = await _asked(tool, words.arguments, who, audience, account)
        return await store.run(lambda tx: _ruled(tx, policy, asked))


def _ruled(tx: UnitOfWork, policy: Policy, asked: Asked) -> Explained:
    return explained(tx, policy, asked)


def _path(file: Path | None, configuration: Configuration) -> Path | None:
    return file if file is not None else configuration.policy_path


def _tool(catalog: "Catalog", name: ToolName) -> Tool:
    tool = catalog.get(name)
    if tool is None:
        there = ", ".join(sorted(one.name for one in catalog.tools))
        raise Refused(f"There is no tool {name!r}. There are: {there}.")
    return tool


def _situation(
    tx: UnitOfWork, words: _Words, configuration: Configuration
) -> tuple[Requester, Audience, AccountId | None]:
    """Who asks, who reads along, and which account it is about."""
    person = tx.people.find(words.identity)
    for configured in people_from(configuration, tx.people.all()):  # not yet in the database
        if words.identity in configured.identities:
            person = configured
    name = person.name if person else str(words.identity)
    who = Requester(identity=words.identity, name=name, person=person)
    if words.audience is not None:
        return who, words.audience, words.account or _only_account(person)
    binding = tx.rooms.get(words.room)
    if binding is None:
        raise Refused(
            f"{words.room} is not linked. Link it, or say --in private, internal or shared."
        )
    if words.account and binding.account_id and words.account != binding.account_id:
        raise Refused(f"{words.room} is about {binding.account_id}, and about no other account.")
    return who, binding.audience, binding.account_id or words.account


def _only_account(person: Person | None) -> AccountId | None:
    accounts = list(person.roles) if person else []
    return accounts[0] if len(accounts) == 1 else None


async def _asked(
    tool: Tool, arguments: Json, who: Requester, audience: Audience, account: AccountId | None
) -> Asked:
    """The request as policy gets it: an action is previewed on the live account."""
    now = datetime.now(UTC)
    try:
        checked = tool.arguments.model_validate(arguments)
    except ValidationError as error:
        mistakes = [
            f"--args {'.'.join(str(part) for part in one['loc'])}: {one['msg']}."
            for one in error.errors(include_url=False)
        ]
        raise ConfigurationError(mistakes) from None
    preview: Preview | None = None
    if tool.is_action and tool.preview is not None:
        if account is None:
            raise Refused("Say which account it is about: --account ACCOUNT.")
        context = ToolContext(account_id=account, requester=who, audience=audience, now=now)
        try:
            preview = await tool.preview(context, checked)
        except ToolError as error:
            raise Refused(f"{tool.name} cannot be done on {account}: {error}") from None
    return Asked(
        tool=tool,
        arguments=preview.arguments if preview else checked.model_dump(mode="json"),
        preview=preview,
        who=who,
        audience=audience,
        account=account,
        at=now,
    )
