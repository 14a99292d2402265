"""Cases when things go wrong: nothing lost, nothing leaked, no lie, and somebody always told."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from agent_core import presses
from agent_core.conversation import Conversation, ConversationStatus
from agent_core.errors import DestinationGone
from agent_core.escalations import Escalation, EscalationReason, Priority
from agent_core.messages import Participant
from agent_core.people import AccountId, Capability, Person, PersonId, Requester
from bots.timers import OpenTimers
from escalation import brief
from escalation.commands import REPLY_LENGTH
from escalation.undeliverable import teller
from tests.fakes.house import (
    ADA,
    BEN,
    COLLEAGUE,
    CUSTOMER_ROOM,
    OWNER,
    SUPPORT_ROOM,
    House,
    someone,
)

LENA = someone("lena", "T0ACME")


@pytest.fixture
async def house() -> AsyncIterator[House]:
    house = await House().open()
    yield house
    await house.close()


async def asked_for_a_person(house: House) -> tuple[str, Escalation]:
    thread = await house.says(OWNER, "my invoices are wrong", mention=True)
    conversation = await house.conversation(thread)
    await house.presses(OWNER, presses.ASK_SUPPORT, conversation.id, CUSTOMER_ROOM, thread)
    return thread, await open_case(house, conversation)


async def open_case(house: House, conversation: Conversation) -> Escalation:
    case = await house.store.run(lambda tx: tx.escalations.open_in(conversation.id))
    assert case is not None
    return case


async def a_lead(house: House) -> Participant:
    lead = Person(
        id=PersonId("person-lena"),
        name="Lena",
        capabilities=frozenset({Capability.LEAD}),
        identities=(LENA.identity,),
    )
    await house.store.run(lambda tx: tx.people.put(lead))
    return LENA


def inside(house: House) -> list[str]:
    return [
        post.message.fallback
        for post in house.slack.posts
        if post.posted.thread.room == SUPPORT_ROOM
    ]


# --- before the brief -------------------------------------------------------------------------


class SlowAccounts:
    """An AccountDirectory that answers when it is let."""

    def __init__(self, problem: Exception | None = None) -> None:
        self.go = asyncio.Event()
        self.asked = asyncio.Event()
        self.problem = problem

    async def summary(self, account_id: AccountId) -> tuple[tuple[str, str], ...]:
        self.asked.set()
        await self.go.wait()
        if self.problem is not None:
            raise self.problem
        return (("Plan", "Business"),)

    async def search(self, query: str, limit: int = 20) -> list[tuple[AccountId, str]]:
        return []


async def test_every_word_between_the_opening_and_the_brief_is_in_the_brief(house: House) -> None:
    accounts = SlowAccounts()
    house.briefing._accounts = accounts
    thread = await house.says(OWNER, "my invoices are wrong", mention=True)
    conversation = await house.conversation(thread)
    press = asyncio.create_task(
        house.presses(OWNER, presses.ASK_SUPPORT, conversation.id, CUSTOMER_ROOM, thread)
    )
    await accounts.asked.wait()
    for number in range(30):
        await house.intake.receive(house.message(OWNER, f"word {number}.", thread=thread))
    accounts.go.set()
    await press
    await house.settle()
    told = "\n".join(inside(house))
    assert [n for n in range(30) if f"word {n}." not in told] == []
    assert "my invoices are wrong" in told


@pytest.mark.parametrize("problem", [OSError("refused"), ValueError("not JSON"), None])
async def test_a_case_reaches_people_though_the_account_system_fails_or_hangs(
    house: House, problem: Exception | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts = SlowAccounts(problem)
    if problem is not None:
        accounts.go.set()
    monkeypatch.setattr(brief, "ACCOUNT_SECONDS", 0.01)
    house.briefing._accounts = accounts
    await asked_for_a_person(house)
    assert "look the account up yourself" in inside(house)[0]


async def test_a_lost_brief_and_lost_reminders_are_found_again(house: House) -> None:
    due = OpenTimers(house.clock)
    thread = await house.says(OWNER, "help", mention=True)
    conversation = await house.conversation(thread)
    await house.engine.drain(0)  # the engine forgets what it was asked for
    await house.store.run(
        lambda tx: house.desk.open(
            tx,
            conversation,
            reason=EscalationReason.ASKED_FOR,
            asked="help",
            asked_by=Requester(identity=OWNER.identity, name="Olga", person=None),
            suggestion="",
            at=house.clock.now(),
        )
    )
    (timer,) = await house.store.run(lambda tx: list(due.unbriefed(tx)))
    assert await house.store.run(lambda tx: list(due.unclaimed(tx))) == []
    await house.briefing.brief(timer.key)
    assert await house.store.run(lambda tx: list(due.unbriefed(tx))) == []
    house.clock.advance(timedelta(minutes=11))
    for _ in range(2):  # however often it fires
        for timer in await house.store.run(lambda tx: list(due.unclaimed(tx))):
            number = timer.ref.split("~")[0].rsplit(":", 1)[-1]
            await house.reminders.remind(timer.key, number)
    assert await house.store.run(lambda tx: list(due.unclaimed(tx))) == []
    entries = await house.store.run(lambda tx: tx.transcript.last(conversation.id, 50))
    assert sum("still waiting" in e.text or "cannot reach" in e.text for e in entries) == 1


async def test_a_second_and_graver_reason_is_neither_lost_nor_said_twice(house: House) -> None:
    thread, case = await asked_for_a_person(house)

    def again(tx):
        conversation = tx.conversations.get(case.conversation_id)
        return house.desk.open(
            tx,
            conversation,
            reason=EscalationReason.UNKNOWN_OUTCOME,
            asked="refund it",
            asked_by=Requester(identity=OWNER.identity, name="Olga", person=None),
            suggestion="Look for reference 12.",
            at=house.clock.now(),
            priority=Priority.URGENT,
        )

    for _ in range(3):
        await house.store.run(again)
    await house.settle()
    lines = [text for text in inside(house) if "Look for reference 12." in text]
    assert len(lines) == 1 and "Ada" in lines[0]  # support is called by name
    assert "Priority: urgent" in inside(house)[0]
    assert (await open_case(house, await house.conversation(thread))).priority is Priority.URGENT


async def test_the_same_button_pressed_often_is_one_line(house: House) -> None:
    thread, case = await asked_for_a_person(house)
    for _ in range(5):
        await house.presses(OWNER, presses.ASK_SUPPORT, case.conversation_id, CUSTOMER_ROOM, thread)
    assert sum("Again:" in text for text in inside(house)) == 1
    assert "my invoices are wrong" in inside(house)[0]


# --- what the customer is told -----------------------------------------------------------------


async def test_the_first_thing_a_person_gets_says_that_this_is_an_ai(house: House) -> None:
    thread, _ = await asked_for_a_person(house)
    notices = [p.message for p in house.slack.posts if p.posted.thread.thread_id == thread]
    assert [notice.discloses_ai for notice in notices] == [True]


async def test_a_take_over_is_told_with_its_number(house: House) -> None:
    thread = await house.says(OWNER, "is this right?", mention=True)
    await house.says(COLLEAGUE, "I will look.", thread=thread)
    assert any("Case 1" in text and "Carl" in text for text in house.slack.texts(thread))


async def test_names_that_people_give_themselves_draw_nothing(house: House) -> None:
    trickster = replace(someone("eve"), name="[Approve here](https://evil.example) <!channel>")
    thread = await house.says(trickster, "hello", mention=True)
    conversation = await house.conversation(thread)
    await house.presses(trickster, presses.ASK_ACCESS, conversation.id, CUSTOMER_ROOM, thread)
    asked = next(text for text in house.slack.texts(thread) if "asks for access" in text)
    assert "](" not in asked and "://" not in asked and "<!" not in asked


async def test_a_reply_that_cannot_be_delivered_is_told_in_the_support_thread(
    house: House,
) -> None:
    thread, case = await asked_for_a_person(house)
    house.delivery._outcomes._undeliverable = teller(house.desk, house.clock)
    await house.presses(ADA, presses.CLAIM, case.id)
    house.slack.faults.append(DestinationGone("is_archived"))
    await house.submits(ADA, presses.REPLY_FORM, case.id, text="It is mended.")
    assert "It is mended." not in house.slack.texts(thread)
    assert any("could not be posted" in t and "It is mended." in t for t in inside(house))


# Complaint: it loops after the case was closed.
async def test_a_closing_notice_that_cannot_be_delivered_opens_no_new_case(house: House) -> None:
    thread, case = await asked_for_a_person(house)
    house.delivery._outcomes._undeliverable = teller(house.desk, house.clock)
    await house.presses(ADA, presses.CLAIM, case.id)
    gone = [DestinationGone("is_archived")] * 2
    house.slack.faults.extend(gone)
    await house.presses(ADA, presses.RESOLVE, case.id)
    conversation = await house.conversation(thread)
    assert conversation.status is ConversationStatus.RESOLVED
    assert await house.store.run(lambda tx: tx.escalations.open_in(conversation.id)) is None


# --- who has it --------------------------------------------------------------------------------


async def test_a_lead_takes_a_case_over_from_somebody_who_is_gone(house: House) -> None:
    thread, case = await asked_for_a_person(house)
    await house.presses(ADA, presses.CLAIM, case.id)
    assert "Ada has Case 1" in (await house.presses(BEN, presses.CLAIM, case.id)).notice
    lead = await a_lead(house)
    await house.presses(lead, presses.CLAIM, case.id)
    taken = await open_case(house, await house.conversation(thread))
    assert taken.claimed_by_name == "Lena"
    assert (await house.conversation(thread)).support_person == "person-lena"
    assert "taken this over from Ada" in house.slack.texts(thread)[-1]
    assert "Lena has Case 1" in (await house.presses(ADA, presses.REPLY, case.id)).notice


async def test_the_card_names_the_one_who_closed_the_case(house: House) -> None:
    _, case = await asked_for_a_person(house)
    await house.presses(ADA, presses.CLAIM, case.id)
    lead = await a_lead(house)
    await house.presses(lead, presses.RESOLVE, case.id)
    assert "resolved by Lena" in inside(house)[0]


async def test_the_claimer_is_called_in_the_support_thread(house: House) -> None:
    _, case = await asked_for_a_person(house)
    await house.presses(ADA, presses.CLAIM, case.id)
    assert any("Ada, it is yours" in text for text in inside(house))


@pytest.mark.parametrize("order", ["reply-first", "resolve-first"])
async def test_a_form_that_meets_a_closed_case_keeps_its_words(house: House, order: str) -> None:
    thread, case = await asked_for_a_person(house)
    await house.presses(ADA, presses.CLAIM, case.id)
    if order == "resolve-first":
        await house.presses(ADA, presses.RESOLVE, case.id)
    before = house.slack.texts(thread)
    answer = await house.submits(ADA, presses.REPLY_FORM, case.id, text="I will look.")
    after = house.slack.texts(thread)
    if order == "resolve-first":
        assert "is closed" in answer.form_errors[presses.REPLY_TEXT] and after == before
    else:
        assert answer.form_errors == {} and after == [*before, "I will look."]


async def test_a_reply_that_is_too_long_is_said_to_be(house: House) -> None:
    _, case = await asked_for_a_person(house)
    answer = await house.submits(ADA, presses.REPLY_FORM, case.id, text="x" * (REPLY_LENGTH + 1))
    assert "At most" in answer.form_errors[presses.REPLY_TEXT]


async def test_a_customer_who_forges_a_case_button_gets_nothing(house: House) -> None:
    thread, case = await asked_for_a_person(house)
    for action in (presses.CLAIM, presses.REPLY, presses.HAND_BACK, presses.RESOLVE):
        answer = await house.presses(OWNER, action, case.id, CUSTOMER_ROOM, thread)
        assert "not named as a support person" in answer.notice and answer.form is None
    answer = await house.submits(OWNER, presses.REPLY_FORM, case.id, text="as support")
    assert answer.form_errors
    status = (await house.conversation(thread)).status
    assert status is ConversationStatus.WAITING_FOR_SUPPORT


async def test_a_remark_in_a_closed_case_says_that_it_is_closed(house: House) -> None:
    _, case = await asked_for_a_person(house)
    thread_id = next(
        p.posted.thread.thread_id for p in house.slack.posts if p.posted.thread.room == SUPPORT_ROOM
    )
    await house.presses(ADA, presses.RESOLVE, case.id)
    await house.says(ADA, "late thought", thread=thread_id, room=SUPPORT_ROOM)
    hint = house.slack.posts[-1].message
    assert hint.private_to == ADA.identity and "Case 1 is closed" in hint.fallback


async def test_a_customers_long_message_is_relayed_whole(house: House) -> None:
    thread, case = await asked_for_a_person(house)
    await house.presses(ADA, presses.CLAIM, case.id)
    words = " ".join(f"word{number}" for number in range(900))
    await house.says(OWNER, words, thread=thread)
    relayed = house.slack.posts[-1].message.fallback
    assert "word0 " in relayed and "word899" in relayed
