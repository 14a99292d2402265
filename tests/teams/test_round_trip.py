"""Teams end to end: the local Connector delivers, our channel verifies, answers and posts."""

import asyncio
from dataclasses import replace

import pytest

from agent_core.blocks import Button, Buttons, Field, Fields, Form, Heading, Input, InputKind, Text
from agent_core.errors import (
    DestinationGone,
    NotPermitted,
    PlatformUnavailable,
    RateLimited,
)
from agent_core.messages import (
    Author,
    ButtonPressed,
    FormSubmitted,
    InboundMessage,
    OutboundMessage,
    OutgoingId,
    Platform,
    PlatformIdentity,
    ReplyAddress,
    RoomRef,
)
from agent_core.ports import Answer
from playground import people as sample
from playground.faults import Fault, FaultKind
from playground.teams_api import DeliveryOptions, OutcomeKind, Refusal
from tests.teams.conftest import build_channel

CHANNEL = sample.TEAMS_SUPPORT_CHANNEL.conversation_id
PERSONAL = sample.TEAMS_PERSONAL.conversation_id
GROUP = sample.TEAMS_GROUP.conversation_id
TENANT = sample.TEAMS_TENANT_ID
SAM = sample.TEAMS_COLLEAGUE


def message(words="Hello", *blocks, author=Author.AGENT, **more):
    body = (Text(markdown=words), *blocks)
    return OutboundMessage(blocks=body, fallback=words, author=author, **more)


def address(room=CHANNEL, thread=None):
    ref = RoomRef(platform=Platform.TEAMS, tenant_id=TENANT, room_id=room)
    return ReplyAddress(room=ref, thread_id=thread)


def claim_button(**more):
    return Buttons(buttons=(Button(action="case.claim", label="Claim", value="E1", **more),))


async def heard(stage, cls):
    await stage.world.settled()
    event = stage.receiver.events[-1]
    assert isinstance(event, cls), event
    return event


async def test_a_mention_in_a_channel_arrives_and_is_answered_in_its_thread(stage):
    root = stage.world.post("sam", CHANNEL, "please add 3 seats", mention=True)
    event = await heard(stage, InboundMessage)
    assert event.text == "please add 3 seats"
    assert event.mentions_agent and not event.direct
    assert event.thread.thread_id == root.id
    assert event.author.identity == PlatformIdentity(
        platform=Platform.TEAMS, tenant_id=TENANT, user_id=SAM.object_id
    )
    assert str(event.thread.room) == f"teams:{TENANT}/{CHANNEL}"
    posted = await stage.channel.sender.post(event.reply_to, message(), OutgoingId("o1"))
    shown = stage.world.state.messages[posted.message.message_id]
    assert shown.thread_id == root.id
    assert posted.thread == event.thread
    assert shown.activity["entities"][0]["additionalType"] == ["AIGeneratedContent"]


async def test_a_personal_chat_is_direct_and_has_no_thread(stage):
    stage.world.post("sam", PERSONAL, "hello")
    event = await heard(stage, InboundMessage)
    assert event.direct and event.mentions_agent and event.thread.thread_id == ""
    posted = await stage.channel.sender.post(event.reply_to, message(), OutgoingId("o1"))
    assert posted.thread == event.thread


async def test_a_group_chat_answers_in_the_chat(stage):
    stage.world.post("rita", GROUP, "what is our plan?", mention=True)
    event = await heard(stage, InboundMessage)
    assert not event.direct and event.mentions_agent and event.text == "what is our plan?"
    posted = await stage.channel.sender.post(event.reply_to, message(), OutgoingId("o1"))
    assert stage.world.state.messages[posted.message.message_id].room_id == GROUP


async def test_a_new_thread_opens_in_a_channel_and_replies_stay_in_it(stage):
    first = await stage.channel.sender.post(address(), message("Case 12"), OutgoingId("o1"))
    assert first.thread.thread_id == first.message.message_id
    second = await stage.channel.sender.post(first.address, message("more"), OutgoingId("o2"))
    shown = stage.world.state.messages[second.message.message_id]
    assert shown.thread_id == first.thread.thread_id
    assert second.message != first.message


async def test_an_update_replaces_the_post(stage):
    sender = stage.channel.sender
    posted = await sender.post(address(), message("before", claim_button()), OutgoingId("o1"))
    await sender.update(posted.address, posted.message, message("after", author=Author.CODE))
    shown = stage.world.state.messages[posted.message.message_id]
    assert shown.edited_at is not None and "after" in shown.activity["text"]


async def test_an_update_survives_two_stumbles_of_the_service(stage):
    posted = await stage.channel.sender.post(address(), message(), OutgoingId("o1"))
    stage.world.faults.add(
        Fault(server="teams", kind=FaultKind.SERVER_ERROR, method="updateActivity", times=2)
    )
    await stage.channel.sender.update(posted.address, posted.message, message("after"))
    assert "after" in stage.world.state.messages[posted.message.message_id].activity["text"]


async def test_a_private_message_goes_to_the_persons_own_chat(stage):
    who = PlatformIdentity(platform=Platform.TEAMS, tenant_id=TENANT, user_id=SAM.object_id)
    private = message("only you", author=Author.CODE, private_to=who)
    posted = await stage.channel.sender.post(address(), private, OutgoingId("o1"))
    assert posted.message.room.room_id == PERSONAL
    assert [m.room_id for m in stage.world.state.messages.values()] == [PERSONAL]


async def test_a_rate_limit_says_how_long_to_wait_and_posts_nothing(stage):
    stage.world.faults.add(
        Fault(server="teams", kind=FaultKind.RATE_LIMITED, retry_after_seconds=7)
    )
    # The token endpoint takes the fault first where the fault names no method.
    with pytest.raises(RateLimited) as limited:
        await stage.channel.sender.post(address(), message(), OutgoingId("o1"))
    assert limited.value.retry_after_seconds == 7
    assert stage.world.state.messages == {}


@pytest.mark.parametrize(
    ("kind", "maybe", "posts"),
    [(FaultKind.DROP_ANSWER, True, 1), (FaultKind.DROP_REQUEST, True, 0)],
)
async def test_a_post_without_an_answer_may_have_arrived_and_is_not_repeated(
    stage, kind, maybe, posts
):
    stage.world.faults.add(Fault(server="teams", kind=kind, method="createConversation"))
    with pytest.raises(PlatformUnavailable) as lost:
        await stage.channel.sender.post(address(), message(), OutgoingId("o1"))
    assert lost.value.maybe_accepted is maybe
    assert len(stage.world.state.messages) == posts


@pytest.mark.parametrize(("status", "maybe"), [(503, False), (502, True), (500, True)])
async def test_a_failing_service_is_told_apart(stage, status, maybe):
    stage.world.faults.add(
        Fault(
            server="teams",
            kind=FaultKind.SERVER_ERROR,
            method="createConversation",
            status=status,
        )
    )
    with pytest.raises(PlatformUnavailable) as failed:
        await stage.channel.sender.post(address(), message(), OutgoingId("o1"))
    assert failed.value.maybe_accepted is maybe


@pytest.mark.parametrize(
    ("refusal", "error"),
    [
        (Refusal(status=412), RateLimited),
        (Refusal(status=403, code="BotNotInConversationRoster"), DestinationGone),
        (Refusal(status=403), NotPermitted),
        (Refusal(status=404), DestinationGone),
        (Refusal(status=413), NotPermitted),
        (Refusal(status=401, times=2), NotPermitted),
    ],
)
async def test_refusals_come_as_the_caller_must_act(stage, refusal, error):
    stage.world.refusals.add(refusal)
    with pytest.raises(error):
        await stage.channel.sender.post(address(), message(), OutgoingId("o1"))
    assert stage.world.state.messages == {}


async def test_a_revoked_token_is_replaced_without_a_second_post(stage):
    await stage.channel.sender.post(address(), message(), OutgoingId("o1"))
    stage.world.directory.revoke_all()
    await stage.channel.sender.post(address(), message(), OutgoingId("o2"))
    assert stage.world.directory.issued == 2
    assert len(stage.world.state.messages) == 2


async def test_a_wrong_password_says_what_to_check(stage):
    wrong = build_channel(stage.world.base_url, stage.receiver, app_password="old")
    with pytest.raises(NotPermitted, match="password"):
        await wrong.sender.post(address(), message(), OutgoingId("o1"))
    await wrong.close()


async def test_no_token_is_shown_to_an_unknown_host(stage):
    stray = replace(address(), delivery={"service_url": "https://smba.example.invalid/"})
    with pytest.raises(NotPermitted, match="allowed hosts"):
        await stage.channel.sender.post(stray, message(), OutgoingId("o1"))


async def test_a_press_answers_the_presser_with_the_card_as_it_is_now(stage):
    posted = await stage.channel.sender.post(
        address(), message("Case 12", claim_button(), author=Author.CODE), OutgoingId("o1")
    )
    now = message("Claimed by Rita", Fields(fields=(Field(label="Plan", value="Team"),)))
    stage.receiver.answer = Answer(card=now)
    outcome = await stage.world.click("rita", posted.message.message_id, "case.claim")
    assert outcome.kind is OutcomeKind.CARD
    event = await heard(stage, ButtonPressed)
    assert (event.action, event.value, event.trigger) == ("case.claim", "E1", None)
    assert event.card == posted.message
    assert event.thread == posted.thread


async def test_a_notice_is_shown_to_the_presser(stage):
    posted = await stage.channel.sender.post(
        address(), message("x", claim_button()), OutgoingId("o1")
    )
    stage.receiver.answer = Answer(notice="Rita has this case.")
    outcome = await stage.world.click("sam", posted.message.message_id, "case.claim")
    assert (outcome.kind, outcome.text) == (OutcomeKind.MESSAGE, "Rita has this case.")


async def test_a_form_opens_shows_its_errors_and_closes(stage):
    posted = await stage.channel.sender.post(
        address(), message("x", claim_button(opens_form=True)), OutgoingId("o1")
    )
    field = Input(id="text", label="Your reply", kind=InputKind.LINES)
    stage.receiver.answer = Answer(
        form=Form(
            form="case.reply_form",
            value="E1",
            title="Reply",
            inputs=(field,),
            submit_label="Send",
        )
    )
    opened = await stage.world.click("rita", posted.message.message_id, "case.claim")
    assert opened.kind is OutcomeKind.DIALOG
    assert (await heard(stage, ButtonPressed)).trigger == "task/fetch"

    stage.receiver.answer = Answer(form_errors={"text": "Say a little more."})
    again = await stage.world.submit_dialog("rita", opened.dialog_id, "submit", {"text": "ok"})
    assert again.kind is OutcomeKind.DIALOG
    assert "Error: Your reply: Say a little more." in str(again.card)
    assert "'value': 'ok'" in str(again.card)

    stage.receiver.answer = Answer()
    done = await stage.world.submit_dialog("rita", again.dialog_id, "submit", {"text": "hello!"})
    assert done.kind is OutcomeKind.CLOSED
    event = await heard(stage, FormSubmitted)
    assert (event.form, event.value, event.inputs) == ("case.reply_form", "E1", {"text": "hello!"})


async def test_feedback_is_acknowledged(stage):
    posted = await stage.channel.sender.post(address(), message(), OutgoingId("o1"))
    outcome = await stage.world.give_feedback("sam", posted.message.message_id, "like", "good")
    assert outcome.kind is OutcomeKind.CLOSED


async def test_a_long_brief_is_split_and_the_buttons_are_on_the_last_part(stage):
    long = "\n\n".join(f"{n}: " + "words " * 100 for n in range(120))
    posted = await stage.channel.sender.post(
        address(), message(long, Heading(text="Case 12"), claim_button()), OutgoingId("o1")
    )
    shown = list(stage.world.state.messages.values())
    assert len(shown) > 1
    assert {m.thread_id for m in shown} == {shown[0].id}
    assert posted.message.message_id == shown[-1].id
    assert "case.claim" in str(shown[-1].activity)
    assert "case.claim" not in str([m.activity for m in shown[:-1]])


async def test_a_split_post_goes_on_where_it_failed(stage):
    long = "\n\n".join(f"{n}: " + "words " * 100 for n in range(120))
    sent = message(long, claim_button())
    stage.world.faults.add(
        Fault(server="teams", kind=FaultKind.RATE_LIMITED, method="sendToConversation")
    )
    with pytest.raises(RateLimited):
        await stage.channel.sender.post(address(), sent, OutgoingId("o1"))
    assert len(stage.world.state.messages) == 1
    posted = await stage.channel.sender.post(address(), sent, OutgoingId("o1"))
    texts = [str(m.activity["attachments"]) for m in stage.world.state.messages.values()]
    assert len(set(texts)) == len(texts) > 1
    assert posted.thread.thread_id == next(iter(stage.world.state.messages))


async def test_a_room_that_never_wrote_is_reached_where_its_tenant_was_last_heard(stage):
    stage.world.post("sam", PERSONAL, "hello")
    await heard(stage, InboundMessage)
    other = build_channel(
        stage.world.base_url, stage.receiver, default_service_url="http://127.0.0.1:9/"
    )
    with pytest.raises(PlatformUnavailable) as away:
        await other.sender.post(address(), message(), OutgoingId("o1"))
    assert away.value.maybe_accepted is False
    other.sender.learn(TENANT, stage.world.service_url)
    posted = await other.sender.post(address(), message(), OutgoingId("o1"))
    assert posted.address.delivery["service_url"] == stage.world.service_url
    await other.close()


# The stock adapter sent sixty posts of one second each in eleven seconds.
async def test_many_posts_wait_together(stage):
    stage.world.faults.add(
        Fault(
            server="teams",
            kind=FaultKind.SLOW,
            method="sendToConversation",
            times=None,
            delay_seconds=0.5,
        )
    )
    first = await stage.channel.sender.post(address(), message(), OutgoingId("o"))
    began = asyncio.get_running_loop().time()
    await asyncio.gather(
        *(
            stage.channel.sender.post(first.address, message(str(n)), OutgoingId(f"o{n}"))
            for n in range(60)
        )
    )
    assert asyncio.get_running_loop().time() - began < 3
    assert stage.world.directory.issued == 1
    assert len(stage.world.state.messages) == 61


async def test_a_picker_asks_for_what_matches(stage):
    posted = await stage.channel.sender.post(
        address(), message("x", claim_button(opens_form=True)), OutgoingId("o1")
    )
    field = Input(id="account", label="Account", kind=InputKind.SEARCH)
    stage.receiver.answer = Answer(
        form=Form(
            form="account.form", value="c1", title="Account", inputs=(field,), submit_label="OK"
        )
    )
    opened = await stage.world.click("sam", posted.message.message_id, "case.claim")
    assert opened.kind is OutcomeKind.DIALOG
    assert opened.card["body"][0]["choices.data"]["dataset"] == "account.form#account"


async def test_ten_deliveries_at_once_all_arrive_and_name_the_same_message(stage):
    stage.world.post("sam", PERSONAL, "hello", options=DeliveryOptions(times=10))
    await stage.world.settled()
    assert len(stage.receiver.events) == 10
    assert len({event.message for event in stage.receiver.events}) == 1
