"""Asking for access and giving it: nobody is let in who did not ask, and nobody waits for ever."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from agent_core import presses
from agent_core.messages import Participant
from agent_core.people import Person, PersonId
from tests.fakes.house import (
    CUSTOMER_ROOM,
    OWNER,
    House,
    someone,
)

NEWCOMER = someone("nina")


@pytest.fixture
async def house() -> AsyncIterator[House]:
    house = await House().open()
    yield house
    await house.close()


async def give(house: House, who: Participant, *more: Participant, **what: object) -> None:
    person = Person(
        id=PersonId(f"person-{who.identity.user_id}"),
        name=who.name,
        identities=(who.identity, *(one.identity for one in more)),
        **what,  # type: ignore[arg-type]
    )
    await house.store.run(lambda tx: tx.people.put(person))


# --- access -------------------------------------------------------------------------------------


async def test_nobody_is_let_in_who_did_not_ask_and_an_answer_counts_once(house: House) -> None:
    thread = await house.says(NEWCOMER, "what is our plan?", mention=True)
    conversation = await house.conversation(thread)
    friend = someone("fred")
    forged = f"{conversation.id}|{friend.identity}"
    answer = await house.presses(OWNER, presses.GIVE_ACCESS, forged, CUSTOMER_ROOM, thread)
    assert "no longer open" in answer.notice
    assert await house.store.run(lambda tx: tx.people.find(friend.identity)) is None
    await house.presses(NEWCOMER, presses.ASK_ACCESS, conversation.id, CUSTOMER_ROOM, thread)
    value = f"{conversation.id}|{NEWCOMER.identity}"
    await house.presses(OWNER, presses.DENY_ACCESS, value, CUSTOMER_ROOM, thread)
    assert "gave no access" in house.slack.texts(thread)[-1]
    late = await house.presses(OWNER, presses.GIVE_ACCESS, value, CUSTOMER_ROOM, thread)
    assert "decided already" in late.notice
    assert await house.store.run(lambda tx: tx.people.find(NEWCOMER.identity)) is None
    again = await house.presses(
        NEWCOMER, presses.ASK_ACCESS, conversation.id, CUSTOMER_ROOM, thread
    )
    assert "answered this already" in again.notice


async def test_in_a_room_without_an_account_access_is_asked_of_support(house: House) -> None:
    unlinked = replace(CUSTOMER_ROOM, room_id="C0UNLINKED")
    event = house.message(NEWCOMER, "what is our plan?", mention=True, room=unlinked)
    await house.intake.receive(event)
    conversation = await house.store.run(lambda tx: tx.conversations.of_thread(event.thread))
    assert conversation is not None
    answer = await house.presses(
        NEWCOMER, presses.ASK_ACCESS, conversation.id, unlinked, event.thread.thread_id
    )
    assert "Case 1" in answer.notice
