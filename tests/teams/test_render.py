"""What people see: sound cards, labels in words, and text that cannot pretend to be markup."""

import copy
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft6Validator
from markdown_it import MarkdownIt

from agent_core.blocks import (
    Button,
    Buttons,
    ButtonStyle,
    Change,
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
from agent_core.messages import Author, OutboundMessage
from bots.teams.cards import form_card
from bots.teams.markup import escape, link, pieces
from bots.teams.render import DISCLOSURE, render, render_card

SCHEMA = json.loads(
    (Path(__file__).parents[1] / "payloads/teams/adaptive-card-1.5.schema.json").read_text("utf-8")
)
VALIDATOR = Draft6Validator(SCHEMA)
EVIL = "<at>Rita Vance</at> [pay](https://evil.example) **bold** <b>x</b> & &lt;at&gt; _i_ # h"
BUTTONS = Buttons(
    buttons=(
        Button(action="case.claim", label="Claim", value="E1", style=ButtonStyle.PRIMARY),
        Button(action="case.reply", label="Reply", value="E1", opens_form=True),
        Button(action="case.resolve", label="Resolve", value="E1", style=ButtonStyle.DANGER),
    )
)
EVERY_BLOCK = (
    Heading(text="Case 12"),
    Text(markdown="Some **bold** words\n\n- one\n- two\n\n```\ncode <at>\n```"),
    Fields(fields=(Field(label="Plan", value="Team"), Field(label="Empty", value=""))),
    Changes(changes=(Change(label="Seats", before="10", after="13"),)),
    Receipt(
        state=ReceiptState.SUCCEEDED,
        title="3 seats added",
        fields=(Field(label="Price", value="€30.00"),),
        reference="R-7F3K",
    ),
    Quote(speaker="Olive", text="line one\n\nline two", at="10:03"),
    Note(text="A small remark"),
    Citation(title="Refund policy", url="https://docs.example/refunds"),
    Mention(people=(("teams:T1/0acec10d-a2", "Rita Vance"),), text="please look"),
    BUTTONS,
)


def message(*blocks, author=Author.CODE, **more):
    return OutboundMessage(blocks=blocks, fallback="In plain words", author=author, **more)


def check(card):
    """The official schema, without what Teams adds to it."""
    card = copy.deepcopy(card)
    card.pop("msteams", None)
    for part in card["body"]:
        if part.pop("choices.data", None):
            assert part.pop("style") == "filtered"
    assert card["type"] == "AdaptiveCard" and card["version"] == "1.5"
    problems = [error.message[:200] for error in VALIDATOR.iter_errors(card)]
    assert problems == []


def card_of(*blocks, **more):
    return render_card(message(*blocks, **more))


def all_text(node):
    if isinstance(node, dict):
        return " ".join(all_text(v) for k, v in node.items() if k not in ("type", "style", "id"))
    if isinstance(node, list):
        return " ".join(map(all_text, node))
    return node if isinstance(node, str) else ""


def inlines(markdown):
    """What a Markdown reader makes of it, from any HTML to plain text."""
    tokens = MarkdownIt("commonmark", {"html": True}).parse(markdown)
    return [child for token in tokens for child in (token.children or [])]


def test_the_schema_finds_wrong_cards():
    with pytest.raises(AssertionError):
        check({"type": "AdaptiveCard", "version": "1.5", "body": [{"type": "TextBlok"}]})


def test_every_block_makes_a_sound_card():
    check(card_of(*EVERY_BLOCK, discloses_ai=True))


@pytest.mark.parametrize("block", EVERY_BLOCK, ids=lambda block: type(block).__name__)
def test_each_block_alone_makes_a_sound_card_with_its_words(block):
    check(card_of(block))


@pytest.mark.parametrize("state", list(ReceiptState))
def test_a_receipt_says_its_state_in_words(state):
    card = card_of(Receipt(state=state, title="Refund", fields=(), reference="R-1"))
    check(card)
    words = {"succeeded": "Done", "refused": "Refused", "failed": "Failed", "unknown": "Not known"}
    assert words[state] in all_text(card) and "R-1" in all_text(card).replace("\\", "")


def test_buttons_execute_and_the_ones_with_a_form_open_a_dialog():
    actions = card_of(BUTTONS)["body"][-1]["actions"]
    own = {"action": "case.claim", "value": "E1"}
    assert actions[0] == {
        "type": "Action.Execute",
        "id": "case.claim",
        "verb": "case.claim",
        "title": "Claim",
        "style": "positive",
        "data": {"handrail": own},
    }
    assert actions[1]["type"] == "Action.Submit"
    assert actions[1]["data"]["msteams"] == {"type": "task/fetch"}


def test_agent_posts_bear_the_ai_label_in_words_and_for_machines():
    activity = render(message(Text(markdown="Hello"), author=Author.AGENT))[0]
    assert activity["text"].startswith("**Written by an AI agent**")
    entity = activity["entities"][0]
    assert entity["type"] == "https://schema.org/Message"
    assert entity["@type"] == "Message"
    assert entity["additionalType"] == ["AIGeneratedContent"]
    assert activity["summary"].startswith("Written by an AI agent:")


def test_code_and_people_are_labelled_and_bear_no_ai_label():
    code = render(message(Text(markdown="Hello")))[0]
    person = render(
        message(Text(markdown="Hi"), author=Author.PERSON, author_name="Rita <b> Vance")
    )[0]
    assert "Automatic message" in code["text"] and "entities" not in code
    assert "Rita &lt;b> Vance, support team" in person["text"] and "entities" not in person


def test_the_disclosure_opens_the_message():
    text = render(message(Text(markdown="Hello"), author=Author.AGENT, discloses_ai=True))[0]
    assert text["text"].index(DISCLOSURE) < text["text"].index("Hello")
    assert DISCLOSURE in text["summary"]
    card = card_of(Heading(text="Hi"), author=Author.AGENT, discloses_ai=True)
    assert DISCLOSURE in card["body"][1]["text"]


def test_citations_are_named_for_machines_too():
    source = Citation(title="Refund policy", url="https://docs.example/refunds")
    activity = render(message(Text(markdown="Yes."), source, author=Author.AGENT))[0]
    appearance = activity["entities"][0]["citation"][0]["appearance"]
    assert appearance["url"] == "https://docs.example/refunds"
    assert "[Refund policy](https://docs.example/refunds) (docs.example)" in activity["text"]


def test_only_the_named_people_are_mentioned():
    block = Mention(people=(("teams:T1/0acec10d-a2", "Rita Vance"),), text=EVIL)
    card = card_of(block, Text(markdown=EVIL), Quote(speaker=EVIL, text="hello"))
    assert card["msteams"]["entities"] == [
        {
            "type": "mention",
            "text": "<at>Rita Vance</at>",
            "mentioned": {"id": "0acec10d-a2", "name": "Rita Vance"},
        }
    ]
    readers = [part["text"] for part in card["body"] if part["type"] == "TextBlock"]
    assert sum(text.count("<at>") for text in readers) == 1


def test_a_card_without_mentions_has_no_mention_entities():
    card = card_of(
        Heading(text=EVIL), Text(markdown=EVIL), Fields(fields=(Field(label=EVIL, value=EVIL),))
    )
    assert "entities" not in card["msteams"]
    texts = json.dumps([p for p in card["body"] if p["type"] in ("TextBlock", "FactSet")])
    assert "<at>" not in texts


@pytest.mark.parametrize(
    "text",
    [
        EVIL,
        "1. one",
        "- a\n- b",
        "# title",
        "> quote",
        "a\n---",
        "a\n===",
        "`code`",
        "![x](https://evil.example/x.png)",
        "https://fine.example",
        "<https://evil.example>",
        "[a]: https://evil.example",
        "C:\\path\\*",
        "&amp; &#60;at&#62; AT&T",
        "~~gone~~ | a | b |",
        "+ plus",
        "2) two",
    ],
)
def test_escaped_text_is_shown_as_it_is(text):
    found = inlines(escape(text))
    assert {token.type for token in found} <= {"text", "softbreak"}
    whole = "".join("\n" if t.type == "softbreak" else t.content for t in found)
    assert whole == text


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="ab <>/at&;#*_[]()`~|\\-+=1.!:\n", max_size=40))
def test_no_text_becomes_markup_or_a_mention(text):
    escaped = escape(text)
    assert "<" not in escaped
    tokens = MarkdownIt("commonmark", {"html": True}).parse(escaped)
    kinds = {t.type for token in tokens for t in (token, *(token.children or []))}
    # Indented text may become a code block, which shows its characters as they are.
    assert kinds <= {
        "paragraph_open",
        "paragraph_close",
        "inline",
        "text",
        "softbreak",
        "hardbreak",
        "code_block",
    }


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("plain", "plain"),
        ("**bold** and *it*", "**bold** and _it_"),
        ("# Title", "**Title**"),
        ("- a\n- b\n  - c", "- a\n- b\n  - c"),
        ("3. a\n4. b", "3. a\n4. b"),
        ("> said", "“said”"),
        ("a `x_y` b", "a x\\_y b"),
        ("<b>hi</b>", "&lt;b>hi&lt;/b>"),
        ("| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |", "- a: 1; b: 2\n- a: 3; b: 4"),
        ("[pay here](https://pay.example/x)", "[pay here](https://pay.example/x) (pay.example)"),
        ("<https://pay.example/x>", "[https://pay.example/x](https://pay.example/x)"),
        ("[x](javascript:alert)", "[x](javascript:alert)".replace("[", "\\[").replace("]", "\\]")),
        ("![logo](https://a.example/l.png)", "[logo](https://a.example/l.png) (a.example)"),
        ("<at>Rita</at>", "&lt;at>Rita&lt;/at>"),
    ],
)
def test_markdown_becomes_teams_markdown(markdown, expected):
    assert "\n\n".join(piece.text for piece in pieces(markdown)) == expected


def test_a_link_shows_its_true_host():
    assert link("https://bank.example", "https://evil.example/a") == (
        "[https://bank.example](https://evil.example/a) (evil.example)"
    )
    assert "(xn--" in link("apple", "https://аpple.example/")
    assert link("x", "data:text/html,hi") == "x (link removed)"
    assert link("x) <at>y</at>", "https://a.example/)(<at>").count("<at>") == 0


def test_code_blocks_are_shown_letter_by_letter():
    card = card_of(Note(text="n"), Text(markdown="```\n<at>Rita</at> **x**\n```"))
    block = next(p for p in card["body"] if p["type"] == "RichTextBlock" and "Rita" in str(p))
    assert block["inlines"] == [
        {"type": "TextRun", "text": "<at>Rita</at> **x**", "fontType": "Monospace"}
    ]


@pytest.mark.parametrize("words", ["word " * 30_000, "€" * 40_000, "line\n" * 20_000])
def test_parts_fit_into_what_teams_takes(words):
    parts = render(message(Heading(text="Long"), Text(markdown=words), BUTTONS))
    assert len(parts) > 1
    for part in parts:
        assert len(json.dumps(part, ensure_ascii=False).encode()) < 28 * 1024
        check(part["attachments"][0]["content"])
    for part in render(message(Text(markdown=words), author=Author.AGENT)):
        assert len(json.dumps(part, ensure_ascii=False).encode()) < 28 * 1024 * 2


def form(**more):
    return Form(
        form="case.reply_form",
        value="E1",
        title="Reply",
        submit_label="Send",
        intro="Goes to the **customer**.",
        inputs=(
            Input(id="text", label="Your reply", kind=InputKind.LINES, hint="Words"),
            Input(
                id="why",
                label="Why",
                kind=InputKind.CHOICE,
                choices=(Choice(value="a", label="A"),),
                optional=True,
            ),
            Input(id="account", label="Account", kind=InputKind.SEARCH),
        ),
        **more,
    )


def test_a_form_is_a_sound_card_with_labels():
    card = form_card(form(), {})
    check(card)
    fields = [part for part in card["body"] if part["type"].startswith("Input.")]
    assert [part["label"] for part in fields] == ["Your reply", "Why", "Account"]
    assert [part["isRequired"] for part in fields] == [True, False, True]
    assert fields[2]["choices.data"] == {
        "type": "Data.Query",
        "dataset": "case.reply_form#account",
    }


def test_a_forms_errors_are_shown_in_words():
    card = form_card(form(), {"text": "Too short.", "": "Try again."})
    check(card)
    assert "Error: Your reply: Too short." in all_text(card)
    assert "Error: Try again." in all_text(card)


@pytest.mark.parametrize("letter", ["*", "€", "🦊", "\n", "<"])
def test_no_part_is_too_large_whatever_it_holds(letter):
    words = letter * 9_000
    facts = Fields(fields=tuple(Field(label=words, value=words) for _ in range(40)))
    receipt = Receipt(
        state=ReceiptState.SUCCEEDED, title="Done", fields=facts.fields, reference="R-1"
    )
    quote = Quote(speaker=words[:100], text=words)
    sent = OutboundMessage(
        blocks=(facts, receipt, quote, Text(markdown=words), Note(text=words), BUTTONS),
        fallback=words,
        author=Author.AGENT,
    )
    for part in render(sent):
        card = part["attachments"][0]["content"]
        check(card)
        assert len(json.dumps(card, ensure_ascii=False).encode()) <= 28 * 1024
    assert render(sent)[-1]["attachments"][0]["content"]["body"][-1]["type"] == "ActionSet"


def test_a_quote_keeps_its_lines_and_shows_its_words_as_they_are():
    items = card_of(Quote(speaker="Olive", text="one\n<at>Rita</at> **two**"))["body"][1]["items"]
    assert items[1]["text"] == "one\n\n&lt;at>Rita&lt;/at> \\*\\*two\\*\\*"
