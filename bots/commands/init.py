"""`handrail init`: writes a configuration folder to start from."""

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated

import typer

from bots.commands.running import Refused, told
from bots.configuration import AGENT_FILE, POLICY_FILE, load_configuration


def init(
    folder: Annotated[Path, typer.Argument(metavar="[FOLDER]")] = Path("config"),
) -> None:
    """Write a configuration folder with commented files; nothing is overwritten."""
    with told():
        written = write_folder(folder)
    for path in written:
        typer.echo(f"Wrote {path}")
    typer.echo(
        f"Next: fill in your people in {folder / AGENT_FILE}, set HANDRAIL_CONFIG={folder}, "
        "and check with: handrail doctor"
    )


def write_folder(folder: Path) -> list[Path]:
    """The files written. Raises Refused where one of them is there, or cannot be written."""
    sources = _sources()
    taken = [str(folder / name) for name in sources if (folder / name).exists()]
    if taken:
        raise Refused(
            f"Nothing was written, because this is there already: {', '.join(taken)}. "
            "Name another folder, or move it away."
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, source in sources.items():
            # "x": whoever writes the same file at this moment is not overwritten either.
            with (folder / name).open("x", encoding="utf-8") as file:
                file.write(source.read_text(encoding="utf-8"))
    except OSError as problem:
        raise Refused(f"{folder} cannot be written: {problem.strerror}") from None
    load_configuration(folder)
    return [folder / name for name in sources]


def _sources() -> dict[str, Traversable]:
    """The policy is the sample company's: a whole one, that says of each rule what it does."""
    found = {AGENT_FILE: files("bots.commands") / "templates" / AGENT_FILE}
    policy = files("examples.acme") / POLICY_FILE
    if policy.is_file():
        found[POLICY_FILE] = policy
    return found
