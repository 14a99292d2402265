"""`handrail doctor`: what is right, what is wrong, and what to do."""

from importlib.metadata import version
from typing import Annotated

import typer

from bots.commands import findings
from bots.commands.check_settings import (
    check_configuration,
    check_data_folder,
    check_policy,
    check_variables,
)
from bots.commands.findings import Finding, Status
from bots.commands.running import FAILED, run, show_json
from bots.settings import read


def doctor(
    json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
    live: Annotated[bool, typer.Option("--live", help="Call the model once.")] = False,
) -> None:
    """Look at every setting and at what it leads to; exit code 1 where something is wrong."""
    found = run(examine(live=live))
    if json:
        show_json(findings.as_json(found, version("handrail")))
    else:
        findings.show(found)
    if any(each.status is Status.WRONG for each in found):
        raise typer.Exit(FAILED)


async def examine(*, live: bool) -> list[Finding]:
    """All findings, area by area. Nothing is posted anywhere."""
    from bots.commands.check_services import check_services  # brings every SDK

    # As for a server on this machine alone: what keeps it from starting is wrong.
    settings, mistakes, given = read(serve_on="127.0.0.1")
    configuration, of_configuration = check_configuration(settings.configuration_folder)
    return [
        *check_variables(settings, mistakes, given),
        *check_data_folder(settings),
        *of_configuration,
        *check_policy(settings.configuration_folder),
        *await check_services(settings, configuration, live=live),
    ]
