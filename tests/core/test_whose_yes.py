"""Whose yes counts, for what, and when: attempts to act without the yes that an action needs."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from agent_core import presses
from agent_core.errors import ConversationChanged, RateLimited
from agent_core.expiry import deadline_ref
from agent_core.messages import OutgoingId, Participant
from agent_core.outgoing import OutgoingStatus
from agent_core.people import Person, PersonId, Role
from agent_core.proposals import ProposalStatus
from bots.timers import OpenTimers
from tests.builders import an_outgoing_row
from tests.core.test_intake import APPROVERS, OWNERS, propose, status
from tests.fakes.house import (
    ADA,
    COLLEAGUE,
    CUSTOMER_ROOM,
    GLOBEX,
    MEMBER,
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


async def a_stranger_asks(house: House, **more: object) -> str:
    thread = await house.says(NEWCOMER, "cancel it", mention=True)
    await propose(
        house,
        thread,
        requester=NEWCOMER.identity,
        requester_key=str(NEWCOMER.identity),
        requester_name="Nina",
        **more,
    )
    return thread


# --- who somebody is, before and after ---------------------------------------------------------


async def test_a_stranger_who_became_an_owner_does_not_approve_their_own_request(
    house: House,
) -> None:
    thread = await a_stranger_asks(house, approval=OWNERS, status=ProposalStatus.AWAITING_APPROVAL)
    await give(house, NEWCOMER, roles={GLOBEX: Role.OWNER})
    answer = await house.presses(NEWCOMER, presses.APPROVE, "pro_1", CUSTOMER_ROOM, thread)
    assert "their own request" in answer.notice
    await house.says(NEWCOMER, "yes", thread=thread)
    assert await status(house) is ProposalStatus.AWAITING_APPROVAL


async def test_a_stranger_who_got_a_role_can_still_confirm_what_they_asked(house: House) -> None:
    thread = await a_stranger_asks(house)
    await give(house, NEWCOMER, roles={GLOBEX: Role.MEMBER})
    await house.presses(NEWCOMER, presses.CONFIRM, "pro_1", CUSTOMER_ROOM, thread)
    assert await status(house) is ProposalStatus.DECIDED


async def test_a_persons_second_identity_is_the_same_person(house: House) -> None:
    second = someone("olga2", "T0ELSE")
    thread = await house.says(OWNER, "refund it", mention=True)
    await propose(
        house,
        thread,
        requester=OWNER.identity,
        requester_key=str(OWNER.identity),
        approval=OWNERS,
        status=ProposalStatus.AWAITING_APPROVAL,
    )
    await give(house, OWNER, second, roles={GLOBEX: Role.OWNER})
    answer = await house.presses(second, presses.APPROVE, "pro_1", CUSTOMER_ROOM, thread)
    assert "their own request" in answer.notice


async def test_an_approval_that_only_its_requester_could_give_becomes_a_case(
    house: House,
) -> None:
    thread = await house.says(ADA, "refund it", mention=True)
    await propose(
        house,
        thread,
        requester=ADA.identity,
        requester_key="person-ada",
        requester_name="Ada",
        approval=APPROVERS,
    )
    await house.presses(ADA, presses.CONFIRM, "pro_1", CUSTOMER_ROOM, thread)
    conversation = await house.conversation(thread)
    case = await house.store.run(lambda tx: tx.escalations.open_in(conversation.id))
    assert case is not None and "nobody named so far" in case.suggestion


# --- which words are a yes ----------------------------------------------------------------------


async def test_a_yes_in_words_to_an_expired_card_does_nothing(house: House) -> None:
    thread = await house.says(MEMBER, "add 5", mention=True)
    await propose(house, thread)
    house.clock.advance(timedelta(hours=1, minutes=1))  # and its timer was lost
    await house.says(MEMBER, "yes", thread=thread)
    assert await status(house) is ProposalStatus.AWAITING_CONFIRMATION
    assert "has expired" in house.slack.texts(thread)[-1]


async def test_a_yes_written_before_the_card_was_out_is_not_about_it(house: House) -> None:
    thread = await house.says(MEMBER, "add 5", mention=True)
    await propose(house, thread)

    def not_out_yet(tx):
        row = tx.outgoing.get(OutgoingId("card:pro_1"))
        tx.outgoing.save(replace(row, status=OutgoingStatus.STARTED))

    await house.store.run(not_out_yet)
    await house.intake.receive(house.message(MEMBER, "yes", thread=thread))
    assert await status(house) is ProposalStatus.AWAITING_CONFIRMATION


@pytest.mark.parametrize("by", [MEMBER, OWNER])
async def test_a_yes_that_is_delivered_late_is_not_about_a_card_that_came_meanwhile(
    house: House, by: Participant
) -> None:
    """To another question: the platform could not deliver it at first, and tries again later."""
    thread = await house.says(MEMBER, "which plans are there?", mention=True)
    late = house.message(by, "yes", thread=thread)
    await house.later(minutes=4)
    waits = {"approval": OWNERS, "status": ProposalStatus.AWAITING_APPROVAL}
    await propose(house, thread, **({} if by is MEMBER else waits))
    before = await status(house)
    await house.intake.receive(late)
    await house.settle()
    assert await status(house) is before
    await house.says(by, "yes", thread=thread)
    assert await status(house) is ProposalStatus.DECIDED


@pytest.mark.parametrize("ahead", [False, True])
async def test_a_yes_written_while_the_card_could_not_go_out_is_not_about_it(
    house: House, ahead: bool
) -> None:
    """A platform in trouble holds up our words and theirs alike, for minutes or hours."""
    thread = await house.says(MEMBER, "add 5", mention=True)
    house.slack.faults.append(RateLimited("slow", retry_after_seconds=240))
    if ahead:  # it is another post that is refused, and the card waits behind it
        conversation = await house.conversation(thread)
        row = an_outgoing_row(
            "sign", destination=conversation.destination, conversation_id=conversation.id
        )
        await house.store.run(lambda tx: house.delivery.queue(tx, row))
        await house.settle()
    await propose(house, thread)
    await house.later(minutes=2)
    late = house.message(MEMBER, "yes", thread=thread)
    await house.later(minutes=3)
    card = await house.store.run(lambda tx: tx.outgoing.get(OutgoingId("card:pro_1")))
    assert card is not None and card.status is OutgoingStatus.SENT
    await house.intake.receive(late)
    await house.settle()
    assert await status(house) is ProposalStatus.AWAITING_CONFIRMATION
    await house.says(MEMBER, "yes", thread=thread)
    assert await status(house) is ProposalStatus.DECIDED


async def test_a_yes_to_the_support_person_approves_nothing(house: House) -> None:
    thread = await house.says(MEMBER, "cancel it", mention=True)
    await propose(house, thread, approval=OWNERS)
    await house.presses(MEMBER, presses.ASK_OWNER, "pro_1", CUSTOMER_ROOM, thread)
    await house.says(COLLEAGUE, "Shall I call you?", thread=thread)
    await house.says(OWNER, "yes", thread=thread)
    assert await status(house) is ProposalStatus.AWAITING_APPROVAL
    await house.presses(OWNER, presses.APPROVE, "pro_1", CUSTOMER_ROOM, thread)
    assert await status(house) is ProposalStatus.DECIDED  # the button still counts


async def test_an_ok_to_a_refusal_asks_nobody(house: House) -> None:
    thread = await house.says(MEMBER, "cancel it", mention=True)
    await propose(house, thread, approval=OWNERS, needs_confirmation=False)
    await house.says(MEMBER, "ok", thread=thread)
    assert await status(house) is ProposalStatus.AWAITING_CONFIRMATION
    await house.says(OWNER, "yes", thread=thread)
    assert await status(house) is ProposalStatus.AWAITING_CONFIRMATION
    assert "has not asked" in house.slack.texts(thread)[-1]
    await house.later(hours=2)
    await house.deadlines.expire("pro_1")
    await house.settle()
    assert not any("expired. Nothing" in text for text in house.slack.texts(thread))


@pytest.mark.parametrize(
    "words, after",
    [
        ("cancel that", ProposalStatus.CANCELLED),
        ("never mind", ProposalStatus.CANCELLED),
        ("no thanks", ProposalStatus.AWAITING_APPROVAL),  # perhaps to "anything else?"
        ("yes", ProposalStatus.AWAITING_APPROVAL),
    ],
)
async def test_the_requester_can_take_a_waiting_request_back_in_words(
    house: House, words: str, after: ProposalStatus
) -> None:
    thread = await house.says(MEMBER, "cancel it", mention=True)
    await propose(house, thread, approval=APPROVERS)
    await house.presses(MEMBER, presses.CONFIRM, "pro_1", CUSTOMER_ROOM, thread)
    await house.says(MEMBER, words, thread=thread)
    assert await status(house) is after


# --- deadlines ----------------------------------------------------------------------------------


async def test_whoever_approves_has_time_from_the_requesters_yes_on(house: House) -> None:
    thread = await house.says(MEMBER, "refund it", mention=True)
    await propose(house, thread, approval=APPROVERS)
    await house.later(minutes=59)
    await house.presses(MEMBER, presses.CONFIRM, "pro_1", CUSTOMER_ROOM, thread)
    await house.later(hours=23)
    await house.deadlines.expire("pro_1")
    assert await status(house) is ProposalStatus.AWAITING_APPROVAL
    await house.later(hours=2)  # its own timer, set with the yes
    assert await status(house) is ProposalStatus.EXPIRED
    assert any("Nobody decided" in text for text in house.slack.texts(thread))


async def test_deadlines_are_found_again_when_the_engine_lost_its_state(house: House) -> None:
    thread = await house.says(MEMBER, "refund it", mention=True)
    proposal = await propose(house, thread)
    await propose(
        house, thread, id="pro_far", arguments={"seats": 9}, expires_at=proposal.expires_at
        + timedelta(days=1),
    )  # fmt: skip
    due = OpenTimers(house.clock)
    assert await house.store.run(lambda tx: list(due.undecided(tx))) == []
    house.clock.advance(timedelta(minutes=59))
    (soon,) = await house.store.run(lambda tx: list(due.undecided(tx)))
    assert (soon.key, soon.ref) == ("pro_1", deadline_ref(proposal))
    house.clock.advance(timedelta(minutes=2))
    refs = set()
    for _ in range(2):  # overdue: asked for in each sweep, though an entry of its name was done
        (late,) = await house.store.run(lambda tx: list(due.undecided(tx)))
        refs.add(late.ref)
        house.clock.advance(timedelta(minutes=1))
    assert len(refs) == 2
    await house.deadlines.expire("pro_1")
    assert await status(house) is ProposalStatus.EXPIRED


async def test_an_expiry_that_loses_to_a_yes_keeps_nothing_and_one_that_clashes_is_redone(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    thread = await house.says(MEMBER, "refund it", mention=True)
    await propose(house, thread, approval=APPROVERS)
    await house.presses(MEMBER, presses.CONFIRM, "pro_1", CUSTOMER_ROOM, thread)
    house.clock.advance(timedelta(hours=30))
    opened = house.desk.open
    clashes = iter([True])

    def clashing(*args: object, **more: object) -> object:
        if next(clashes, False):
            raise ConversationChanged("somebody was first")
        return opened(*args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(house.desk, "open", clashing)
    await house.deadlines.expire("pro_1")
    conversation = await house.conversation(thread)
    case = await house.store.run(lambda tx: tx.escalations.open_in(conversation.id))
    assert await status(house) is ProposalStatus.EXPIRED
    assert case is not None  # not an expired request that nobody hears of


# --- an approval outlives the case around it ------------------------------------------------------


@pytest.mark.parametrize("closing", [None, presses.HAND_BACK, presses.RESOLVE])
async def test_an_approval_counts_whoever_has_the_conversation_meanwhile(
    house: House, closing: str | None
) -> None:
    thread = await house.says(MEMBER, "refund it", mention=True)
    await propose(house, thread, approval=APPROVERS)
    await house.presses(MEMBER, presses.CONFIRM, "pro_1", CUSTOMER_ROOM, thread)
    conversation = await house.conversation(thread)
    await house.presses(MEMBER, presses.ASK_SUPPORT, conversation.id, CUSTOMER_ROOM, thread)
    case = await house.store.run(lambda tx: tx.escalations.open_in(conversation.id))
    assert case is not None
    await house.presses(ADA, presses.CLAIM, case.id)
    if closing is not None:
        await house.presses(ADA, closing, case.id)
    assert await status(house) is ProposalStatus.AWAITING_APPROVAL
    house.woken.clear()
    await house.presses(ADA, presses.APPROVE, "pro_1")
    assert await status(house) is ProposalStatus.DECIDED
    assert house.woken == [conversation.id]
    late = await house.presses(MEMBER, presses.CANCEL, "pro_1", CUSTOMER_ROOM, thread)
    assert "decided already" in late.notice
