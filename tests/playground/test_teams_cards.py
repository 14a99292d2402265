"""Cards as a Teams client treats them: which are refused, what a button sends along."""

from typing import Any

import pytest

from playground.teams_api.cards import card_problem, click_payload, find_action

Json = dict[str, Any]

TEXT: Json = {"type": "TextBlock", "text": "Case 7"}
NOTE: Json = {"type": "Input.Text", "id": "note", "isRequired": True}
SEATS: Json = {"type": "Input.Number", "id": "seats", "value": 2, "min": 1}
URGENT: Json = {"type": "Input.Toggle", "id": "urgent", "title": "Urgent"}
SEND: Json = {"type": "Action.Execute", "verb": "send", "data": {"case": 7}}
CLAIM: Json = {"type": "Action.Execute", "verb": "claim", "data": {"case": 7}}


def card(body: list[Any], *actions: Json, version: str = "1.5") -> Json:
    """A card of these parts."""
    return {"type": "AdaptiveCard", "version": version, "body": body, "actions": list(actions)}


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        ([], "must be a JSON object"),
        ({"type": "AdaptiveCard"}, "needs a version"),
        (card([TEXT], CLAIM, version="1.3"), "1.4 or newer"),
        (card([CLAIM]), "Action.Execute cannot stand in body"),
        (card([], TEXT), "an element cannot stand in actions"),
        (card([{"type": "Container", "items": [{"type": "Box"}]}]), "'Box' is no part"),
        (card([{"type": ["TextBlock"]}]), "needs a type"),
        (card([7]), "must be an object"),
        (card([NOTE, NOTE]), "occurs twice"),
        (card([{"type": "Image"}]), "Image needs url"),
    ],
)
def test_a_broken_card_is_named(broken: Any, words: str) -> None:
    assert words in str(card_problem(broken))


def test_sound_cards_have_no_problem() -> None:
    columns = {"type": "ColumnSet", "columns": [{"items": [TEXT]}]}
    rich = {"type": "RichTextBlock", "inlines": ["plain", {"type": "TextRun", "text": "bold"}]}
    newer = {"type": "Chart", "fallback": "drop"}
    show = {"type": "Action.ShowCard", "title": "Reply", "card": card([NOTE], SEND)}
    assert card_problem(card([columns, rich, newer, SEATS], CLAIM, show)) is None


def test_inputs_of_a_show_card_go_with_its_own_buttons() -> None:
    show = {"type": "Action.ShowCard", "title": "Reply", "card": card([NOTE], SEND)}
    shown = card([SEATS, URGENT], CLAIM, show)
    claim, send = find_action(shown, "claim"), find_action(shown, "send")
    assert click_payload(shown, claim, {}) == {"case": 7, "seats": 2, "urgent": "false"}
    with pytest.raises(ValueError, match="note is required"):
        click_payload(shown, send, {})
    sent = click_payload(shown, send, {"note": "Hello", "urgent": "true"})
    assert sent == {"case": 7, "note": "Hello", "seats": 2, "urgent": "true"}


def test_what_a_client_would_not_send() -> None:
    shown = card([SEATS], CLAIM)
    claim = find_action(shown, "0")
    for given, words in (({"seats": 0}, "does not take 0"), ({"price": 1}, "has no input")):
        with pytest.raises(ValueError, match=words):
            click_payload(shown, claim, given)
    with pytest.raises(KeyError, match="claim"):
        find_action(shown, "approve")
    alone = {**claim, "associatedInputs": "none"}
    assert click_payload(shown, alone, {"seats": 5}) == {"case": 7}
