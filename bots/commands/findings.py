"""What the doctor found: one finding for each thing it looked at."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

from rich.console import Console
from rich.text import Text


class Status(StrEnum):
    """How a thing stands. Only WRONG keeps the service from its work."""

    RIGHT = "right"
    WRONG = "wrong"
    NOTE = "note"  # it works, and there is something to know
    UNSET = "unset"  # left out, and that is fine


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing, how it stands, and what to do about it ("" where nothing)."""

    area: str
    name: str
    status: Status
    message: str
    remedy: str = ""


def right(area: str, name: str, message: str) -> Finding:
    return Finding(area=area, name=name, status=Status.RIGHT, message=message)


def wrong(area: str, name: str, message: str, remedy: str = "") -> Finding:
    return Finding(area=area, name=name, status=Status.WRONG, message=message, remedy=remedy)


def note(area: str, name: str, message: str, remedy: str = "") -> Finding:
    return Finding(area=area, name=name, status=Status.NOTE, message=message, remedy=remedy)


def unset(area: str, name: str, message: str) -> Finding:
    return Finding(area=area, name=name, status=Status.UNSET, message=message)


def as_json(findings: Sequence[Finding], version: str) -> dict[str, object]:
    """The stable form for scripts."""
    return {
        "ok": all(each.status is not Status.WRONG for each in findings),
        "version": version,
        "findings": [asdict(each) for each in findings],
    }


_STYLES = {Status.RIGHT: "green", Status.WRONG: "bold red", Status.NOTE: "yellow"}


def show(findings: Sequence[Finding]) -> None:
    """By area, on standard output. Words say the status; colour only repeats it."""
    console = Console(highlight=False, soft_wrap=True)
    area = ""
    for each in findings:
        if each.area != area:
            area = each.area
            console.print(Text(f"\n{area}", style="bold"))
        line = Text(f"  {each.status.value:5}  ", style=_STYLES.get(each.status, "dim"))
        console.print(line + Text(f"{each.name}: {each.message}", style="default"))
        if each.remedy:
            console.print(Text(f"         {each.remedy}"))
    count = sum(each.status is Status.WRONG for each in findings)
    console.print(f"\n{count} wrong." if count else "\nNothing is wrong.")
