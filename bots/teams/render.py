"""Draws neutral messages as activities, with labels and a plain-text form. Pure."""

import json
from collections.abc import Iterator, Sequence
from typing import Final

from agent_core.blocks import (
    Block,
    Buttons,
    Citation,
    Mention,
    Text,
)
from agent_core.messages import Author, OutboundMessage
from bots.teams import cards, limits
from bots.teams.markup import Piece, escape, link, pieces
from bots.teams.wire import CARD_TYPE, Json

DISCLOSURE: Final = (
    "You are writing with an AI agent, not with a person. You can ask for a person at any time."
)
_AI_ENTITY: Final = {
    "type": "https://schema.org/Message",
    "@type": "Message",
    "@context": "https://schema.org",
    "@id": "",
    "additionalType": ["AIGeneratedContent"],
}


def label(message: OutboundMessage) -> str:
    """Who speaks, in words."""
    match message.author:
        case Author.AGENT:
            return "Written by an AI agent"
        case Author.CODE:
            return "Automatic message"
        case Author.PERSON:
            return f"{message.author_name or 'A person'}, support team"


def render(message: OutboundMessage) -> tuple[Json, ...]:
    """The activities of a message, in order; more than one only where a card would be too large.

    Buttons are always on the last one. Prose alone becomes a text message, all else a card.
    """
    if all(isinstance(block, Text | Citation) for block in message.blocks):
        return _texts(message)
    return _cards(message)


def render_card(message: OutboundMessage) -> Json:
    """The card alone, for the answer to a press: the part that bears the buttons."""
    content: Json = _cards(message)[-1]["attachments"][0]["content"]
    return content


# --- text -----------------------------------------------------------------------------------


def _texts(message: OutboundMessage) -> tuple[Json, ...]:
    paragraphs = [f"**{escape(label(message))}**"]
    if message.discloses_ai:
        paragraphs.append(escape(DISCLOSURE))
    for block in message.blocks:
        if isinstance(block, Text):
            paragraphs.extend(_paragraph(piece) for piece in pieces(block.markdown))
        elif isinstance(block, Citation):
            paragraphs.append(f"Source: {link(block.title, block.url)}")
    if not message.blocks:
        paragraphs.append(escape(message.fallback))
    text = "\n\n".join(paragraphs)
    parts = limits.split_text(text, limits.MESSAGE_CHARACTERS)
    return tuple(
        _activity(message, {"text": part, "textFormat": "markdown"}, first=number == 0)
        for number, part in enumerate(parts)
    )


def _paragraph(piece: Piece) -> str:
    # A fence would let its lines through unescaped, so code is shown as plain lines.
    return escape(piece.text).replace("\n", "\n\n") if piece.code else piece.text


# --- cards ----------------------------------------------------------------------------------


def _cards(message: OutboundMessage) -> tuple[Json, ...]:
    mentions = [block for block in message.blocks if isinstance(block, Mention)]
    entities = [entity for block in mentions for entity in cards.mention_entities(block)]
    packs = list(_packed(list(_elements(message))))
    done: list[Json] = []
    for number, pack in enumerate(packs):
        card = cards.card(pack, fallback=_fallback(message), entities=_used(entities, pack))
        content = {"attachments": [{"contentType": CARD_TYPE, "content": card}]}
        done.append(_activity(message, content, first=number == 0))
    return tuple(done)


def _elements(message: OutboundMessage) -> Iterator[Json]:
    yield cards.byline(label(message))
    if message.discloses_ai:
        yield cards.text(escape(DISCLOSURE))
    # Buttons come last, so that they are on the last card where one is not enough.
    yield from _drawn(block for block in message.blocks if not isinstance(block, Buttons))
    yield from _drawn(block for block in message.blocks if isinstance(block, Buttons))


def _drawn(blocks: Iterator[Block]) -> Iterator[Json]:
    for block in blocks:
        yield from cards.elements(block)


def _packed(elements: Sequence[Json]) -> Iterator[list[Json]]:
    """Groups of elements that each fit into one card."""
    pack: list[Json] = []
    size = 0
    for element in elements:
        weight = _size(element)
        if pack and size + weight > limits.CARD_BYTES - 2 * limits.FALLBACK_CHARACTERS:
            yield pack
            pack, size = [], 0
        pack.append(element)
        size += weight
    yield pack


def _used(entities: Sequence[Json], pack: Sequence[Json]) -> list[Json]:
    shown = json.dumps(pack, ensure_ascii=False)
    return [entity for entity in entities if str(entity["text"]) in shown]


def _size(element: Json) -> int:
    return len(json.dumps(element, ensure_ascii=False).encode()) + 1


# --- both -----------------------------------------------------------------------------------


def _activity(message: OutboundMessage, content: Json, *, first: bool) -> Json:
    activity: Json = {"type": "message", **content}
    # Notifications and screen readers get the whole in words; later parts need it no more.
    activity["summary"] = _fallback(message) if first else label(message)
    if message.author is Author.AGENT:
        activity["entities"] = [_ai_entity(message)]
    return activity


def _ai_entity(message: OutboundMessage) -> Json:
    sources = [block for block in message.blocks if isinstance(block, Citation)]
    claims = [
        {
            "@type": "Claim",
            "position": number,
            "appearance": {
                "@type": "DigitalDocument",
                "name": source.title[:80],
                "url": source.url,
                "abstract": source.title[:160],
            },
        }
        for number, source in enumerate(sources, start=1)
        if source.url.startswith(("https://", "http://"))
    ]
    return {**_AI_ENTITY, "citation": claims} if claims else dict(_AI_ENTITY)


def _fallback(message: OutboundMessage) -> str:
    told = f"{DISCLOSURE} " if message.discloses_ai else ""
    return f"{label(message)}: {told}{message.fallback}"[: limits.FALLBACK_CHARACTERS]
