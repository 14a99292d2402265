"""What the demo can be told, and how it fails."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from agent_core.errors import HandrailError

DEFAULT_PORT: Final = 8400


class Support(StrEnum):
    """The platform that the support channel is on."""

    SLACK = "slack"
    TEAMS = "teams"


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOptions:
    """`port` 0 takes any free one. `data` None: a temporary folder, removed at the end.

    `example`: whether a short finished conversation is played after the start. `as_json`: the
    addresses come as one line of JSON on standard output, and no words.
    """

    port: int = DEFAULT_PORT
    data: Path | None = None
    support: Support = Support.SLACK
    open_browser: bool = True
    example: bool = True
    as_json: bool = False


class DemoFailed(HandrailError):
    """The demo cannot start or cannot go on; the message says why and what to do."""
