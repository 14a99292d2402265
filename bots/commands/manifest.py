"""`handrail manifest`: what to paste into Slack's or Teams' form for a new app."""

from typing import Annotated
from urllib.parse import urlsplit

import typer

from agent_core.errors import ConfigurationError
from bots.commands.running import show_json, told
from bots.commands.serving import checked

app = typer.Typer(no_args_is_help=True, help="Print an app's manifest.")

_URL_HELP = "Where the service is reached, like https://handrail.example.com."


def _https(url: str) -> str:
    """Raises ConfigurationError: Slack and Microsoft deliver to https alone."""
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        raise ConfigurationError([f"--url {url!r} is wrong: write https://HOST"])
    return url


@app.command()
def slack(
    url: Annotated[str, typer.Option(help=f"{_URL_HELP} Leave out for Socket Mode.")] = "",
) -> None:
    """YAML for “Create an app from a manifest” at api.slack.com/apps."""
    with told():
        from bots.slack.manifest import manifest_yaml

        _, configuration = checked()
        address = _https(url) if url else None
        name = configuration.agent if configuration.folder else "Handrail"
        typer.echo(manifest_yaml(address, name=name), nl=False)


@app.command()
def teams(
    url: Annotated[str, typer.Option(help=_URL_HELP, show_default=False)],
    app_id: Annotated[str, typer.Option(help="Unless MICROSOFT_APP_ID is set.")] = "",
) -> None:
    """The content of manifest.json; zip it with color.png (192 px) and outline.png (32 px)."""
    with told():
        from bots.teams.manifest import manifest

        settings, configuration = checked()
        known = app_id or (settings.teams.app_id if settings.teams else "")
        if not known:
            raise ConfigurationError(["Set MICROSOFT_APP_ID, or give --app-id."])
        domain = urlsplit(_https(url)).netloc
        if configuration.folder is None:
            show_json(manifest(app_id=known, domain=domain))
            return
        name, company = configuration.agent, configuration.company
        show_json(manifest(app_id=known, domain=domain, name=name, developer=company))
