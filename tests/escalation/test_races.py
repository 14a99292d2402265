"""People who act in the same moment, on Postgres: of many decisions one counts, no word is lost."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest

from agent_core import presses
from agent_core.conversation import ConversationId, ConversationStatus
from agent_core.errors import ConversationChanged
from agent_core.escalations import Escalation, EscalationId, EscalationStatus
from agent_core.journal import InboxKind, InboxRow
from agent_core.ports import UnitOfWork
from agent_core.proposals import ProposalStatus
from agent_core.store.migrations import migrate
from agent_core.store.sql_store import SqlStore
from tests.core.test_intake import propose, status
from tests.fakes.house import ADA, BEN, CUSTOMER_ROOM, MEMBER, OWNER, SUPPORT_ROOM, House

pytestmark = pytest.mark.postgres


@pytest.fixture
async def house(fresh_database: Callable[[], str]) -> AsyncIterator[House]:
    url = fresh_database()
    await asyncio.to_thread(migrate, url)
    store = SqlStore(url)
    house = await House(store=store).open()  # type: ignore[arg-type]
    yield house
    await house.close()
    await store.close()


async def a_case(house: House) -> tuple[str, str]:
    thread = await house.says(OWNER, "my invoices are wrong", mention=True)
    conversation = await house.conversation(thread)
    await house.presses(OWNER, presses.ASK_SUPPORT, conversation.id, CUSTOMER_ROOM, thread)
    case = await house.store.run(lambda tx: tx.escalations.open_in(conversation.id))
    assert case is not None
    return thread, case.id


async def case_of(house: House, case_id: str) -> Escalation | None:
    return await house.store.run(lambda tx: tx.escalations.get(EscalationId(case_id)))


async def decisions_of(house: House, conversation_id: ConversationId) -> list[InboxRow]:
    rows = await house.store.run(lambda tx: tx.inbox.new_rows(conversation_id))
    return [row for row in rows if row.kind is InboxKind.DECISION]


async def asked_of_the_agent(house: House, conversation_id: ConversationId) -> str:
    def read(tx: UnitOfWork) -> str:
        rows = tx.inbox.new_rows(conversation_id)
        entries = [tx.transcript.get(conversation_id, row.transcript_seq or 0) for row in rows]
        return "\n".join(entry.text for entry in entries if entry is not None)

    return await house.store.run(read)


def inside(house: House) -> str:
    return "\n".join(
        post.message.fallback
        for post in house.slack.posts
        if post.posted.thread.room == SUPPORT_ROOM
    )


async def test_claims_and_words_of_one_moment(house: House) -> None:
    for _ in range(3):
        thread, case_id = await a_case(house)
        events = [house.message(OWNER, f"word {n}.", thread=thread) for n in range(8)]
        answers = await asyncio.gather(
            house.presses(ADA, presses.CLAIM, case_id),
            *(house.intake.receive(event) for event in events),
            house.presses(BEN, presses.CLAIM, case_id),
        )
        await house.settle()
        refused = [answer for answer in (answers[0], answers[-1]) if answer.notice]
        assert len(refused) == 1
        case = await case_of(house, case_id)
        conversation = await house.conversation(thread)
        assert case is not None and case.status is EscalationStatus.CLAIMED
        assert conversation.support_person == case.claimed_by
        assert [n for n in range(8) if f"word {n}." not in inside(house)] == []
        house.slack.posts.clear()


async def test_words_that_meet_the_end_of_a_case_reach_the_agent_or_people(house: House) -> None:
    for closing in (presses.RESOLVE, presses.HAND_BACK):
        thread, case_id = await a_case(house)
        events = [house.message(OWNER, f"late {n}.", thread=thread) for n in range(8)]
        await asyncio.gather(
            *(house.intake.receive(event) for event in events[:4]),
            house.presses(ADA, closing, case_id),
            *(house.intake.receive(event) for event in events[4:]),
        )
        await house.settle()
        conversation = await house.conversation(thread)

        reached = await asked_of_the_agent(house, conversation.id) + inside(house)
        assert [n for n in range(8) if f"late {n}." not in reached] == []
        house.slack.posts.clear()


async def test_a_yes_a_no_and_an_expiry_of_one_moment(house: House) -> None:
    for number in range(4):
        thread = await house.says(MEMBER, "add 5", mention=True)
        name = f"pro_{number}"
        soon = house.clock.now() + timedelta(seconds=1)
        await propose(house, thread, id=name, occurrence=number + 1, expires_at=soon)
        late = asyncio.create_task(house.deadlines.expire(name))
        await asyncio.gather(
            *(
                house.presses(MEMBER, action, name, CUSTOMER_ROOM, thread)
                for action in (presses.CONFIRM, presses.CANCEL, presses.CONFIRM)
            ),
            house.intake.receive(house.message(MEMBER, "yes", thread=thread)),
            house.intake.receive(house.message(MEMBER, "no", thread=thread)),
            late,
        )
        await house.settle()
        conversation = await house.conversation(thread)
        decided = await decisions_of(house, conversation.id)
        ended = await status(house, name)
        assert ended in (ProposalStatus.DECIDED, ProposalStatus.CANCELLED)
        assert len(decided) == (1 if ended is ProposalStatus.DECIDED else 0)


async def test_two_people_who_ask_for_support_at_once_get_one_case(house: House) -> None:
    thread = await house.says(OWNER, "help", mention=True)
    conversation = await house.conversation(thread)
    answers = await asyncio.gather(
        *(
            house.presses(who, presses.ASK_SUPPORT, conversation.id, CUSTOMER_ROOM, thread)
            for who in (OWNER, MEMBER) * 4
        )
    )
    assert {answer.notice for answer in answers} == {"The support team has your request as Case 1."}
    assert (await house.conversation(thread)).status is ConversationStatus.WAITING_FOR_SUPPORT


async def test_two_who_begin_a_thread_at_once_are_in_one_conversation(house: House) -> None:
    first = house.message(OWNER, "hello", thread="T1", mention=True)
    second = house.message(MEMBER, "hello too", thread="T1", mention=True)
    try:
        await asyncio.gather(house.intake.receive(first), house.intake.receive(second))
    except ConversationChanged:
        pytest.fail("a delivery was refused")
    conversation = await house.conversation("T1")
    entries = await house.store.run(lambda tx: tx.transcript.last(conversation.id, 9))
    assert {entry.text for entry in entries} == {"hello", "hello too"}
