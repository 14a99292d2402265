"""Clicks, forms, pickers and commands: from a person's hand to the answer they see."""

from dataclasses import replace

import pytest

from agent_core.blocks import Button, Buttons, Choice, Form, Heading, Input, InputKind, Text
from agent_core.messages import (
    Author,
    ButtonPressed,
    CommandUsed,
    FormSubmitted,
    InboundMessage,
    OptionsAsked,
    OutboundMessage,
    OutgoingId,
    Posted,
    ReplyAddress,
)
from agent_core.ports import Answer
from bots.slack.identity import person_ref
from playground import people
from playground.faults import Fault, FaultKind
from playground.slack_api.state import Json
from tests.contracts.platform_adapter import a_note
from tests.slack.conftest import House
from tests.slack.test_sender import ADDRESS, CHANNEL, TEAM, our_posts

OLIVE = people.NORTHWIND_OWNER
REPLY = Form(
    form="case.reply_form",
    value="esc_1",
    title="Reply to the customer",
    intro="It is sent under your name & <title>.",
    submit_label="Send",
    inputs=(
        Input(id="text", label="Reply", kind=InputKind.LINES),
        Input(id="account", label="Account", kind=InputKind.SEARCH, optional=True),
        Input(
            id="tone",
            label="Tone",
            kind=InputKind.CHOICE,
            optional=True,
            choices=(Choice(value="warm", label="Warm"), Choice(value="plain", label="Plain")),
        ),
    ),
)


def a_card() -> OutboundMessage:
    return OutboundMessage(
        blocks=(
            Heading(text="Add 2 seats"),
            Buttons(
                buttons=(
                    Button(action="proposal.confirm", label="Confirm", value="prop_1"),
                    Button(action="account.choose", label="Northwind", value="conv_1|northwind"),
                    Button(action="account.choose", label="Globex", value="conv_1|globex"),
                    Button(action="case.reply", label="Reply", value="esc_1", opens_form=True),
                )
            ),
        ),
        fallback="Add 2 seats",
        author=Author.CODE,
    )


async def put_card(house: House, message: OutboundMessage | None = None) -> Posted:
    root = house.world.say(OLIVE.user_id, CHANNEL, "two more seats", mention=True)
    await house.world.settled()
    house.receiver.events.clear()
    address = ReplyAddress(room=ADDRESS.room, thread_id=root["ts"])
    posted = await house.channel.sender.post(address, message or a_card(), OutgoingId("out_1"))
    await house.world.settled()
    house.receiver.events.clear()
    return posted


async def press(house: House, posted: Posted, action_id: str, user_id: str = OLIVE.user_id) -> str:
    """Presses, and returns what the acknowledgement said."""
    attempt = await house.world.click(
        user_id, action_id, channel_id=CHANNEL, ts=posted.message.message_id
    )
    assert attempt.acknowledged, attempt
    return attempt.answer


# Complaint: approval buttons are dead in Slack Connect (hermes-agent #100112).
async def test_a_press_by_the_other_workspace_is_keyed_on_ours(house: House) -> None:
    posted = await put_card(house)
    await press(house, posted, "proposal.confirm")
    (pressed,) = house.receiver.of(ButtonPressed)
    assert pressed.action == "proposal.confirm"
    assert pressed.value == "prop_1"
    assert pressed.card == posted.message
    assert pressed.thread == posted.thread
    assert pressed.reply_to.room.tenant_id == TEAM != OLIVE.team_id
    assert pressed.by.identity == person_ref(OLIVE.team_id, OLIVE.user_id)
    assert pressed.by.name == OLIVE.name
    assert pressed.trigger


async def test_two_buttons_of_one_action_are_told_apart(house: House) -> None:
    posted = await put_card(house)
    await press(house, posted, "account.choose")
    await press(house, posted, "account.choose#1")
    pressed = house.receiver.of(ButtonPressed)
    assert [(p.action, p.value) for p in pressed] == [
        ("account.choose", "conv_1|northwind"),
        ("account.choose", "conv_1|globex"),
    ]
    assert pressed[0].press_id != pressed[1].press_id


async def test_two_presses_of_one_button_are_two(house: House) -> None:
    posted = await put_card(house)
    await press(house, posted, "proposal.confirm")
    await press(house, posted, "proposal.confirm")
    assert len({p.press_id for p in house.receiver.of(ButtonPressed)}) == 2


# Complaint: stale buttons after the decision (activepieces #11665).
async def test_the_pressed_card_is_redrawn_and_the_presser_is_told(house: House) -> None:
    posted = await put_card(house)
    house.receiver.answer = lambda _: Answer(
        notice="Done <!here> & dusted", card=a_note("Confirmed by Olive")
    )
    await press(house, posted, "proposal.confirm")
    (message,) = our_posts(house.world.state.channels[CHANNEL])
    assert "Confirmed by Olive" in str(message["blocks"])
    assert "actions" not in [block["type"] for block in message["blocks"]]
    (private,) = house.world.state.ephemerals
    assert private.user_id == OLIVE.user_id
    assert private.message["text"] == "Done &lt;!here&gt; &amp; dusted"
    assert private.message["thread_ts"] == posted.thread.thread_id


async def test_a_private_card_is_redrawn_at_its_own_address(house: House) -> None:
    private = replace(a_card(), private_to=person_ref(OLIVE.team_id, OLIVE.user_id))
    await put_card(house, private)
    (shown,) = house.world.state.ephemerals
    house.receiver.answer = lambda _: Answer(card=a_note("Sent"))
    attempt = await house.world.click(
        OLIVE.user_id, "proposal.confirm", channel_id=CHANNEL, ts=shown.message["ts"]
    )
    assert attempt.acknowledged
    assert len(house.receiver.of(ButtonPressed)) == 1
    assert "Sent" in str([e.message["blocks"] for e in house.world.state.ephemerals])


async def test_a_failure_to_redraw_is_no_second_press(house: House) -> None:
    posted = await put_card(house)
    for method in ("chat.update", "chat.postEphemeral"):
        house.world.faults.add(Fault(server="slack", method=method, kind=FaultKind.SERVER_ERROR))
    house.receiver.answer = lambda _: Answer(notice="Done", card=a_note("Confirmed"))
    await press(house, posted, "proposal.confirm")
    # The notice went the second way, to the interaction's own address.
    assert [e.message["text"] for e in house.world.state.ephemerals] == ["Done"]


async def open_reply(house: House) -> Json:
    posted = await put_card(house)
    house.receiver.answer = lambda _: Answer(form=REPLY)
    await press(house, posted, "case.reply")
    (opened,) = house.world.state.views.values()
    return opened.view


async def test_a_form_opens_in_the_request_and_comes_back(house: House) -> None:
    view = await open_reply(house)
    house.receiver.answer = lambda _: Answer()
    values = {"text": {"text": "Two seats <added>"}, "tone": {"tone": "warm"}}
    ended = await house.world.submit(OLIVE.user_id, view["id"], values)
    assert ended.action in ("clear", "close", "closed", "cleared")
    (form,) = house.receiver.of(FormSubmitted)
    assert (form.form, form.value) == ("case.reply_form", "esc_1")
    assert form.inputs == {"text": "Two seats <added>", "account": "", "tone": "warm"}
    assert form.by.identity == person_ref(OLIVE.team_id, OLIVE.user_id)


async def test_errors_keep_the_form_open_and_corrected_words_are_new(house: House) -> None:
    view = await open_reply(house)
    house.receiver.answer = lambda _: Answer(form_errors={"text": "Say a little more."})
    ended = await house.world.submit(OLIVE.user_id, view["id"], {"text": {"text": "ok"}})
    assert ended.errors == {"text": "Say a little more."}
    house.receiver.answer = lambda _: Answer()
    await house.world.submit(OLIVE.user_id, view["id"], {"text": {"text": "all is done"}})
    first, second = house.receiver.of(FormSubmitted)
    assert first.submission_id != second.submission_id


@pytest.mark.parametrize(
    ("errors", "shown"),
    [
        ({"elsewhere": "Tomas has this case."}, {"text": "Tomas has this case."}),
        ({"text": "One.", "elsewhere": "Two."}, {"text": "One. Two."}),
    ],
)
async def test_an_error_of_no_field_is_seen_all_the_same(
    house: House, errors: dict[str, str], shown: dict[str, str]
) -> None:
    view = await open_reply(house)
    house.receiver.answer = lambda _: Answer(form_errors=errors)
    ended = await house.world.submit(OLIVE.user_id, view["id"], {"text": {"text": "ok"}})
    assert ended.errors == shown


async def test_a_notice_after_a_form_is_shown_in_its_place(house: House) -> None:
    view = await open_reply(house)
    house.receiver.answer = lambda _: Answer(notice="Sent to <Olive>.")
    await house.world.submit(OLIVE.user_id, view["id"], {"text": {"text": "ok"}})
    assert "Sent to &lt;Olive&gt;." in str(house.world.state.views[view["id"]].view["blocks"])


async def test_a_picker_is_answered_in_the_request(house: House) -> None:
    view = await open_reply(house)
    house.receiver.answer = lambda _: Answer(
        options=(Choice(value="northwind", label="Northwind & <Sons>"),)
    )
    found = await house.world.search_options(OLIVE.user_id, "account", "nor", view_id=view["id"])
    assert found[0]["value"] == "northwind"
    assert found[0]["text"]["text"] == "Northwind &amp; &lt;Sons&gt;"
    (asked,) = house.receiver.of(OptionsAsked)
    assert (asked.form, asked.field, asked.query) == ("case.reply_form", "account", "nor")


async def test_a_form_that_comes_too_late_is_told(house: House) -> None:
    posted = await put_card(house)

    def too_late(_: object) -> Answer:
        house.world.state.triggers.clear()
        return Answer(form=REPLY)

    house.receiver.answer = too_late
    await press(house, posted, "case.reply")
    assert house.world.state.views == {}
    (private,) = house.world.state.ephemerals
    assert "press the button again" in private.message["text"]


async def test_a_command_is_answered_in_private(house: House) -> None:
    house.receiver.answer = lambda _: Answer(notice="I am <Handrail>")
    attempt = await house.world.command(people.COLLEAGUE.user_id, CHANNEL, "/handrail", " status ")
    assert attempt.acknowledged
    (command,) = house.receiver.of(CommandUsed)
    assert command.text == "status"
    assert command.by.identity == person_ref(TEAM, people.COLLEAGUE.user_id)
    assert str(command.room) == f"slack:{TEAM}/{CHANNEL}"
    assert [e.message["text"] for e in house.world.state.ephemerals] == ["I am &lt;Handrail&gt;"]


async def test_a_notice_for_a_message_is_private_and_in_its_thread(house: House) -> None:
    house.receiver.answer = lambda e: Answer(
        notice="Only the one who asked can say yes." if isinstance(e, InboundMessage) else ""
    )
    said = house.world.say(OLIVE.user_id, CHANNEL, "yes")
    await house.world.settled()
    (private,) = house.world.state.ephemerals
    assert private.user_id == OLIVE.user_id
    assert private.message["thread_ts"] == said["ts"]


@pytest.mark.parametrize("mode", ["http", "socket"])
async def test_both_doors_take_the_same(house: House, mode: str) -> None:
    if mode == "socket":
        house.world.courier.request_url = None
        assert await house.channel.start_socket()
    house.world.say(OLIVE.user_id, CHANNEL, "hello", mention=True)
    await house.world.settled()
    house.receiver.answer = lambda _: Answer(notice="Hello")
    attempt = await house.world.command(people.COLLEAGUE.user_id, CHANNEL, "/handrail", "help")
    assert attempt.acknowledged
    assert [type(event) for event in house.receiver.events] == [
        InboundMessage,
        InboundMessage,
        CommandUsed,
    ]
    over = {a.over for delivery in house.world.courier.log for a in delivery.attempts}
    assert over == {mode}
    assert [e.message["text"] for e in house.world.state.ephemerals] == ["Hello"]


# Complaint: retries in Socket Mode (bolt-js #2188).
async def test_a_socket_is_not_acknowledged_before_the_event_is_kept(house: House) -> None:
    house.world.courier.request_url = None
    house.world.courier.ack_seconds = 0.3
    assert await house.channel.start_socket()
    house.receiver.failing = RuntimeError("the database is away")
    house.world.say(OLIVE.user_id, CHANNEL, "hello")
    await house.world.settled()
    attempts = [a for delivery in house.world.courier.log for a in delivery.attempts]
    assert len(attempts) == 2
    assert not any(attempt.acknowledged for attempt in attempts)


async def test_text_in_the_card_is_inert(house: House) -> None:
    hostile = OutboundMessage(
        blocks=(Text(markdown="<!channel> <@U0RITA> [x](https://e.com) `<!here>`"),),
        fallback="<!channel>",
        author=Author.AGENT,
    )
    await put_card(house, hostile)
    (message,) = our_posts(house.world.state.channels[CHANNEL])
    assert "<!" not in str(message) and "<@" not in str(message)


async def test_a_slow_slack_does_not_use_up_the_three_seconds(house: House) -> None:
    posted = await put_card(house)
    house.world.faults.add(
        Fault(server="slack", method="chat.update", kind=FaultKind.SLOW, delay_seconds=1.5)
    )
    house.receiver.answer = lambda _: Answer(card=a_note("Confirmed"))
    await press(house, posted, "proposal.confirm")
    assert house.world.courier.log[-1].attempts[0].ack_ms < 1_400
    # Stopping waits for it: the card is redrawn all the same.
    await house.channel.stop()
    (message,) = our_posts(house.world.state.channels[CHANNEL])
    assert "Confirmed" in str(message["blocks"])
