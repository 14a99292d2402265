"""More than the agent can answer in time: people get it, and the customer hears of it once."""

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import pytest

from agent_core.conversation import ConversationStatus
from agent_core.escalations import Escalation, EscalationReason
from agent_core.journal import Waiting
from agent_core.limits import Limits
from agent_core.overload import Overload
from agent_core.ports import UnitOfWork
from tests.fakes.house import ADA, CUSTOMER_ROOM, MEMBER, OWNER, SUPPORT_ROOM, House

LIMITS = Limits(waiting=5, waiting_of_account=3, waiting_messages=4)
NOTICE = "more requests are coming in than I can answer in time"


@pytest.fixture
async def house() -> AsyncIterator[House]:
    house = await House(limits=LIMITS).open()
    yield house
    await house.close()


async def cases(house: House) -> list[Escalation]:
    return list(await house.store.run(lambda tx: tx.escalations.waiting()))


def notices(house: House) -> list[str]:
    posts = [post for post in house.slack.posts if post.posted.message.room == CUSTOMER_ROOM]
    return [post.message.fallback for post in posts if NOTICE in post.message.fallback]


async def finish_everything(house: House) -> None:
    def finish(tx: UnitOfWork) -> None:
        for one in tx.inbox.unfinished():
            tx.inbox.finish([row.seq for row in tx.inbox.new_rows(one)])

    await house.store.run(finish)


async def test_an_account_over_its_bound_gets_people_and_hears_it_once(house: House) -> None:
    for _ in range(3):
        await house.says(OWNER, "add seats", mention=True)
    assert await cases(house) == []
    thread = await house.says(MEMBER, "help me please", mention=True)
    (case,) = await cases(house)
    assert case.reason is EscalationReason.OVERLOADED and case.asked == "help me please"
    assert (await house.conversation(thread)).status is ConversationStatus.WAITING_FOR_SUPPORT
    await house.says(MEMBER, "and this as well", thread=thread)
    assert len(notices(house)) == 1 and len(house.woken) == 3
    assert any("and this as well" in post.message.fallback for post in house.slack.posts)


async def test_a_conversation_that_waits_already_takes_no_second_place(house: House) -> None:
    threads = [await house.says(OWNER, "add seats", mention=True) for _ in range(3)]
    await house.says(OWNER, "three of them", thread=threads[0])
    assert await cases(house) == []


async def test_others_still_get_the_agent(house: House) -> None:
    for _ in range(4):
        await house.says(OWNER, "add seats", mention=True)
    await house.says(ADA, "what is new?", mention=True, room=SUPPORT_ROOM)
    assert len(await cases(house)) == 1 and len(house.woken) == 4


async def test_the_whole_service_has_a_bound(house: House) -> None:
    for n in range(7):
        room = replace(CUSTOMER_ROOM, room_id=f"C{n}")
        await house.says(OWNER, "hello", mention=True, room=room)
    assert len(await cases(house)) == 2 and len(house.woken) == 5


async def test_one_conversation_has_a_bound(house: House) -> None:
    thread = await house.says(OWNER, "hello", mention=True)
    for n in range(5):
        await house.says(OWNER, f"still there? {n}", thread=thread)
    (case,) = await cases(house)
    assert "still there? 3" in case.asked and len(notices(house)) == 1


async def test_people_see_every_word_that_waited_when_they_get_it() -> None:
    """The agent answers none of them any more, so what the case does not show is lost."""
    house = await House(limits=replace(LIMITS, waiting_messages=30)).open()
    thread = await house.says(OWNER, "word 0.", mention=True)
    for n in range(1, 31):
        await house.later(seconds=1)
        await house.says(OWNER, f"word {n}.", thread=thread)
    assert len(await cases(house)) == 1
    inside = [post for post in house.slack.posts if post.posted.message.room == SUPPORT_ROOM]
    shown = "\n".join(post.message.fallback for post in inside)
    assert [n for n in range(31) if f"word {n}." not in shown] == []
    await house.close()


async def test_the_agent_is_back_once_there_is_less_to_do(house: House) -> None:
    for _ in range(4):
        await house.says(OWNER, "add seats", mention=True)
    assert len(await cases(house)) == 1
    await finish_everything(house)
    await house.later(seconds=1)
    await house.says(OWNER, "add seats", mention=True)
    assert len(await cases(house)) == 1 and len(house.woken) == 4


async def test_while_little_waits_few_messages_are_counted() -> None:
    house = await House().open()
    counted = list[int]()
    inbox = house.store._unit.inbox
    original = inbox.backlog

    def counting(limit: int) -> Sequence[Waiting]:
        counted.append(limit)
        return original(limit)

    inbox.backlog = counting  # type: ignore[method-assign]
    for _ in range(20):
        await house.says(OWNER, "hello", mention=True)
        await house.later(seconds=1)
    await house.close()
    assert 1 <= len(counted) <= 5


async def test_a_database_that_stands_still_while_it_counts_holds_no_event_loop_up() -> None:
    house = await House(limits=LIMITS).open()
    thread = await house.says(OWNER, "hello", mention=True)
    conversation = await house.conversation(thread)
    overload, counting, answers = Overload(LIMITS), threading.Event(), threading.Event()
    unit, inbox = house.store._unit, house.store._unit.inbox
    original = inbox.backlog

    def slow(limit: int) -> Sequence[Waiting]:
        found = original(limit)
        counting.set()
        answers.wait(10)
        return found

    inbox.backlog = slow  # type: ignore[method-assign]
    asked = asyncio.create_task(asyncio.to_thread(overload.problem, unit, conversation))
    await asyncio.to_thread(counting.wait, 5)
    took = asyncio.create_task(asyncio.to_thread(overload.took, conversation))  # the loop's call
    await asyncio.wait([took], timeout=1)
    held_up = not took.done()
    answers.set()
    assert await asked is None and not held_up
    for _ in range(2):
        overload.took(conversation)
    inbox.backlog = original  # type: ignore[method-assign]
    assert "4 messages" in (overload._problem(conversation) or "")  # with the one taken meanwhile
    await house.close()


async def test_a_count_that_began_earlier_takes_nothing_back_from_a_later_one() -> None:
    """Two store threads count at once, and the one whose look is older comes back last."""
    house = await House(limits=LIMITS).open()
    thread = await house.says(OWNER, "hello", mention=True)
    conversation = await house.conversation(thread)
    overload, unit = Overload(LIMITS), house.store._unit
    first_looked, may_end = threading.Event(), threading.Event()
    original, looks = unit.inbox.backlog, 0

    def look(limit: int) -> Sequence[Waiting]:
        nonlocal looks
        looks += 1
        found = [] if looks == 1 else original(limit)
        if looks == 1:
            first_looked.set()
            may_end.wait(10)
        return found

    unit.inbox.backlog = look  # type: ignore[method-assign]
    first = asyncio.create_task(asyncio.to_thread(overload._count, unit))
    await asyncio.to_thread(first_looked.wait, 5)
    overload.took(conversation)  # after the first look, before the second
    await asyncio.to_thread(overload._count, unit)
    may_end.set()
    await first
    unit.inbox.backlog = original  # type: ignore[method-assign]
    assert overload._rows[conversation.id] == 1
    await house.close()
