"""What was said before, as a model reads it: which entries, and each in a line that stays the same.

A line does not depend on who asks: the same entry has the same bytes in every prompt.
"""

import hashlib
from typing import Final

from agent_core.conversation import Speaker, TranscriptEntry
from agent_core.limits import Limits
from agent_core.messages import PlatformIdentity

_WHO: Final = {
    Speaker.CUSTOMER: "customer",
    Speaker.STAFF: "staff",
    Speaker.SUPPORT: "support team",
    Speaker.AGENT: "you, the agent",
    Speaker.CODE: "automatic",
}


def history_start(upto: int, limits: Limits) -> int:
    """The first transcript seq shown. It moves in blocks, so that the prompt's start is stable."""
    if upto <= limits.history:
        return 1
    return (upto - limits.history) // limits.history_block * limits.history_block + 1


def mark_of(identity: PlatformIdentity) -> str:
    """Eight hex digits that stand for a person in a prompt, the same everywhere."""
    return hashlib.sha256(str(identity).encode()).hexdigest()[:8]


def line(entry: TranscriptEntry, characters: int) -> str:
    """The entry as marked data: nothing in it can close the mark or pose as another's words."""
    name = " ".join(escaped(entry.name, characters).replace('"', "'").split())
    mark = f' id="{mark_of(entry.identity)}"' if entry.identity is not None else ""
    text = "(deleted)" if entry.deleted_at else escaped(entry.text, characters)
    return f'<message from="{name}" who="{_WHO[entry.speaker]}"{mark}>{text}</message>'


def escaped(text: str, characters: int) -> str:
    """At most so many characters of it, none of which opens or closes a tag."""
    cut = text if len(text) <= characters else text[:characters] + " […]"
    return cut.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
