"""Choosing an account, edits, direct chats: pressed twice, late, forged, or where others read."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from agent_core import presses
from agent_core.conversation import (
    Audience,
    Conversation,
    ConversationStatus,
    RoomBinding,
    RoomMode,
)
from agent_core.messages import (
    ButtonPressed,
    FileRef,
    MessageEdited,
    MessageRef,
    ReplyAddress,
    ThreadRef,
)
from agent_core.notices import notice
from agent_core.outgoing import OutgoingStatus
from agent_core.people import Capability, Person, PersonId, Role
from agent_core.ports import Answer, UnitOfWork
from agent_core.proposals import ProposalStatus
from tests.builders import an_outgoing_row
from tests.core.test_intake import propose, status
from tests.fakes.house import ADA, CUSTOMER_ROOM, GLOBEX, MEMBER, OWNER, House, someone

STAFF_ROOM = replace(CUSTOMER_ROOM, room_id="C0STAFF")
DIRECT = replace(CUSTOMER_ROOM, room_id="D0")
SUE = someone("sue", "T0ACME")


@pytest.fixture
async def house() -> AsyncIterator[House]:
    house = await House().open()

    def furnish(tx: UnitOfWork) -> None:
        tx.rooms.put(
            RoomBinding(
                room=STAFF_ROOM, audience=Audience.INTERNAL, account_id=None, mode=RoomMode.MENTION
            )
        )
        tx.people.put(
            Person(
                id=PersonId("person-sue"),
                name="Sue",
                capabilities=frozenset({Capability.STAFF}),
                identities=(SUE.identity,),
                roles={GLOBEX: Role.MEMBER},
            )
        )

    await house.store.run(furnish)
    yield house
    await house.close()


async def asked_inside(house: House) -> Conversation:
    event = house.message(SUE, "add seats", mention=True, room=STAFF_ROOM)
    await house.intake.receive(event)
    await house.settle()
    found = await house.store.run(lambda tx: tx.conversations.of_thread(event.thread))
    assert found is not None
    return found


def a_choice(house: House, conversation: Conversation, account: str, press: str) -> ButtonPressed:
    thread_id = str(conversation.destination).rpartition("#")[2]
    return ButtonPressed(
        press_id=press,
        card=MessageRef(room=conversation.room, message_id="picker"),
        thread=house.message(SUE, "").thread,
        by=SUE,
        action=presses.CHOOSE_ACCOUNT,
        value=f"{conversation.id}|{account}",
        pressed_at=house.clock.now(),
        reply_to=ReplyAddress(room=conversation.room, thread_id=thread_id),
    )


async def conversation_of(house: House, thread: ThreadRef) -> Conversation | None:
    return await house.store.run(lambda tx: tx.conversations.of_thread(thread))


async def now(house: House, conversation: Conversation) -> Conversation:
    found = await house.store.run(lambda tx: tx.conversations.get(conversation.id))
    assert found is not None
    return found


async def test_an_old_choice_that_is_delivered_again_does_not_turn_the_subject_back(
    house: House,
) -> None:
    conversation = await asked_inside(house)
    first = a_choice(house, conversation, "northwind", "press-a")
    await house.intake.receive(first)
    await house.intake.receive(a_choice(house, conversation, "globex", "press-b"))
    await house.intake.receive(first)
    assert (await now(house, conversation)).subject == "globex"


@pytest.mark.parametrize("disclosed", [True, False])
async def test_a_card_that_said_it_is_an_ai_says_so_also_as_it_is_pressed(
    house: House, disclosed: bool
) -> None:
    conversation = await asked_inside(house)
    press = a_choice(house, conversation, "globex", "press-a")
    message = replace(notice("Which account is meant?"), discloses_ai=disclosed)
    row = an_outgoing_row(
        destination=conversation.destination,
        message=message,
        status=OutgoingStatus.SENT,
        posted=press.card,
    )
    assert await house.store.run(lambda tx: tx.outgoing.add(row))
    answer = await house.intake.receive(press)
    assert answer.card is not None and answer.card.discloses_ai is disclosed


async def test_a_choice_in_a_resolved_conversation_opens_it_again(house: House) -> None:
    conversation = await asked_inside(house)
    resolved = conversation.moved(ConversationStatus.RESOLVED)
    await house.store.run(lambda tx: tx.conversations.save(resolved, expected_epoch=1))
    await house.intake.receive(a_choice(house, conversation, "globex", "press-a"))
    after = await now(house, conversation)
    assert after.status is ConversationStatus.WITH_AGENT and after.subject == "globex"


async def test_a_choice_while_people_have_it_says_so(house: House) -> None:
    conversation = await asked_inside(house)
    waiting = conversation.moved(ConversationStatus.WAITING_FOR_SUPPORT)
    await house.store.run(lambda tx: tx.conversations.save(waiting, expected_epoch=1))
    house.woken.clear()
    answer = await house.intake.receive(a_choice(house, conversation, "globex", "press-a"))
    assert "support team has this" in answer.notice
    assert house.woken == [] and (await now(house, conversation)).subject is None


async def test_no_account_is_chosen_where_strangers_read(house: House) -> None:
    conversation = await asked_inside(house)

    def share(tx: UnitOfWork) -> None:
        binding = tx.rooms.get(STAFF_ROOM)
        assert binding is not None
        tx.rooms.put(replace(binding, audience=Audience.SHARED))

    await house.store.run(share)
    answer: Answer = await house.intake.receive(a_choice(house, conversation, "globex", "press-a"))
    assert "Others can read this channel" in answer.notice
    assert (await now(house, conversation)).subject is None


async def test_a_choice_by_a_customer_of_another_account_is_refused(house: House) -> None:
    conversation = await asked_inside(house)
    forged = replace(a_choice(house, conversation, "northwind", "press-a"), by=OWNER)
    answer = await house.intake.receive(forged)
    assert "no role in this account" in answer.notice


async def test_staff_with_one_role_are_not_tied_to_its_account_in_a_direct_chat(
    house: House,
) -> None:
    for who, account in ((SUE, None), (MEMBER, GLOBEX)):
        room = replace(DIRECT, room_id=f"D0{who.name}")
        event = house.message(who, "hello", room=room, direct=True)
        await house.intake.receive(event)
        found = await conversation_of(house, event.thread)
        assert found is not None and found.account_id == account


async def test_a_card_of_the_account_meant_before_is_cancelled(house: House) -> None:
    thread = await house.says(MEMBER, "add 5", mention=True)
    await propose(house, thread)
    assert await status(house) is ProposalStatus.AWAITING_CONFIRMATION
    conversation = await house.conversation(thread)
    forged = replace(a_choice(house, conversation, "northwind", "p"), card=MessageRef(
        room=CUSTOMER_ROOM, message_id="picker"
    ))  # fmt: skip
    answer = await house.intake.receive(forged)  # a linked room has its account
    assert "too old" in answer.notice
    assert await status(house) is ProposalStatus.AWAITING_CONFIRMATION


async def test_a_message_of_files_alone_is_taken_and_an_edit_keeps_them(house: House) -> None:
    file = FileRef(file_id="F1", name="shot.png", media_type="image/png")
    event = replace(house.message(OWNER, "", mention=True), files=(file,))
    await house.intake.receive(event)
    await house.settle()
    assert len(house.woken) == 1

    async def edit(text: str) -> str:
        await house.intake.receive(
            MessageEdited(
                message=event.message,
                thread=event.thread,
                author=OWNER,
                text=text,
                edited_at=house.clock.now(),
            )
        )
        entry = await house.store.run(lambda tx: tx.transcript.of_message(event.message))
        assert entry is not None
        return entry.text

    assert "shot.png" in await edit("see the picture")
    assert (await edit("see this picture")).startswith("see this picture\n")


async def test_an_unfurled_link_is_no_edit(house: House) -> None:
    file = FileRef(file_id="F1", name="shot.png", media_type="image/png")
    event = replace(house.message(OWNER, "look", mention=True), files=(file,))
    await house.intake.receive(event)
    conversation = await house.conversation(event.thread.thread_id)
    await house.presses(
        OWNER, presses.ASK_SUPPORT, conversation.id, CUSTOMER_ROOM, event.thread.thread_id
    )
    posts = len(house.slack.posts)
    await house.intake.receive(
        MessageEdited(
            message=event.message,
            thread=event.thread,
            author=OWNER,
            text="look",
            edited_at=house.clock.now(),
        )
    )
    await house.settle()
    assert len(house.slack.posts) == posts


async def test_a_support_person_is_nobody_to_an_account_for_that(house: House) -> None:
    thread = await house.says(MEMBER, "cancel it", mention=True)
    await propose(house, thread)
    answer = await house.presses(ADA, presses.CONFIRM, "pro_1", CUSTOMER_ROOM, thread)
    assert "Only Mia" in answer.notice
