"""How every command runs: what is expected to go wrong is told in words, with an exit code."""

import asyncio
import json
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import typer

from agent_core.errors import ConfigurationError, HandrailError

T = TypeVar("T")
FAILED: Final = 1
MISCONFIGURED: Final = 2


class Refused(HandrailError):
    """A command cannot be carried out as it was given. Nothing was changed."""


@contextmanager
def told() -> Iterator[None]:
    """Turns expected errors into sentences on standard error and an exit code.

    2: the configuration or the command line is wrong, every mistake is listed. 1: it failed.
    """
    try:
        yield
    except ConfigurationError as error:
        list_mistakes("These mistakes have to be corrected first:", error.mistakes)
        raise typer.Exit(MISCONFIGURED) from None
    except HandrailError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(FAILED) from None
    except BrokenPipeError:
        raise typer.Exit(FAILED) from None
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        typer.echo(f"{error.strerror or error}{where}", err=True)
        raise typer.Exit(FAILED) from None


def list_mistakes(title: str, mistakes: Sequence[str]) -> None:
    """Each on a line of its own, on standard error."""
    typer.echo(title, err=True)
    for mistake in mistakes:
        typer.echo(f"- {mistake}", err=True)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Runs to the end; expected errors become words and an exit code."""
    with told():
        return asyncio.run(work)


def show_json(value: object) -> None:
    """The stable form for scripts: one document on standard output."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))
