"""`handrail serve`, `demo` and `migrate`: what runs the service."""

import errno
import logging
import socket
from pathlib import Path
from typing import Annotated, Final

import typer

from agent_core.errors import ConfigurationError
from bots import demo as playground
from bots.commands.running import Refused, run, told
from bots.configuration import POLICY_FILE, Configuration, load_configuration
from bots.demo import DEFAULT_PORT, DemoOptions, Support
from bots.logs import set_up_logs
from bots.roles import Role
from bots.settings import Settings, read
from bots.stopping import Stop, stoppable

log = logging.getLogger(__name__)

_NOT_OURS: Final = (errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EACCES)
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
    sentences += _policy_mistakes(settings.configuration_folder)
    if sentences:
        raise ConfigurationError(sentences)
    return settings, configuration


def _policy_mistakes(folder: Path | None) -> tuple[str, ...]:
    """Told beside those of agent.yaml, so that nobody corrects one file to meet the next."""
    if folder is None or not (folder / POLICY_FILE).is_file():
        return ()
    from bots import bootstrap  # builds on every adapter: loaded when it is needed

    return bootstrap.policy_mistakes(folder / POLICY_FILE)


def serve(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Port = 3978,
    role: Annotated[
        Role, typer.Option(help="On Postgres: intake has the doors, worker runs the turns.")
    ] = Role.ALL,
) -> None:
    """Run the service until it is stopped."""

    async def work(stop: Stop) -> None:
        settings, configuration = checked(serve_on=host)
        from bots import bootstrap

        set_up_logs(settings.log_level, settings.secrets)
        if settings.model is None:
            log.warning("no model endpoint is set: the scripted model answers, which is rules")
        try:
            await bootstrap.serve(settings, configuration, host, port, role, stop)
        except OSError as problem:
            if problem.errno not in _NOT_OURS and not isinstance(problem, socket.gaierror):
                raise
            raise Refused(
                f"Cannot listen on {host}, port {port}: it is taken, or not for us to take. "
                "Choose another with --port, or another address with --host."
            ) from None

    with stoppable() as stop:
        run(work(stop))


def migrate() -> None:
    """Create the database's tables, or bring them to this version."""
    with told():
        settings = Settings.load()
        from bots import bootstrap

        bootstrap.migrate(settings)
    typer.echo("The database is at this version.")


def demo(
    browser: Annotated[bool, typer.Option(help="Open the page in a browser.")] = True,
    port: Port = DEFAULT_PORT,
    data: Annotated[
        Path | None, typer.Option(help="Keep the state there; else it is gone afterwards.")
    ] = None,
    support: Annotated[Support, typer.Option(help="Where the support channel is.")] = Support.SLACK,
    example: Annotated[bool, typer.Option(help="Play a short conversation first.")] = True,
    json: Annotated[bool, typer.Option("--json", help="Print the addresses as JSON.")] = False,
) -> None:
    """Try everything on this machine, without an account anywhere."""
    options = DemoOptions(
        port=port,
        data=data,
        support=support,
        open_browser=browser,
        example=example,
        as_json=json,
    )
    try:
        run(playground.run(options))
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
