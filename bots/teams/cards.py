"""Adaptive Card parts for each neutral block, and the dialogs. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from agent_core.blocks import (
    Block,
    Button,
    Buttons,
    ButtonStyle,
    Changes,
    Choice,
    Citation,
    Field,
    Fields,
    Form,
    Heading,
    Input,
    InputKind,
    Mention,
    Note,
    Quote,
    Receipt,
    ReceiptState,
    Text,
)
from agent_core.messages import Platform, PlatformIdentity
from bots.teams import wire
from bots.teams.limits import (
    FACT_CHARACTERS,
    FACT_SET_BYTES,
    MAX_BUTTONS,
    TEXT_CHARACTERS,
    split_text,
)
from bots.teams.markup import Piece, escape, link, pieces
from bots.teams.wire import Json

_STYLES: Final = {ButtonStyle.PRIMARY: "positive", ButtonStyle.DANGER: "destructive"}
_STATES: Final = {
    ReceiptState.SUCCEEDED: ("Done", "good"),
    ReceiptState.REFUSED: ("Refused", "warning"),
    ReceiptState.FAILED: ("Failed, nothing was changed", "attention"),
    ReceiptState.UNKNOWN: ("Not known whether it happened", "attention"),
}


def card(
    body: Sequence[Json], *, fallback: str, entities: Sequence[Json] = (), **more: Any
) -> Json:
    """An Adaptive Card 1.5. `fallback` is what clients without cards show."""
    made: Json = {
        "type": "AdaptiveCard",
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "version": "1.5",
        "fallbackText": fallback,
        "body": list(body),
        **more,
    }
    teams: Json = {"width": "Full"}
    if entities:
        teams["entities"] = list(entities)
    return {**made, "msteams": teams}


def text(markdown: str, **more: Any) -> Json:
    """A paragraph in Teams' Markdown; the caller has escaped it."""
    return {"type": "TextBlock", "text": markdown, "wrap": True, **more}


def literal(words: str, **more: Any) -> Json:
    """Words that are shown exactly as they are: a text run knows no markup and no mention."""
    return _runs([{"type": "TextRun", "text": words, **more}])


def byline(words: str) -> Json:
    """Who speaks."""
    return text(escape(words), size="Small", weight="Bolder", isSubtle=True)


def elements(block: Block) -> Iterator[Json]:
    """The elements of one block, each small enough for a card."""
    match block:
        case Heading(text=words):
            yield text(escape(words), style="heading", size="Medium", weight="Bolder")
        case Text(markdown=markdown):
            for piece in pieces(markdown):
                yield from _piece(piece)
        case Fields(fields=fields):
            yield from _facts([(field.label, field.value) for field in fields])
        case Changes(changes=changes):
            yield from _facts([(c.label, f"{c.before} → {c.after}") for c in changes])
        case Receipt():
            yield from _receipt(block)
        case Quote(speaker=speaker, text=words, at=at):
            yield from _quote(speaker, words, at)
        case Note(text=words):
            yield from (literal(part, size="Small", isSubtle=True) for part in _split(words))
        case Citation(title=title, url=url):
            yield text(f"Source: {link(title, url)}", size="Small")
        case Buttons(buttons=buttons):
            yield {"type": "ActionSet", "actions": [_button(b) for b in buttons[:MAX_BUTTONS]]}
        case Mention():
            yield text(_mention_text(block))


def _piece(piece: Piece) -> Iterator[Json]:
    for part in _split(piece.text):
        yield literal(part, fontType="Monospace") if piece.code else text(part)


def _split(words: str) -> list[str]:
    return split_text(words, TEXT_CHARACTERS)


def _runs(runs: Sequence[Json]) -> Json:
    return {"type": "RichTextBlock", "inlines": list(runs)}


def _facts(pairs: Sequence[tuple[str, str]]) -> Iterator[Json]:
    """Sets of facts, each small enough for a card."""
    facts: list[Json] = []
    size = 0
    for name, value in pairs:
        fact = {"title": escape(_cut(name)), "value": escape(_cut(value)) or "–"}
        size += sum(len(words.encode()) for words in fact.values())
        if facts and size > FACT_SET_BYTES:
            yield {"type": "FactSet", "facts": facts}
            facts, size = [], 0
        facts.append(fact)
    yield {"type": "FactSet", "facts": facts}


def _cut(words: str) -> str:
    return words if len(words) <= FACT_CHARACTERS else f"{words[: FACT_CHARACTERS - 1]}…"


def _receipt(receipt: Receipt) -> Iterator[Json]:
    words, style = _STATES[receipt.state]
    title = text(escape(receipt.title), weight="Bolder")
    outcome = Field(label="Outcome", value=words)  # in words: the colour alone says nothing
    facts = (*receipt.fields, outcome, Field(label="Reference", value=receipt.reference))
    for number, shown_facts in enumerate(_facts([(f.label, f.value) for f in facts])):
        items = [title, shown_facts] if number == 0 else [shown_facts]
        yield {"type": "Container", "style": style, "items": items}


def _quote(speaker: str, words: str, at: str) -> Iterator[Json]:
    who = f"{speaker} · {at}" if at else speaker
    head = _runs([{"type": "TextRun", "text": who, "weight": "Bolder", "size": "Small"}])
    for number, part in enumerate(_split(words)):
        # A single line break would be drawn as a space.
        said = re.sub(r"\n+", "\n\n", escape(part).strip())
        items = [head] if number == 0 else []
        yield {"type": "Container", "style": "emphasis", "items": [*items, text(said or "–")]}


# --- mentions -------------------------------------------------------------------------------


def mention_entities(block: Mention) -> list[Json]:
    """Mentions of just these people; those of another platform are named and not called."""
    return [
        {"type": "mention", "text": _at(name), "mentioned": {"id": person.user_id, "name": name}}
        for person, name in _people(block)
        if person.platform is Platform.TEAMS
    ]


def _mention_text(block: Mention) -> str:
    called = (
        _at(name) if person.platform is Platform.TEAMS else escape(f"@{name}")
        for person, name in _people(block)
    )
    return f"{' '.join(called)} {escape(block.text)}".strip()


def _people(block: Mention) -> Iterator[tuple[PlatformIdentity, str]]:
    return ((PlatformIdentity.parse(address), name) for address, name in block.people)


def _at(name: str) -> str:
    return f"<at>{name.replace('<', '').replace('>', '')}</at>"


# --- buttons --------------------------------------------------------------------------------


def _button(button: Button) -> Json:
    own = {wire.ACTION: button.action, wire.VALUE: button.value}
    drawn: Json = {"id": button.action, "title": button.label}
    if button.style in _STYLES:
        drawn["style"] = _STYLES[button.style]
    if button.opens_form:
        # A dialog opens from Action.Submit alone.
        data = {"msteams": {"type": "task/fetch"}, wire.OWN: own}
        return {"type": "Action.Submit", **drawn, "data": data}
    return {"type": "Action.Execute", "verb": button.action, **drawn, "data": {wire.OWN: own}}


# --- dialogs --------------------------------------------------------------------------------


def form_card(form: Form, errors: Mapping[str, str]) -> Json:
    """A dialog's card. It carries the form, so that a refused one can be drawn again."""
    body: list[Json] = []
    if form.intro:
        body.extend(elements(Text(markdown=form.intro)))
    unplaced = [words for name, words in errors.items() if name not in {i.id for i in form.inputs}]
    body.extend(_error(words) for words in unplaced)
    for field in form.inputs:
        if field.id in errors:
            body.append(_error(f"{field.label}: {errors[field.id]}"))
        body.append(_input(form, field))
    own = {wire.FORM: form.form, wire.VALUE: form.value, wire.SHOWN: shown(form)}
    submit = {
        "type": "Action.Submit",
        "id": "submit",
        "title": form.submit_label,
        "data": {wire.OWN: own},
    }
    return card(body, fallback=form.title, actions=[submit])


def _error(words: str) -> Json:
    return literal(f"Error: {words}", color="Attention", weight="Bolder")


def _input(form: Form, field: Input) -> Json:
    drawn: Json = {"id": field.id, "label": field.label, "isRequired": not field.optional}
    if not field.optional:
        drawn["errorMessage"] = f"{field.label} is needed."
    if field.hint:
        drawn["placeholder"] = field.hint
    if field.initial:
        drawn["value"] = field.initial
    match field.kind:
        case InputKind.LINE | InputKind.LINES:
            many = field.kind is InputKind.LINES
            return {"type": "Input.Text", **drawn, "isMultiline": many}
        case InputKind.CHOICE:
            return {"type": "Input.ChoiceSet", **drawn, "choices": choices(field.choices)}
        case InputKind.SEARCH:
            dataset = f"{form.form}{wire.DATASET_MARK}{field.id}"
            query = {"type": "Data.Query", "dataset": dataset}
            search = {"style": "filtered", "choices.data": query}
            given = choices(field.choices)
            return {"type": "Input.ChoiceSet", **drawn, **search, "choices": given}


def choices(given: Sequence[Choice]) -> list[Json]:
    """Choices as a picker or a search answer lists them."""
    return [{"title": choice.label, "value": choice.value} for choice in given]


def shown(form: Form) -> Json:
    """The form in JSON, without what people typed."""
    return {
        "title": form.title,
        "submit": form.submit_label,
        "intro": form.intro,
        "inputs": [
            {
                "id": field.id,
                "label": field.label,
                "kind": str(field.kind),
                "optional": field.optional,
                "hint": field.hint,
                "choices": choices(field.choices),
            }
            for field in form.inputs
        ],
    }
