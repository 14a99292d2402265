"""Draws messages as Block Kit, each with its plain text, split where Slack's limits ask. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from slack_sdk.models.blocks import Block as SlackBlock
from slack_sdk.models.blocks import ContextBlock, MarkdownTextObject, SectionBlock
from slack_sdk.models.metadata import Metadata

from agent_core.blocks import Buttons, Heading
from agent_core.messages import Author, OutboundMessage, OutgoingId
from bots.slack import limits
from bots.slack.drawing import Drawing
from bots.slack.entities import escape
from bots.slack.mrkdwn import cut

METADATA_EVENT: Final = "handrail_message"
DISCLOSURE: Final = (
    "You are writing with an AI agent, not with a person. You can ask for a person at any time."
)
LABELS: Final = {
    Author.AGENT: "Written by an AI agent",
    Author.CODE: "Automatic message",
    Author.PERSON: "",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """One post: what goes into `chat.postMessage`, `chat.update` or `chat.postEphemeral`."""

    text: str
    blocks: tuple[dict[str, Any], ...]
    metadata: dict[str, Any] = field(default_factory=dict)

    def content(self) -> dict[str, Any]:
        """The arguments that every kind of post shares. Nothing in them is parsed or unfurled."""
        return {"text": self.text, "blocks": list(self.blocks)}


def render(
    message: OutboundMessage, *, team_id: str, outgoing_id: OutgoingId | None = None
) -> tuple[Payload, ...]:
    """One payload, or several where the message is too long for one post.

    `team_id` is our workspace; buttons carry it. Raises SlackObjectFormationError for parts that
    no Slack message can hold, such as a button's value of more than 2,000 characters.
    """
    drawing = Drawing(team_id=team_id, subject=_subject(message))
    drawn: list[SlackBlock] = _opening(message)
    for block in message.blocks:
        drawn += drawing.draw(block)
    if not message.blocks:
        drawn += [_section(part) for part in cut(escape(message.fallback), limits.SECTION_TEXT)]
    closing = _closing(message)
    groups = _packed(drawn, closing)
    return tuple(
        Payload(
            text=_text(message, group, number, len(groups)),
            blocks=tuple(block.to_dict() for block in [*group, *closing]),
            metadata=_metadata(message, outgoing_id, number, len(groups)),
        )
        for number, group in enumerate(groups)
    )


def speaker(message: OutboundMessage) -> str:
    """Who speaks, in words, for a person's post; "" otherwise."""
    if message.author is not Author.PERSON:
        return ""
    return f"{message.author_name}, support team" if message.author_name else "Support team"


def _opening(message: OutboundMessage) -> list[SlackBlock]:
    found: list[SlackBlock] = []
    if message.discloses_ai:
        found.append(_section(DISCLOSURE))
    if name := speaker(message):
        found.append(_section(f"*{escape(name)[:300]}*"))
    return found


def _closing(message: OutboundMessage) -> list[SlackBlock]:
    label = LABELS[message.author]
    if not label:
        return []
    return [ContextBlock(elements=[MarkdownTextObject(text=label, verbatim=True)])]


def _section(text: str) -> SlackBlock:
    return SectionBlock(text=MarkdownTextObject(text=text or " ", verbatim=True))


def _packed(drawn: Sequence[SlackBlock], closing: Sequence[SlackBlock]) -> list[list[SlackBlock]]:
    """Groups in order, each within Slack's number of blocks and characters."""
    room = limits.MESSAGE_CHARACTERS - sum(_length(block.to_dict()) for block in closing)
    blocks = limits.MESSAGE_BLOCKS - len(closing)
    groups: list[list[SlackBlock]] = [[]]
    used = 0
    for block in drawn:
        length = _length(block.to_dict())
        if groups[-1] and (used + length > room or len(groups[-1]) >= blocks):
            groups.append([])
            used = 0
        groups[-1].append(block)
        used += length
    return groups


def _length(value: object) -> int:
    """The characters that people read, at any depth, counted as Slack is sent them."""
    if isinstance(value, Mapping):
        own = value.get("text")
        inside = sum(_length(item) for item in value.values() if not isinstance(item, str))
        return inside + (len(own) if isinstance(own, str) else 0)
    if isinstance(value, Iterable) and not isinstance(value, str):
        return sum(_length(item) for item in value)
    return 0


def _text(message: OutboundMessage, group: Sequence[SlackBlock], number: int, count: int) -> str:
    """What notifications and screen readers get: who speaks and all of it, escaped."""
    name, label = speaker(message), LABELS[message.author]
    words = escape(message.fallback)
    if number:
        words = f"Part {number + 1} of {count}: " + " ".join(_words(b.to_dict()) for b in group)
    opening = f"{DISCLOSURE} " if message.discloses_ai and not number else ""
    opening += f"{escape(name)}: " if name else ""
    closing = f" ({label})" if label else ""
    room = limits.FALLBACK_TEXT - len(opening) - len(closing) - 1
    parts = cut(words, room)
    shown = (parts[0] + "…" if len(parts) > 1 else parts[0]) if parts else ""
    return f"{opening}{shown}{closing}".strip() or label or "Message"


def _words(value: Mapping[str, Any]) -> str:
    found = value.get("text")
    if isinstance(found, Mapping):
        return str(found.get("text", ""))
    fields = value.get("fields")
    if isinstance(fields, list):
        return " ".join(str(item.get("text", "")) for item in fields)
    return ""


def _metadata(
    message: OutboundMessage, outgoing_id: OutgoingId | None, number: int, count: int
) -> dict[str, Any]:
    payload: dict[str, Any] = {"author": str(message.author)}
    if outgoing_id is not None:
        payload["outgoing_id"] = str(outgoing_id)
    if count > 1:
        payload |= {"part": number + 1, "parts": count}
    return dict(Metadata(event_type=METADATA_EVENT, event_payload=payload).to_dict())


def _subject(message: OutboundMessage) -> str:
    """What buttons are about, for a screen reader that meets them out of context."""
    if not any(isinstance(block, Buttons) for block in message.blocks):
        return ""
    return next((b.text for b in message.blocks if isinstance(b, Heading)), "")
