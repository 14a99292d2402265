"""`handrail serve`, `demo` and `migrate`: what runs the service."""

import asyncio
from typing import Annotated

import typer

from agent_core.errors import ConfigurationError
from bots.commands.running import run, told
from bots.configuration import Configuration, load_configuration
from bots.settings import Settings, read

Port = Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")]


def checked(serve_on: str | None = None) -> tuple[Settings, Configuration]:
    """The settings and the configuration, once both are right.

    Raises ConfigurationError with the mistakes of both.
    """
    settings, mistakes, _ = read(serve_on=serve_on)
    sentences = [each.sentence for each in mistakes]
    configuration = Configuration()
    try:
        configuration = load_configuration(settings.configuration_folder)
    except ConfigurationError as error:
        sentences += error.mistakes
    if sentences:
        raise ConfigurationError(sentences)
    return settings, configuration


def serve(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Port = 3978,
) -> None:
    """Run the service until it is stopped."""

    async def work() -> None:
        settings, configuration = checked(serve_on=host)
        from bots import bootstrap  # builds on every adapter: loaded when it is needed

        await bootstrap.serve(settings, configuration, host, port)

    try:
        run(work())
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def migrate() -> None:
    """Create the database's tables, or bring them to this version."""
    with told():
        settings = Settings.load()
        from bots import bootstrap

        bootstrap.migrate(settings)
    typer.echo("The database is at this version.")


def demo(
    browser: Annotated[bool, typer.Option(help="Open the page in a browser.")] = True,
    port: Port = 8080,
) -> None:
    """Try everything on this machine, without an account anywhere."""
    with told():
        from bots import demo as playground

        try:
            asyncio.run(playground.run(port=port, browser=browser))
        except KeyboardInterrupt:
            raise typer.Exit(130) from None
