"""What was said before, as a model reads it: which entries, and each in a line that stays the same.

A line does not depend on who asks: the same entry has the same bytes in every prompt. The newest
entries are shown as they are, and what is older in a summary; the border moves in blocks.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from agent_core.conversation import (
    Audience,
    Conversation,
    HistorySummary,
    Speaker,
    TranscriptEntry,
)
from agent_core.limits import Limits
from agent_core.messages import PlatformIdentity
from agent_core.ports import UnitOfWork

_WHO: Final = {
    Speaker.CUSTOMER: "customer",
    Speaker.STAFF: "staff",
    Speaker.SUPPORT: "support team",
    Speaker.AGENT: "you, the agent",
    Speaker.CODE: "automatic",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The first entry that is shown as it is, and the summary of what came before, if any."""

    start: int
    summary: HistorySummary | None = None


def history_start(upto: int, limits: Limits) -> int:
    """The first seq shown of a history that ends at `upto`, where older ones are summed up."""
    if upto <= limits.history:
        return 1
    return (upto - limits.history) // limits.history_block * limits.history_block + 1


def most_shown(limits: Limits) -> int:
    """So many entries are shown while a summary of the older ones is not there yet."""
    return limits.history + 2 * limits.history_block


def window_of(
    tx: UnitOfWork, conversation: Conversation, upto: int, first_known: int, limits: Limits
) -> Window:
    """What is shown of a history that ends at `upto`, of which entries from `first_known` on may
    be: the border is where the newest summary ends, unless that is long ago."""
    if upto < limits.history + limits.history_block:
        return Window(start=max(1, first_known))
    summary = tx.transcript.summary(conversation.id, upto, conversation.audience)
    start = summary.upto + 1 if summary else 1
    if upto - start >= most_shown(limits):
        start = history_start(upto, limits)
    return Window(start=max(start, first_known), summary=summary)


def read_entries(
    tx: UnitOfWork, conversation: Conversation, first_asked: int | None, limits: Limits
) -> dict[int, TranscriptEntry]:
    """The newest entries, and those before the first message that is asked now."""
    count = most_shown(limits) + limits.history_block
    entries = tx.transcript.last(conversation.id, count)
    if first_asked is not None and entries and entries[0].seq > 1:
        wanted = max(1, first_asked - most_shown(limits))
        if wanted < entries[0].seq:  # much was said since
            entries = tx.transcript.last(conversation.id, entries[-1].seq - wanted + 1)
    if conversation.audience is Audience.SHARED and entries:
        entries = said_to_all(entries, _inside(tx, conversation, entries))
    return {entry.seq: entry for entry in entries}


def _inside(tx: UnitOfWork, conversation: Conversation, entries: Sequence[TranscriptEntry]) -> int:
    """Where staff spoke last among themselves."""
    inside = max((one.seq for one in entries if one.speaker is Speaker.STAFF), default=0)
    if inside or entries[0].seq == 1:
        return inside
    return tx.transcript.newest_by(conversation.id, Speaker.STAFF)


def said_to_all(entries: Sequence[TranscriptEntry], inside: int) -> Sequence[TranscriptEntry]:
    """Without what was said while the room was internal: colleagues spoke there as staff, last at
    `inside`, and what followed was said to them, until somebody wrote in the room as it is now."""
    rest = [entry for entry in entries if entry.seq > inside]
    if inside == 0:
        return rest
    since = (Speaker.CUSTOMER, Speaker.SUPPORT)
    first = next((n for n, one in enumerate(rest) if one.speaker in since), len(rest))
    return rest[first:]


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
