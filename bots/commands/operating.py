"""`handrail trace` and `handrail backup`: what operators ask of a running service."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from agent_core.errors import StoreError
from bots.commands.running import Refused, show_json, told
from bots.settings import Settings


def trace(
    trace_id: Annotated[
        str, typer.Argument(metavar="ID", help="The trace that a case's card or a log line shows.")
    ],
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what happened in one request, step by step, without anybody's words."""
    with told():
        wanted = trace_id.strip().lower()
        if not re.fullmatch(r"[0-9a-f]{32}", wanted):
            raise Refused(f"{trace_id!r} is no trace: it has 32 digits and letters a to f.")
        settings = Settings.load()
        from bots import bootstrap  # builds on every adapter: loaded when it is needed

        problem = bootstrap.database_problem(settings)
        if problem:
            raise Refused(problem)
        try:
            found = bootstrap.traced(settings, wanted)
        except StoreError as error:
            raise Refused(str(error)) from None
        if not found:
            raise Refused(
                "No row bears this trace: it is another installation's, or it was deleted after "
                "its retention. The log may still hold its lines."
            )
        rows = [
            {"at": _time(one.at), "what": one.what, "id": one.id, "state": one.state}
            for one in found
        ]
        if json:
            show_json(rows)
            return
        for row in rows:
            typer.echo(f"{row['at']}  {row['what']:<18} {row['state']:<22} {row['id']}")


def backup(
    folder: Annotated[Path, typer.Argument(help="A folder; a new one is made inside it.")],
) -> None:
    """Copy the SQLite databases, also while the service runs."""
    with told():
        settings = Settings.load()
        from bots import bootstrap

        target = folder / datetime.now(UTC).strftime("handrail-%Y%m%dT%H%M%SZ")
        try:
            copied = bootstrap.backup(settings, target)
        except (StoreError, OSError) as error:
            raise Refused(f"The backup failed: {error}") from None
        for path in copied:
            typer.echo(str(path))
        typer.echo("The audit log's key is not in it: keep a copy of it apart from the backups.")


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds")
