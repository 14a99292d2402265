"""The command `handrail`: joins the command groups."""

from importlib.metadata import version
from typing import Annotated

import typer

from bots.commands import (
    accounts,
    audit,
    doctor,
    forget,
    init,
    manifest,
    operating,
    pausing,
    people,
    policy,
    rooms,
    serving,
)

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Handrail: a customer agent for Slack and Microsoft Teams. It acts within guardrails and "
    "hands over to people.",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"handrail {version('handrail')}")
        raise typer.Exit()


@app.callback()
def handrail(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Handrail: a customer agent for Slack and Microsoft Teams."""


app.command()(serving.demo)
app.command()(init.init)
app.command()(doctor.doctor)
app.command()(serving.serve)
app.command()(serving.migrate)
app.command()(operating.backup)
app.command()(operating.trace)
app.command()(rooms.link)
app.command()(rooms.unlink)
app.command()(rooms.rooms)
app.command()(pausing.pause)
app.command()(pausing.resume)
app.command()(pausing.pauses)
app.command()(forget.forget)
app.add_typer(people.app, name="people")
app.add_typer(policy.app, name="policy")
app.add_typer(accounts.app, name="accounts")
app.add_typer(audit.app, name="audit")
app.add_typer(manifest.app, name="manifest")


def main() -> None:
    """The console script."""
    app()


if __name__ == "__main__":
    main()
