"""Cases, rooms and colleagues: who is heard where, and who is whose."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from agent_core import presses
from agent_core.conversation import Audience, Conversation, ConversationStatus, RoomMode
from agent_core.escalations import Escalation
from agent_core.messages import Participant, RoomChange, RoomChanged
from agent_core.people import Capability, Person, PersonId
from tests.fakes.house import (
    ADA,
    COLLEAGUE,
    CUSTOMER_ROOM,
    GLOBEX,
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


# --- rooms -------------------------------------------------------------------------------------


async def test_nothing_of_support_is_posted_where_customers_can_read(house: House) -> None:
    await house.intake.receive(
        RoomChanged(event_id="E1", room=SUPPORT_ROOM, change=RoomChange.SHARED)
    )
    thread, _ = await asked_for_a_person(house)
    await house.later(minutes=20)
    assert inside(house) == []
    assert any("cannot reach the support team" in text for text in house.slack.texts(thread))
    await house.intake.receive(
        RoomChanged(event_id="E2", room=SUPPORT_ROOM, change=RoomChange.UNSHARED)
    )
    await house.later(minutes=6)
    assert "my invoices are wrong" in inside(house)[0]  # it was only kept


async def test_the_customer_hears_of_reminders_only_while_these_arrive(house: House) -> None:
    thread, _ = await asked_for_a_person(house)
    await house.settle()
    await house.intake.receive(
        RoomChanged(event_id="E1", room=SUPPORT_ROOM, change=RoomChange.SHARED)
    )
    await house.later(minutes=11)
    assert "I am reminding the support team." in house.slack.texts(thread)[-1]
    await house.later(minutes=20)  # the first reminder is still not posted
    assert "I cannot reach the support team at the moment." in house.slack.texts(thread)[-1]


async def test_once_a_room_is_shared_its_older_threads_are_not_internal_any_more(
    house: House,
) -> None:
    def internal(tx):
        tx.rooms.put(replace(tx.rooms.get(CUSTOMER_ROOM), audience=Audience.INTERNAL))

    await house.store.run(internal)
    thread = await house.says(COLLEAGUE, "how is globex doing?", mention=True)
    assert (await house.conversation(thread)).audience is Audience.INTERNAL
    await house.intake.receive(
        RoomChanged(event_id="E1", room=CUSTOMER_ROOM, change=RoomChange.SHARED)
    )
    await house.says(COLLEAGUE, "and now?", thread=thread)
    assert (await house.conversation(thread)).audience is Audience.SHARED


# The platform's own event of it may come late, or never: each message says it too.
async def test_a_message_that_says_its_room_is_shared_counts_as_the_event_of_it(
    house: House,
) -> None:
    def internal(tx):
        tx.rooms.put(replace(tx.rooms.get(CUSTOMER_ROOM), audience=Audience.INTERNAL))

    await house.store.run(internal)
    thread = await house.says(COLLEAGUE, "how is globex doing?", mention=True)
    said = house.message(COLLEAGUE, "and their invoices?", thread=thread)
    await house.intake.receive(replace(said, shared=True))
    await house.settle()
    assert (await house.conversation(thread)).audience is Audience.SHARED
    binding = await house.store.run(lambda tx: tx.rooms.get(CUSTOMER_ROOM))
    assert binding is not None and binding.audience is Audience.SHARED
    await house.intake.receive(replace(house.message(ADA, "hm", room=SUPPORT_ROOM), shared=True))
    await asked_for_a_person(house)
    await house.later(minutes=20)
    assert inside(house) == []


async def test_in_a_silent_room_whoever_writes_on_as_told_is_heard(house: House) -> None:
    def silence(tx):
        tx.rooms.put(replace(tx.rooms.get(CUSTOMER_ROOM), mode=RoomMode.SILENT))

    await house.store.run(silence)
    thread = await house.says(OWNER, "anybody there?", mention=True)
    for closing in (presses.RESOLVE, presses.HAND_BACK):
        case = await open_case(house, await house.conversation(thread))
        await house.presses(ADA, closing, case.id)
        await house.says(OWNER, "one more thing", thread=thread)
        status = (await house.conversation(thread)).status
        assert status is ConversationStatus.WAITING_FOR_SUPPORT
    assert house.woken == []


# --- colleagues --------------------------------------------------------------------------------


async def test_a_colleague_talks_with_the_agent_in_a_thread_of_their_own(house: House) -> None:
    thread = await house.says(COLLEAGUE, "what plans are there?", mention=True)
    await house.says(COLLEAGUE, "and prices?", thread=thread)
    assert (await house.conversation(thread)).status is ConversationStatus.WITH_AGENT
    assert len(house.woken) == 2


async def test_a_colleague_can_call_the_agent_into_a_resolved_thread(house: House) -> None:
    thread, case = await asked_for_a_person(house)
    await house.presses(ADA, presses.RESOLVE, case.id)
    house.woken.clear()
    await house.says(COLLEAGUE, "@agent, go on", thread=thread, mention=True)
    assert len(house.woken) == 1


async def test_a_customer_with_a_role_is_a_customer_whatever_else_they_may_do(
    house: House,
) -> None:
    def promote(tx):
        person = tx.people.find(OWNER.identity)
        tx.people.put(replace(person, capabilities=frozenset({Capability.APPROVER})))

    await house.store.run(promote)
    thread = await house.says(OWNER, "add seats", mention=True)
    await house.says(OWNER, "three", thread=thread)
    conversation = await house.conversation(thread)
    assert conversation.status is ConversationStatus.WITH_AGENT
    assert conversation.account_id == GLOBEX


async def test_a_guest_of_the_vendors_tenant_takes_nothing_over(house: House) -> None:
    guest = replace(someone("gus", "T0ACME"), is_guest=True)
    thread = await house.says(OWNER, "is this right?", mention=True)
    await house.says(guest, "I can answer that", thread=thread)
    assert (await house.conversation(thread)).status is ConversationStatus.WITH_AGENT
