"""Block Kit out: nothing untrusted gets out of its text, nothing exceeds Slack's limits."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.models.blocks import Block as SlackBlock

from agent_core.blocks import (
    Block,
    Button,
    Buttons,
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
from agent_core.messages import Author, OutboundMessage, OutgoingId
from bots.slack.forms import render_form, render_notice, render_options
from bots.slack.mrkdwn import cut, to_mrkdwn
from bots.slack.render import DISCLOSURE, METADATA_EVENT, render
from playground.slack_api.blocks import message_problem, view_problem

# Pieces that break naive escaping, mixed with anything.
BREAKERS = (
    "<!here> <!channel> <!subteam^S1> <@U0RITA> <#C1> <https://e.com|x> & < > &amp; &lt; ` ``` "
    "** _ ~ [a](https://e.com) [<@U1>](https://e.com/?a=<b>&c|d) ![i](https://e.com/i.png) "
    "> - 1. | --- # \\< \\` <b> </b> <!-- --> :wave: @here"
)
NASTY = st.lists(
    st.sampled_from(BREAKERS.split())
    | st.sampled_from(["\n", "\n\n", " ", "    ", "\t"])
    | st.text(max_size=6),
    max_size=14,
).map("".join)
LINK = re.compile(r"<(https?://|mailto:)[^<>|]*\|[^<>|]*>")
QUOTE = re.compile(r"^((    )|[•]|\d+\. )*(> ?)+", re.MULTILINE)
ENTITY = re.compile(r"&(amp|lt|gt);")


def texts(value: Any) -> list[str]:
    """Every text object's words, and the fallback."""
    if isinstance(value, dict):
        own = [value["text"]] if isinstance(value.get("text"), str) else []
        return own + [t for item in value.values() for t in texts(item)]
    return [t for item in value for t in texts(item)] if isinstance(value, list | tuple) else []


def assert_inert(said: str) -> None:
    """Only links of ours and quote marks are left of `< >`, only entities of `&`."""
    rest = LINK.sub("", said)
    assert "<" not in rest, said
    assert ">" not in "\n".join(QUOTE.sub("", line) for line in rest.split("\n")), said
    assert "&" not in ENTITY.sub("", rest), said
    assert "<!" not in said and "<@" not in said and "<#" not in said


def message(*blocks: Block, author: Author = Author.AGENT, **more: Any) -> OutboundMessage:
    return OutboundMessage(blocks=blocks, fallback="in short", author=author, **more)


def plain_blocks(said: str) -> tuple[Block, ...]:
    fields = (Field(label=said, value=said),)
    return (
        Heading(text=said or "x"),
        Text(markdown=said),
        Fields(fields=fields),
        Changes(changes=(Change(label=said, before=said, after=said),)),
        Receipt(state=ReceiptState.FAILED, title=said, fields=fields, reference=said),
        Quote(speaker=said, text=said, at=said),
        Note(text=said),
        Citation(title=said, url=said),
        Citation(title=said, url="https://e.com/" + said),
        Mention(people=((said, said),), text=said),
        Buttons(buttons=(Button(action="a.b", label=said or "x", value=said),)),
    )


@given(NASTY)
def test_nothing_untrusted_survives_in_any_part(said: str) -> None:
    outgoing = OutboundMessage(
        blocks=plain_blocks(said), fallback=said, author=Author.PERSON, author_name=said
    )
    for payload in render(outgoing, team_id="T1", outgoing_id=OutgoingId("out_1")):
        for words in [payload.text, *texts(list(payload.blocks))]:
            assert_inert(words)
        assert message_problem(payload.text, list(payload.blocks), payload.metadata) is None


@given(NASTY)
def test_nothing_untrusted_survives_in_a_form(said: str) -> None:
    kinds = [
        Input(id=f"i{n}", label=said or "x", kind=kind, hint=said, initial=said)
        for n, kind in enumerate(InputKind)
        if kind is not InputKind.CHOICE
    ]
    form = Form(
        form="f", value="v", title=said or "x", intro=said, submit_label=said, inputs=tuple(kinds)
    )
    for view in (render_form(form), render_notice("Handrail", said)):
        assert view_problem(view) == []
        for words in texts(view):
            assert_inert(words)
    for words in texts(render_options([Choice(value="v", label=said)])):
        assert_inert(words)


@given(NASTY, st.integers(min_value=20, max_value=200))
def test_a_cut_loses_no_word_and_breaks_no_entity(said: str, limit: int) -> None:
    for piece in to_mrkdwn(said):
        parts = cut(piece, max(limit, max(map(len, LINK.findall(piece)), default=0) + 200))
        for part in parts:
            assert_inert(part)
        assert "".join("".join(parts).split()) == "".join(piece.split())


MARKDOWN = {
    "**bold** and *slanted* and ~~gone~~": ["*bold* and _slanted_ and ~gone~"],
    "# Title\n\ntext": ["*Title*", "text"],
    "- one\n- two\n  - three": ["• one\n• two\n    • three"],
    "3. three\n4. four": ["3. three\n4. four"],
    "> quoted\n> twice": ["> quoted\n> twice"],
    "[Prices](https://e.com/?a=1&b=2)": ["<https://e.com/?a=1&amp;b=2|Prices>"],
    "see https://e.com/x.": ["see <https://e.com/x|https://e.com/x>."],
    "`<!here> [a](https://e.com) https://e.com`": [
        "`&lt;!here&gt; [a](https://e.com) https://e.com`"
    ],
    "```\n<https://e.com|a>\n```": ["```\n&lt;https://e.com|a&gt;\n```"],
    "[a](javascript:alert(1))": ["[a](javascript:alert(1))"],
    "<b>tag</b>": ["&lt;b&gt;tag&lt;/b&gt;"],
    "| a | b |\n|---|---|\n| 1 | <2> |": ["```\na  b\n1  &lt;2&gt;\n```"],
    "snake_case_name and 2 * 3 * 4": ["snake_case_name and 2 * 3 * 4"],
}


@pytest.mark.parametrize("markdown", MARKDOWN)
def test_markdown_becomes_mrkdwn(markdown: str) -> None:
    assert to_mrkdwn(markdown) == MARKDOWN[markdown]


def test_code_can_not_be_left_by_its_own_backticks() -> None:
    (piece,) = to_mrkdwn("````\na ``` <!here>\n````")
    assert piece.count("```") == 2
    assert_inert(piece)


@pytest.mark.parametrize(
    ("author", "name", "said"),
    [
        (Author.AGENT, None, "Written by an AI agent"),
        (Author.CODE, None, "Automatic message"),
        (Author.PERSON, "Rita <Vance>", "Rita &lt;Vance&gt;, support team"),
    ],
)
def test_who_speaks_is_in_words_and_machine_readable(
    author: Author, name: str | None, said: str
) -> None:
    outgoing = OutboundMessage(
        blocks=(Text(markdown="hi"),), fallback="hi", author=author, author_name=name
    )
    (payload,) = render(outgoing, team_id="T1", outgoing_id=OutgoingId("out_9"))
    assert said in " ".join(texts(list(payload.blocks)))
    assert said in payload.text
    assert payload.metadata == {
        "event_type": METADATA_EVENT,
        "event_payload": {"outgoing_id": "out_9", "author": str(author)},
    }


def test_the_disclosure_comes_first() -> None:
    (payload,) = render(message(Text(markdown="hi"), discloses_ai=True), team_id="T1")
    assert payload.blocks[0]["text"]["text"] == DISCLOSURE
    assert payload.text.startswith(DISCLOSURE)


# Complaint: nothing tells which workspace a card belongs to at click time (hermes-agent #100112).
def test_buttons_are_unique_spoken_and_carry_our_team() -> None:
    buttons = Buttons(
        buttons=tuple(
            Button(action="account.choose", label=label, value=label) for label in ("A", "B")
        )
    )
    (payload,) = render(message(Heading(text="Which one?"), buttons, buttons), team_id="T0ACME")
    rows = [block for block in payload.blocks if block["type"] == "actions"]
    elements = [element for row in rows for element in row["elements"]]
    assert len({e["action_id"] for e in elements}) == 4
    assert all(e["action_id"].startswith("account.choose") for e in elements)
    assert elements[0]["accessibility_label"] == "A: Which one?"
    assert {row["block_id"].split("|")[1] for row in rows} == {"T0ACME"}
    assert len({row["block_id"] for row in rows}) == 2


def test_a_mention_calls_only_who_is_given() -> None:
    mention = Mention(
        people=(("slack:T1/U0RITA", "Rita"), ("teams:t/29:x", "Tom"), ("slack:T1/U1> <!here", "X")),
        text="and <@U0SAM>",
    )
    (payload,) = render(message(mention), team_id="T1")
    said = payload.blocks[0]["text"]["text"]
    assert said == "<@U0RITA> @Tom @X and &lt;@U0SAM&gt;"


@pytest.mark.parametrize(
    "blocks",
    [
        (Text(markdown="word " * 20_000),),
        (Text(markdown="x" * 25_000),),
        (Text(markdown="```\n" + "line & <code>\n" * 2_000 + "```"),),
        tuple(Note(text=f"line {n}") for n in range(120)),
        (Fields(fields=tuple(Field(label=f"f{n}", value="v" * 290) for n in range(90))),),
        (Quote(speaker="Olive", text="\n" * 5_000),),
        (Quote(speaker="Olive", text="& " * 5_000),),
        (Changes(changes=tuple(Change(label="a", before="b", after="c") for _ in range(900))),),
        (Heading(text="&" * 150), Text(markdown="- a\n" * 3_000)),
    ],
)
def test_what_is_too_long_is_split_within_slacks_limits(blocks: tuple[Block, ...]) -> None:
    payloads = render(message(*blocks), team_id="T1", outgoing_id=OutgoingId("out_1"))
    for number, payload in enumerate(payloads, start=1):
        problem = message_problem(payload.text, list(payload.blocks), payload.metadata)
        assert problem is None, problem
        assert sum(map(len, texts(list(payload.blocks)))) <= 10_000
        assert len(payload.text) <= 4_000
        if len(payloads) > 1:
            assert payload.metadata["event_payload"]["part"] == number
            assert payload.metadata["event_payload"]["parts"] == len(payloads)
        # Each block is one that slack_sdk's own model takes.
        for block in payload.blocks:
            SlackBlock.parse(block).validate_json()  # type: ignore[union-attr]


def test_a_value_that_slack_cannot_hold_is_an_error() -> None:
    from slack_sdk.errors import SlackObjectFormationError

    button = Button(action="a.b", label="Go", value="v" * 2_001)
    with pytest.raises(SlackObjectFormationError):
        render(message(Buttons(buttons=(button,))), team_id="T1")


def test_a_lone_field_has_the_whole_width_and_two_share_it() -> None:
    one, two = Field(label="Step 1", value="Add 2 seats"), Field(label="Step 2", value="Pause")
    (alone,) = render(message(Fields(fields=(one,))), team_id="T1")[0].blocks[:1]
    assert alone["text"]["text"] == "*Step 1*\nAdd 2 seats" and "fields" not in alone
    (both,) = render(message(Fields(fields=(one, two))), team_id="T1")[0].blocks[:1]
    assert [each["text"] for each in both["fields"]] == [
        "*Step 1*\nAdd 2 seats",
        "*Step 2*\nPause",
    ]
