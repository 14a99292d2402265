"""Adaptive Cards as a Teams client treats them: is the card sound, which buttons, which inputs."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from playground.teams_api.state import Json

NEWEST_VERSION = (1, 5)
MOST_REFRESH_PEOPLE = 60
DYNAMIC = "choices.data"  # a choice list whose options the bot gives while somebody types
_ELEMENTS = frozenset(
    {"TextBlock", "Image", "Media", "MediaSource", "RichTextBlock", "TextRun", "ActionSet"}
    | {"Container", "ColumnSet", "Column", "FactSet", "Fact", "ImageSet"}
    | {"Table", "TableRow", "TableCell", "Input.Text", "Input.Number", "Input.Date"}
    | {"Input.Time", "Input.Toggle", "Input.ChoiceSet", "Input.Choice"}
)
_ACTIONS = frozenset(
    {"Action.Execute", "Action.OpenUrl", "Action.Submit", "Action.ShowCard"}
    | {"Action.ToggleVisibility"}
)
_NEEDED = {
    "TextBlock": ("text",),
    "TextRun": ("text",),
    "Image": ("url",),
    "RichTextBlock": ("inlines",),
    "FactSet": ("facts",),
    "Container": ("items",),
    "ActionSet": ("actions",),
    "ImageSet": ("images",),
    "Action.OpenUrl": ("url",),
    "Action.ShowCard": ("card",),
}
_CHILDREN = ("body", "items", "columns", "images", "rows", "cells", "inlines")


def card_problem(card: Any) -> str | None:
    """What a Teams client would stumble over, in words; None when the card is sound."""
    if not isinstance(card, dict):
        return "an Adaptive Card must be a JSON object"
    if card.get("type") != "AdaptiveCard":
        return f"a card's type must be AdaptiveCard, not {card.get('type')!r}"
    version = re.fullmatch(r"(\d+)\.(\d+)", str(card.get("version", "")))
    if version is None:
        return "a card needs a version such as 1.5"
    number = (int(version[1]), int(version[2]))
    if number > NEWEST_VERSION:
        return f"card version {card['version']} is newer than Teams' 1.5"
    for key in ("body", "actions"):
        if not isinstance(card.get(key, []), list):
            return f"the card's {key} must be a list"
    return _refresh_problem(card) or _parts_problem(card, number)


def _refresh_problem(card: Json) -> str | None:
    refresh = card.get("refresh")
    if refresh is None:
        return None
    action = refresh.get("action") if isinstance(refresh, dict) else None
    if not isinstance(action, dict) or action.get("type") != "Action.Execute":
        return "refresh.action must be an Action.Execute"
    people = refresh.get("userIds", [])
    if not isinstance(people, list) or len(people) > MOST_REFRESH_PEOPLE:
        return f"refresh.userIds takes at most {MOST_REFRESH_PEOPLE} ids"
    return None


def _parts_problem(card: Json, version: tuple[int, int]) -> str | None:
    seen: set[str] = set()
    for part in (card, *_parts(card)):
        problem = _part_problem(part, version) or _place_problem(part)
        if problem is not None:
            return problem
        if isinstance(part, dict) and str(part.get("type")).startswith("Input."):
            if part["id"] in seen:
                return f"the input id {part['id']!r} occurs twice"
            seen.add(part["id"])
    return None


def _part_problem(part: Any, version: tuple[int, int]) -> str | None:
    if isinstance(part, str):
        return None  # a RichTextBlock's inline may be plain text
    if not isinstance(part, dict):
        return f"a part of a card must be an object, not {type(part).__name__}"
    kind = part.get("type")
    if not isinstance(kind, str):
        return "each part of a card needs a type"
    if kind not in _ELEMENTS and kind not in _ACTIONS and kind != "AdaptiveCard":
        if "fallback" in part:
            return None
        return f"{kind!r} is no part of Adaptive Cards 1.5"
    if kind == "Action.Execute" and version < (1, 4):
        return "Action.Execute needs card version 1.4 or newer"
    if kind.startswith("Input.") and not isinstance(part.get("id"), str):
        return f"{kind} needs an id"
    if kind == "Input.ChoiceSet" and "choices" not in part and DYNAMIC not in part:
        return f"{kind} needs choices"
    for key in _NEEDED.get(kind, ()):
        if part.get(key) is None:
            return f"{kind} needs {key}"
    return None


def _place_problem(part: Any) -> str | None:
    """Buttons stand in `actions`, and nothing else does."""
    if not isinstance(part, dict):
        return None
    for key in (*_CHILDREN, "actions"):
        children = part.get(key)
        for child in children if isinstance(children, list) else []:
            is_button = isinstance(child, dict) and str(child.get("type")).startswith("Action.")
            if is_button is not (key == "actions"):
                return f"{child.get('type') if is_button else 'an element'} cannot stand in {key}"
    return None


def _parts(node: Json, opened_by: Json | None = None) -> Iterator[Any]:
    """Every element and action below a card, nested ones too.

    `opened_by` leaves out the ShowCards that do not hold this button.
    """
    for key in (*_CHILDREN, "actions"):
        children = node.get(key)
        if not isinstance(children, list):
            continue
        for child in children:
            # Columns, rows and cells may leave their type out.
            if isinstance(child, dict) and "type" not in child and key in _IMPLIED:
                child = {"type": _IMPLIED[key], **child}
            yield child
            if isinstance(child, dict):
                yield from _parts(child, opened_by)
    for key in ("selectAction", "inlineAction"):
        if isinstance(node.get(key), dict):
            yield node[key]
    if node.get("type") != "Action.ShowCard" or not isinstance(node.get("card"), dict):
        return
    inner = list(_parts(node["card"], opened_by))
    if opened_by is None or any(part is opened_by for part in inner):
        yield from inner


_IMPLIED = {"columns": "Column", "rows": "TableRow", "cells": "TableCell"}


def _objects(card: Json, opened_by: Json | None = None) -> Iterator[Json]:
    return (part for part in _parts(card, opened_by) if isinstance(part, dict))


def _inputs(card: Json, opened_by: Json | None = None) -> dict[str, Json]:
    parts = _objects(card, opened_by)
    return {part["id"]: part for part in parts if str(part.get("type")).startswith("Input.")}


def actions(card: Json) -> list[Json]:
    """All buttons of a card, in reading order."""
    return [part for part in _objects(card) if part.get("type") in _ACTIONS]


def find_action(card: Json, wanted: str) -> Json:
    """The button with this id, verb or title, or at this index ("0"); KeyError lists them."""
    buttons = actions(card)
    for key in ("id", "verb", "title"):
        for button in buttons:
            if button.get(key) == wanted:
                return button
    if wanted.isdecimal() and int(wanted) < len(buttons):
        return buttons[int(wanted)]
    shown = [b.get("id") or b.get("verb") or b.get("title") or b["type"] for b in buttons]
    raise KeyError(f"no button {wanted!r}; this card has {shown}")


def find_dataset(card: Json, input_id: str) -> str:
    """The dataset that a dynamic choice list asks for; KeyError when it is none."""
    for part in _objects(card):
        query = part.get(DYNAMIC)
        if part.get("id") == input_id and isinstance(query, dict):
            return str(query.get("dataset", ""))
    raise KeyError(f"this card has no choice list {input_id!r} that searches")


def filled(card: Json, button: Json, given: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs that go with a button, as a client sends them: given values, else defaults.

    Those of a ShowCard go with its own buttons only. ValueError when a required input is empty or
    a value breaks the input's own rule: a client would show the error and send nothing.
    """
    all_inputs = _inputs(card)
    unknown = set(given) - set(all_inputs)
    if unknown:
        raise ValueError(f"this card has no input {sorted(unknown)}; it has {sorted(all_inputs)}")
    values: dict[str, Any] = {}
    for key, part in _inputs(card, button).items():
        value = given.get(key, _default(part))
        if value in (None, ""):
            if part.get("isRequired"):
                raise ValueError(part.get("errorMessage") or f"{key} is required")
            if key not in given:
                continue
        elif not _fits(part, value):
            raise ValueError(part.get("errorMessage") or f"{key} does not take {value!r}")
        values[key] = value
    return values


def _default(part: Json) -> Any:
    if part["type"] == "Input.Toggle":
        return part.get("value", part.get("valueOff", "false"))
    return part.get("value")


def _fits(part: Json, value: Any) -> bool:
    match part["type"]:
        case "Input.Number":
            try:
                number = float(value)
            except (TypeError, ValueError):
                return False
            return bool(part.get("min", number) <= number <= part.get("max", number))
        case "Input.Text":
            pattern, longest = part.get("regex"), part.get("maxLength")
            long_enough = longest is None or len(str(value)) <= int(longest)
            return long_enough and (not pattern or re.search(pattern, str(value)) is not None)
        case "Input.ChoiceSet" if DYNAMIC not in part:
            known = {str(choice.get("value")) for choice in part["choices"]}
            return (
                set(str(value).split(",") if part.get("isMultiSelect") else [str(value)]) <= known
            )
        case _:
            return True


def click_payload(card: Json, action: Json, given: Mapping[str, Any]) -> Any:
    """The action's data merged with the inputs, as Execute and Submit send it."""
    data = action.get("data")
    values = {} if action.get("associatedInputs") == "none" else filled(card, action, given)
    if data is None or isinstance(data, dict):
        return {**(data or {}), **values}
    # Text data cannot be merged: a client sends it alone when there is nothing to add.
    return {"data": data, **values} if values else data
