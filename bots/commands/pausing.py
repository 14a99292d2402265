"""`handrail pause`, `resume` and `pauses`: the brakes, from the command line."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from agent_core import pausing
from agent_core.audit import OPERATOR
from agent_core.brakes import BrakeScope, brake_named
from agent_core.errors import ActionRefused, ToolError
from agent_core.people import AccountId
from bots.commands.opening import opened_accounts, opened_store
from bots.commands.running import Refused, run, show_json, told
from bots.settings import Settings

_What = Annotated[str, typer.Argument(metavar="WHAT", help="all, account, room or tool.")]
_Which = Annotated[
    str, typer.Argument(metavar="[WHICH]", help="The account's id, the room's address, the tool.")
]
OPERATOR_NAME = "an operator"


def pause(
    what: _What,
    which: _Which = "",
    why: Annotated[str, typer.Option(help="A reason, which support people will read.")] = "",
) -> None:
    """Stop the agent everywhere, for an account, in a room, or stop one action."""
    scope, target = _named(what, which)

    async def work() -> str:
        settings = Settings.load()
        if scope is BrakeScope.ACCOUNT and (unknown := await _unknown(settings, target)):
            raise Refused(unknown)
        if scope is BrakeScope.TOOL and (unknown := _no_such_action(target)):
            raise Refused(unknown)
        async with opened_store(settings) as store:
            return await store.run(
                lambda tx: pausing.pause(
                    tx, scope, target, OPERATOR_NAME, OPERATOR, datetime.now(UTC), why
                )
            )

    typer.echo(run(work()))


def resume(what: _What, which: _Which = "") -> None:
    """Let go of what was paused."""
    scope, target = _named(what, which)

    async def work() -> str:
        async with opened_store(Settings.load()) as store:
            return await store.run(
                lambda tx: pausing.resume(
                    tx, scope, target, OPERATOR_NAME, OPERATOR, datetime.now(UTC)
                )
            )

    typer.echo(run(work()))


def pauses(json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    """What is paused now."""

    async def work() -> tuple[str, list[dict[str, str]]]:
        async with opened_store(Settings.load()) as store:
            words = await store.run(pausing.in_force)
            rows = await store.run(lambda tx: list(tx.brakes.all()))
        return words, [
            {
                "scope": row.scope.value,
                "target": row.target,
                "set_by": row.set_by,
                "set_at": row.set_at.isoformat(),
                "reason": row.reason,
            }
            for row in rows
        ]

    words, rows = run(work())
    if json:
        show_json(rows)
    else:
        typer.echo(words)


def _named(what: str, which: str) -> tuple[BrakeScope, str]:
    with told():
        try:
            return brake_named(what.casefold(), which)
        except ValueError as error:
            raise Refused(str(error)) from None


async def _unknown(settings: Settings, account: str) -> str:
    """Why there is no such account; "" also where nobody can tell: a brake has to work then."""
    async with opened_accounts(settings) as accounts:
        try:
            await accounts.state(AccountId(account), datetime.now(UTC))
        except ActionRefused:
            return f"There is no account {account!r}. Nothing was paused."
        except ToolError:
            return ""
    return ""


def _no_such_action(name: str) -> str:
    from bots import bootstrap

    return pausing.no_such_action(name, pausing.pausable(bootstrap.tools_by_name().tools))
