"""A thousand cases at once bury nothing urgent, and none of them is lost."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from agent_core.directory import requester_of
from agent_core.escalations import EscalationReason, Priority
from agent_core.limits import Limits
from agent_core.ports import EngineKind, UnitOfWork
from bots.timers import OpenTimers
from escalation.crowd import CARDS_A_MINUTE
from tests.fakes.house import MEMBER, OWNER, SUPPORT_ROOM, House

MANY = 35


@pytest.fixture
async def house() -> AsyncIterator[House]:
    house = await House(limits=Limits(waiting_of_account=1)).open()
    yield house
    await house.close()


def inside(house: House) -> list[str]:
    posts = [post for post in house.slack.posts if post.posted.message.room == SUPPORT_ROOM]
    return [post.message.fallback for post in posts]


def cards_in(house: House) -> int:
    return sum("Who: Mia" in text for text in inside(house))


async def sweep(house: House) -> None:
    """What the reconciler does each minute."""
    due = OpenTimers(house.clock)

    def submit(tx: UnitOfWork) -> None:
        for timer in (*due.unbriefed(tx), *due.unclaimed(tx)):
            house.engine.submit(
                tx, kind=EngineKind.TIMER, key=timer.key, ref=timer.ref, at=timer.at
            )

    await house.store.run(submit)
    await house.settle()


async def overload(house: House) -> None:
    await house.says(OWNER, "add seats", mention=True)
    for number in range(MANY):
        await house.says(MEMBER, f"question {number}", mention=True)


async def test_cards_come_at_a_pace_and_one_post_tells_of_the_rest(house: House) -> None:
    await overload(house)
    assert cards_in(house) == CARDS_A_MINUTE
    customers = [p for p in house.slack.posts if p.posted.message.room != SUPPORT_ROOM]
    assert sum("than I can answer in time" in p.message.fallback for p in customers) == MANY
    await sweep(house)
    told = [text for text in inside(house) if "more cases wait for their cards" in text]
    assert len(told) == 1 and f"{MANY - CARDS_A_MINUTE} more cases" in told[0]
    assert "question 10" in told[0] and "globex" in told[0]


async def test_every_case_gets_its_card_and_the_post_says_so(house: House) -> None:
    await overload(house)
    for _ in range(6):
        await house.later(minutes=1)
        await sweep(house)
    assert cards_in(house) == MANY
    assert [
        number for number in range(MANY) if f"question {number}" not in str(inside(house))
    ] == []
    told = [text for text in inside(house) if "came at once" in text]
    assert len(told) == 1 and f"{MANY} of their kind wait" in told[0]


async def test_somebody_who_asks_for_a_person_waits_for_no_crowd(house: House) -> None:
    await overload(house)
    thread = await house.says(OWNER, "a person please", mention=True)
    conversation = await house.conversation(thread)
    assert "a person please" not in str(inside(house))

    def urgent(tx: UnitOfWork) -> None:
        held = tx.conversations.get(conversation.id)
        assert held is not None
        house.desk.open(
            tx,
            replace(held, id=conversation.id),
            reason=EscalationReason.UNKNOWN_OUTCOME,
            priority=Priority.URGENT,
            asked="was I charged twice?",
            asked_by=requester_of(tx, OWNER),
            suggestion="Look it up.",
            at=house.clock.now(),
        )

    await house.store.run(urgent)
    await sweep(house)
    assert "a person please" in str(inside(house))


async def test_reminders_of_a_crowd_call_nobody_and_tell_the_customer(house: House) -> None:
    await overload(house)
    for _ in range(12):
        await house.later(minutes=1)
        await sweep(house)
    assert not [text for text in inside(house) if "nobody has claimed this yet" in text]
    customers = [p for p in house.slack.posts if p.posted.message.room != SUPPORT_ROOM]
    assert sum("It is not forgotten" in p.message.fallback for p in customers) == MANY
