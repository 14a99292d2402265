"""Cases from both sides: the customer's thread, and the support thread behind it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from agent_core import presses
from agent_core.blocks import Quote
from agent_core.conversation import ConversationStatus, Speaker
from agent_core.errors import DestinationGone, PlatformUnavailable
from agent_core.escalations import EscalationId, EscalationReason, EscalationStatus
from agent_core.messages import Author
from agent_core.people import Capability
from escalation.post import REASONS, relayed
from tests.builders import an_entry
from tests.fakes.house import (
    ADA,
    BEN,
    COLLEAGUE,
    MEMBER,
    OWNER,
    STRANGER,
    SUPPORT_ROOM,
    House,
)


@pytest.fixture
async def house() -> AsyncIterator[House]:
    house = await House().open()
    yield house
    await house.close()


async def a_case(house: House) -> tuple[str, str]:
    """The customer asks for a person by the button; returns thread and case id."""
    thread = await house.says(OWNER, "my invoices are wrong", mention=True)
    conversation = await house.conversation(thread)
    await house.presses(
        OWNER, presses.ASK_SUPPORT, conversation.id, room=conversation.room, thread=thread
    )
    case = await house.store.run(lambda tx: tx.escalations.open_in(conversation.id))
    assert case is not None
    return thread, case.id


async def support_thread(house: House) -> str:
    return next(
        p.posted.thread.thread_id for p in house.slack.posts if p.posted.thread.room == SUPPORT_ROOM
    )


async def test_a_case_reaches_support_with_context_and_the_customer_hears_its_number(
    house: House,
) -> None:
    thread, _ = await a_case(house)
    inside = house.slack.texts(await support_thread(house))
    assert "Case 1" in inside[0] and "Olga" in inside[0] and "Business" in inside[0]
    assert any("my invoices are wrong" in text for text in inside)
    assert any("Nothing was changed" in text for text in inside)
    assert any("Case 1" in text for text in house.slack.texts(thread))


async def test_of_two_claims_one_wins_and_the_other_is_told_who_has_it(house: House) -> None:
    _, case_id = await a_case(house)
    answers = await asyncio.gather(
        house.presses(ADA, presses.CLAIM, case_id), house.presses(BEN, presses.CLAIM, case_id)
    )
    told = [answer.notice for answer in answers if answer.notice]
    assert len(told) == 1 and "has Case 1" in told[0]


async def test_sitting_in_the_support_channel_grants_nothing(house: House) -> None:
    _, case_id = await a_case(house)
    answer = await house.presses(COLLEAGUE, presses.CLAIM, case_id)
    assert "not named as a support person" in answer.notice
    case = await house.store.run(lambda tx: tx.escalations.get(case_id))  # type: ignore[arg-type]
    assert case is not None and case.status is EscalationStatus.WAITING


# Complaint: an internal remark reaches the customer because every reply is relayed.
async def test_a_remark_stays_inside_until_its_author_sends_it(house: House) -> None:
    thread, case_id = await a_case(house)
    await house.presses(ADA, presses.CLAIM, case_id)
    inside = await support_thread(house)
    before = house.slack.texts(thread)
    await house.says(ADA, "they never pay on time", thread=inside, room=SUPPORT_ROOM)
    assert house.slack.texts(thread) == before
    hint = house.slack.posts[-1]
    assert hint.message.private_to == ADA.identity and "stays inside" in hint.message.fallback
    value = next(
        button.value
        for block in hint.message.blocks
        if hasattr(block, "buttons")
        for button in block.buttons
    )
    answer = await house.presses(BEN, presses.SEND_TO_CUSTOMER, value)
    assert "Ada has Case 1" in answer.notice
    assert house.slack.texts(thread) == before
    await house.presses(ADA, presses.SEND_TO_CUSTOMER, value)
    again = await house.presses(ADA, presses.SEND_TO_CUSTOMER, value)
    assert "sent already" in again.notice
    assert house.slack.texts(thread) == [*before, "they never pay on time"]


async def test_a_reply_bears_the_persons_name_and_claims_a_waiting_case(house: House) -> None:
    thread, case_id = await a_case(house)
    answer = await house.presses(BEN, presses.REPLY, case_id)
    assert answer.form is not None and answer.form.value == case_id
    empty = await house.submits(BEN, presses.REPLY_FORM, case_id, text="  ")
    assert presses.REPLY_TEXT in empty.form_errors
    await house.submits(BEN, presses.REPLY_FORM, case_id, text="I will look.")
    said = [p.message for p in house.slack.posts if p.posted.thread.thread_id == thread]
    assert said[-1].author is Author.PERSON and said[-1].author_name == "Ben"
    assert (await house.conversation(thread)).status is ConversationStatus.WITH_SUPPORT


async def test_what_the_customer_writes_meanwhile_appears_in_the_support_thread(
    house: House,
) -> None:
    thread, case_id = await a_case(house)
    await house.presses(ADA, presses.CLAIM, case_id)
    house.woken.clear()
    await house.says(OWNER, "any news?", thread=thread)
    inside = await support_thread(house)
    assert "any news?" in house.slack.texts(inside)[-1]
    assert house.woken == []


# Complaint: the bot talks over the human, because people reply without pressing "take over".
async def test_a_colleague_who_answers_in_the_customers_thread_takes_it_over(
    house: House,
) -> None:
    thread = await house.says(OWNER, "is this right?", mention=True)
    before = await house.conversation(thread)
    await house.says(COLLEAGUE, "Yes, I fixed it by hand.", thread=thread)
    after = await house.conversation(thread)
    assert after.status is ConversationStatus.WITH_SUPPORT and after.epoch > before.epoch
    case = await house.store.run(lambda tx: tx.escalations.open_in(after.id))
    assert case is not None and case.reason is EscalationReason.TAKEN_OVER
    hint = [p.message for p in house.slack.posts if p.message.private_to == COLLEAGUE.identity]
    assert hint and "AI agent is silent" in hint[0].fallback
    house.woken.clear()
    await house.says(OWNER, "thanks", thread=thread)
    assert house.woken == []
    await house.presses(COLLEAGUE, presses.HAND_BACK, case.id, room=after.room, thread=thread)
    assert (await house.conversation(thread)).status is ConversationStatus.WITH_AGENT


async def test_a_stranger_in_the_linked_room_is_no_colleague(house: House) -> None:
    thread = await house.says(OWNER, "is this right?", mention=True)
    await house.says(STRANGER, "I can answer that", thread=thread)
    assert (await house.conversation(thread)).status is ConversationStatus.WITH_AGENT


async def test_resolve_ends_the_case_and_the_next_word_opens_the_conversation_again(
    house: House,
) -> None:
    thread, case_id = await a_case(house)
    await house.presses(ADA, presses.CLAIM, case_id)
    await house.presses(ADA, presses.RESOLVE, case_id)
    assert (await house.conversation(thread)).status is ConversationStatus.RESOLVED
    assert "closed" in (await house.presses(BEN, presses.CLAIM, case_id)).notice
    await house.says(OWNER, "one more thing", thread=thread)
    assert (await house.conversation(thread)).status is ConversationStatus.WITH_AGENT


# Whom a case names is found by their id when they are forgotten.
@pytest.mark.parametrize("claimed", [False, True])
async def test_a_closed_case_names_whoever_closed_it_by_id_too(house: House, claimed: bool) -> None:
    _, case_id = await a_case(house)
    ada = await house.store.run(lambda tx: tx.people.find(ADA.identity))
    assert ada is not None
    if claimed:
        lead = replace(ada, capabilities=frozenset({Capability.LEAD}))
        await house.store.run(lambda tx: tx.people.put(lead))
        await house.presses(BEN, presses.CLAIM, case_id)
    await house.presses(ADA, presses.RESOLVE, case_id)
    case = await house.store.run(lambda tx: tx.escalations.get(EscalationId(case_id)))
    assert case is not None
    assert (case.claimed_by, case.claimed_by_name) == (ada.id, ada.name)


async def test_an_unclaimed_case_is_raised_again_and_the_customer_hears_it(house: House) -> None:
    thread, _ = await a_case(house)
    await house.later(minutes=11)
    assert any("nobody has claimed this yet" in t for t in house.slack.texts())
    assert any("still waiting" in text for text in house.slack.texts(thread))


async def test_a_claimed_case_is_not_reminded(house: House) -> None:
    _, case_id = await a_case(house)
    await house.presses(ADA, presses.CLAIM, case_id)
    await house.later(minutes=60)
    assert not any("nobody has claimed" in text for text in house.slack.texts())


async def test_a_case_is_tried_again_until_support_is_reached(house: House) -> None:
    thread = await house.says(MEMBER, "help", mention=True)
    conversation = await house.conversation(thread)
    await house.presses(
        MEMBER, presses.ASK_SUPPORT, conversation.id, room=conversation.room, thread=thread
    )
    case = await house.store.run(lambda tx: tx.escalations.open_in(conversation.id))
    assert case is not None
    await house.presses(ADA, presses.CLAIM, case.id)
    house.slack.faults.extend(DestinationGone("archived") for _ in range(12))
    await house.says(MEMBER, "hello?", thread=thread)
    for _ in range(14):
        await house.later(minutes=6)
    assert any(
        "hello?" in p.message.fallback
        for p in house.slack.posts
        if any(isinstance(block, Quote) and block.text == "hello?" for block in p.message.blocks)
    )
    assert house.undelivered == []


async def test_an_ambiguous_post_is_looked_up_and_not_sent_twice(house: House) -> None:
    thread = await house.says(MEMBER, "help", mention=True)
    conversation = await house.conversation(thread)
    house.slack.faults.append(PlatformUnavailable("cut", maybe_accepted=True))
    await house.presses(
        MEMBER, presses.ASK_SUPPORT, conversation.id, room=conversation.room, thread=thread
    )
    await house.later(minutes=1)
    notices = [text for text in house.slack.texts(thread) if "passed this on" in text]
    assert len(notices) == 1


async def test_the_notice_names_no_thread_where_there_may_be_none(house: House) -> None:
    thread = await house.says(MEMBER, "help", mention=True)
    conversation = await house.conversation(thread)
    await house.presses(
        MEMBER, presses.ASK_SUPPORT, conversation.id, room=conversation.room, thread=thread
    )
    [told] = [text for text in house.slack.texts(thread) if "passed this on" in text]
    assert "A person will answer you here." in told and "thread" not in told


async def test_who_writes_on_while_nobody_has_the_case_hears_that_it_arrived(house: House) -> None:
    thread = await house.says(MEMBER, "help", mention=True)
    conversation = await house.conversation(thread)
    await house.presses(
        MEMBER, presses.ASK_SUPPORT, conversation.id, room=conversation.room, thread=thread
    )

    def told() -> list[str]:
        return [text for text in house.slack.texts(thread) if "added to Case 1." in text]

    await house.says(MEMBER, "it is about our invoice", thread=thread)
    assert len(told()) == 1
    await house.says(MEMBER, "the one of March", thread=thread)
    assert len(told()) == 1  # a crowd of messages gets no crowd of answers
    await house.later(minutes=61)
    await house.says(MEMBER, "hello?", thread=thread)
    assert len(told()) == 2
    case = await house.store.run(lambda tx: tx.escalations.open_in(conversation.id))
    assert case is not None
    await house.presses(ADA, presses.CLAIM, case.id, room=SUPPORT_ROOM)
    await house.later(minutes=61)
    await house.says(MEMBER, "thank you", thread=thread)
    assert len(told()) == 2  # that is for the person who has it


@pytest.mark.parametrize(
    ("speaker", "shown"),
    [
        (Speaker.AGENT, "AI agent"),
        (Speaker.CODE, "Automatic message"),
        (Speaker.STAFF, "Sam (staff)"),
        (Speaker.CUSTOMER, "Sam"),
    ],
)
def test_the_transcript_names_software_by_what_it_is(speaker: Speaker, shown: str) -> None:
    said = relayed(replace(an_entry("Hello."), speaker=speaker, name="Sam"))
    assert [block.speaker for block in said.blocks if isinstance(block, Quote)] == [shown]


def test_a_case_calls_the_agent_what_people_call_it() -> None:
    for words in REASONS.values():
        assert "agent" not in words.replace("AI agent", "")
