"""Draws each neutral part as Slack blocks, through slack_sdk's checked model classes. Pure."""

import re
from collections.abc import Sequence

from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    ButtonElement,
    ContextBlock,
    HeaderBlock,
    MarkdownTextObject,
    PlainTextObject,
    SectionBlock,
)

from agent_core import blocks
from agent_core.messages import Platform, PlatformIdentity
from bots.slack import limits
from bots.slack.entities import escape
from bots.slack.interactions import action_id, block_id
from bots.slack.mrkdwn import cut, link, to_mrkdwn

_STATES = {
    blocks.ReceiptState.SUCCEEDED: "done",
    blocks.ReceiptState.REFUSED: "refused, nothing was changed",
    blocks.ReceiptState.FAILED: "not done, nothing was changed",
    blocks.ReceiptState.UNKNOWN: "not known yet",
}
_STYLES = {blocks.ButtonStyle.PRIMARY: "primary", blocks.ButtonStyle.DANGER: "danger"}
_PERSON = re.compile(r"[UW][A-Z0-9]+")
# A longer value gets its own section instead of half a line beside another.
_SHORT_FIELD = 300
_QUOTED_LINE = 1_000


class Drawing:
    """One message's drawing: keeps the ids of its buttons unique."""

    def __init__(self, *, team_id: str, subject: str) -> None:
        self._team_id = team_id
        self._subject = subject
        self._rows = 0
        self._actions: dict[str, int] = {}

    def draw(self, block: blocks.Block) -> list[Block]:
        """The Slack blocks of one part; an empty part draws nothing."""
        match block:
            case blocks.Heading():
                return _heading(block.text)
            case blocks.Text():
                return [section(piece) for piece in to_mrkdwn(block.markdown)]
            case blocks.Fields():
                return _fields(block.fields)
            case blocks.Changes():
                return sections("\n".join(_change(change) for change in block.changes))
            case blocks.Receipt():
                return _receipt(block)
            case blocks.Quote():
                return _quote(block)
            case blocks.Note():
                return _context(escape(block.text))
            case blocks.Citation():
                return _context(f"Source: {link(block.url, block.title or block.url)}")
            case blocks.Mention():
                return sections(_mention(block))
            case blocks.Buttons():
                return self._buttons(block.buttons)

    def _buttons(self, buttons: Sequence[blocks.Button]) -> list[Block]:
        if not buttons:
            return []
        self._rows += 1
        return [
            ActionsBlock(
                block_id=block_id(self._team_id, self._rows),
                elements=[self._button(button) for button in buttons],
            )
        ]

    def _button(self, button: blocks.Button) -> ButtonElement:
        number = self._actions.get(button.action, 0)
        self._actions[button.action] = number + 1
        spoken = f"{button.label}: {self._subject}" if self._subject else button.label
        return ButtonElement(
            text=plain(button.label, limits.BUTTON_TEXT),
            action_id=action_id(button.action, number),
            value=button.value,
            style=_STYLES.get(button.style),
            accessibility_label=clip(spoken, limits.BUTTON_LABEL),
        )


def clip(untrusted: str, limit: int) -> str:
    """Escaped text that fits, with an ellipsis where something was left out."""
    escaped = escape(untrusted.strip())
    if len(escaped) <= limit:
        return escaped
    parts = cut(escaped.replace("\n", " "), limit - 1)
    return parts[0].rstrip() + "…"


def plain(untrusted: str, limit: int) -> PlainTextObject:
    """A plain text object, without emoji codes; a lone dash where there are no words."""
    return PlainTextObject(text=clip(untrusted, limit) or "–", emoji=False)


def mrkdwn(text: str) -> MarkdownTextObject:
    """A mrkdwn object in which Slack links only what we linked."""
    return MarkdownTextObject(text=text, verbatim=True)


def section(text: str) -> Block:
    return SectionBlock(text=mrkdwn(text))


def sections(text: str) -> list[Block]:
    return [section(part) for part in cut(text, limits.SECTION_TEXT) if part.strip()]


def _heading(text: str) -> list[Block]:
    escaped = escape(text.strip())
    if 0 < len(escaped) <= limits.HEADER_TEXT and "\n" not in escaped:
        return [HeaderBlock(text=PlainTextObject(text=escaped, emoji=False))]
    return [section(f"*{part}*") for part in cut(escaped, limits.SECTION_TEXT - 2) if part.strip()]


def _fields(fields: Sequence[blocks.Field]) -> list[Block]:
    """Short values side by side, long ones and a lone one over the whole width, in order."""
    drawn: list[Block] = []
    short: list[str] = []
    for field in fields:
        text = f"*{escape(field.label)}*\n{escape(field.value) or '–'}"
        if len(text) <= _SHORT_FIELD:
            short.append(text)
        if short and (len(text) > _SHORT_FIELD or len(short) == limits.SECTION_FIELDS):
            drawn += _side_by_side(short)
            short = []
        if len(text) > _SHORT_FIELD:
            drawn += sections(text)
    return drawn + _side_by_side(short)


def _side_by_side(texts: Sequence[str]) -> list[Block]:
    if len(texts) == 1:
        return sections(texts[0])
    return [SectionBlock(fields=[mrkdwn(text) for text in texts])] if texts else []


def _change(change: blocks.Change) -> str:
    before, after = escape(change.before) or "–", escape(change.after) or "–"
    return f"*{escape(change.label)}:* {before} → {after}"


def _receipt(receipt: blocks.Receipt) -> list[Block]:
    state = f"Outcome: {_STATES[receipt.state]}"
    if receipt.reference:
        state += f" · Reference: {escape(receipt.reference)}"
    title = sections(f"*{escape(receipt.title)}*")
    return [*title, *_fields(receipt.fields), *_context(state)]


def _quote(quote: blocks.Quote) -> list[Block]:
    at = f" · {escape(quote.at)}" if quote.at else ""
    lines = [f"*{escape(quote.speaker)}*{at}"]
    for line in escape(quote.text).split("\n"):
        lines += [f"> {part}" for part in cut(line, _QUOTED_LINE)] or ["> "]
    return sections("\n".join(lines))


def _context(text: str) -> list[Block]:
    return [
        ContextBlock(elements=[mrkdwn(part)])
        for part in cut(text, limits.CONTEXT_TEXT)
        if part.strip()
    ]


def _mention(mention: blocks.Mention) -> str:
    """Calls the given people, and nobody whom the text names."""
    called = [_call(address, name) for address, name in mention.people]
    return " ".join([*called, escape(mention.text)]).strip()


def _call(address: str, name: str) -> str:
    try:
        person = PlatformIdentity.parse(address)
    except ValueError:
        return escape(f"@{name}")
    if person.platform is Platform.SLACK and _PERSON.fullmatch(person.user_id):
        return f"<@{person.user_id}>"
    return escape(f"@{name}")
