"""Messages that code writes, each with its plain text."""

import re
from collections.abc import Sequence
from typing import Final

from agent_core import presses
from agent_core.blocks import (
    Block,
    Button,
    Buttons,
    ButtonStyle,
    Changes,
    Citation,
    Fields,
    Heading,
    Mention,
    Note,
    Quote,
    Receipt,
    Text,
)
from agent_core.conversation import ConversationId
from agent_core.messages import Author, OutboundMessage, PlatformIdentity

_BOLD: Final = re.compile(r"\*\*(\S(?:.*?\S)?)\*\*")


def plain_text(blocks: Sequence[Block]) -> str:
    """The whole of a message without any drawing; buttons are named, so that a reader knows."""
    return "\n".join(line for block in blocks for line in _plain_lines(block) if line)


def without_emphasis(markdown: str) -> str:
    """Markdown's bold taken off, for places that show plain text."""
    return _BOLD.sub(r"\1", markdown)


def _plain_lines(block: Block) -> list[str]:
    match block:
        case Heading(text=text) | Note(text=text):
            return [text]
        case Text(markdown=text):
            return [without_emphasis(text)]
        case Fields(fields=fields):
            return [f"{field.label}: {field.value}" for field in fields]
        case Changes(changes=changes):
            return [f"{one.label}: {one.before} → {one.after}" for one in changes]
        case Receipt():
            lines = [block.title, *(f"{field.label}: {field.value}" for field in block.fields)]
            return [*lines, f"Reference {block.reference}"]
        case Quote():
            return [f"{block.speaker}{f' ({block.at})' if block.at else ''}: {block.text}"]
        case Citation():
            return [f"{block.title}: {block.url}"]
        case Mention():
            return [" ".join([*(name for _, name in block.people), block.text]).strip()]
        case Buttons(buttons=buttons):
            return ["Choices: " + " · ".join(button.label for button in buttons)]


def message_of(
    blocks: Sequence[Block | None], *, private_to: PlatformIdentity | None = None
) -> OutboundMessage:
    """These blocks by code, without the empty places."""
    shown = tuple(block for block in blocks if block is not None)
    return OutboundMessage(
        blocks=shown, fallback=plain_text(shown), author=Author.CODE, private_to=private_to
    )


def notice(text: str, *, private_to: PlatformIdentity | None = None) -> OutboundMessage:
    """A sentence by code."""
    return message_of([Text(markdown=text)], private_to=private_to)


def button(action: str, label: str, value: str, style: ButtonStyle = ButtonStyle.DEFAULT) -> Button:
    return Button(action=action, label=label, value=value, style=style)


def working(conversation_id: ConversationId) -> OutboundMessage:
    """While a turn takes long."""
    stop = button(presses.STOP, "Stop", str(conversation_id))
    return message_of([Text(markdown="Working on it…"), Buttons(buttons=(stop,))])
