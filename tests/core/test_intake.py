"""What deliveries decide: taken once, by the right person, in words or by a button."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from agent_core import cards, presses
from agent_core.blocks import Note
from agent_core.conversation import Audience, ConversationStatus, RoomMode
from agent_core.directory import is_ours
from agent_core.intake import UnboundRooms
from agent_core.messages import (
    FileRef,
    MessageDeleted,
    MessageEdited,
    OutgoingId,
    Platform,
    RoomChange,
    RoomChanged,
)
from agent_core.outgoing import OutgoingRow
from agent_core.people import Capability, Person, PersonId, Requester, Role
from agent_core.policy import ApprovalNeed
from agent_core.proposals import Proposal, ProposalId, ProposalStatus
from tests.builders import a_proposal
from tests.fakes.house import (
    ADA,
    BEN,
    COLLEAGUE,
    CUSTOMER_ROOM,
    GLOBEX,
    MEMBER,
    OWNER,
    STRANGER,
    SUPPORT_ROOM,
    House,
    someone,
)


@pytest.fixture
async def house() -> AsyncIterator[House]:
    house = await House().open()
    yield house
    await house.close()


async def propose(house: House, thread: str, **changes: object) -> Proposal:
    """A proposal of the member with its card, as the turn leaves it."""
    conversation = await house.conversation(thread)
    now = house.clock.now()
    card = OutgoingId(f"card:{changes.get('id', 'pro_1')}")
    proposal = a_proposal(
        str(changes.pop("id", "pro_1")),
        **{
            "conversation_id": conversation.id,
            "account_id": GLOBEX,
            "requester": MEMBER.identity,
            "requester_key": "person-mia",
            "requester_name": "Mia",
            "proposed_at": now,
            "expires_at": now + timedelta(hours=1),
            "card": card,
            **changes,
        },
    )
    row = OutgoingRow(
        id=card,
        destination=conversation.destination,
        message=cards.proposal_card(proposal, "Globex"),
        created_at=now,
        conversation_id=conversation.id,
    )

    def write(tx):
        tx.proposals.add(proposal)
        house.delivery.queue(tx, row)

    await house.store.run(write)
    await house.settle()
    house.woken.clear()
    return proposal


async def status(house: House, proposal_id: str = "pro_1") -> ProposalStatus:
    found = await house.store.run(lambda tx: tx.proposals.get(ProposalId(proposal_id)))
    assert found is not None
    return found.status


# --- taken once -------------------------------------------------------------------------------


# Complaint: slow acknowledgement, retries, double answers.
async def test_ten_deliveries_of_one_message_are_one_message(house: House) -> None:
    event = house.message(OWNER, "hello", mention=True)
    await asyncio.gather(*(house.intake.receive(event) for _ in range(10)))
    await house.settle()
    conversation = await house.conversation(event.thread.thread_id)
    entries = await house.store.run(lambda tx: tx.transcript.last(conversation.id, 50))
    assert [entry.text for entry in entries] == ["hello"]
    assert len(house.woken) == 1


# Complaint: first-wins deduplication loses about half of the mentions.
async def test_a_twin_without_the_mention_takes_no_key(house: House) -> None:
    event = house.message(OWNER, "hello", mention=True)
    await house.intake.receive(replace(event, mentions_agent=False))
    await house.intake.receive(event)
    await house.settle()
    assert len(house.woken) == 1


@pytest.mark.parametrize("by", [OWNER, STRANGER])
async def test_talk_that_is_not_for_the_agent_leaves_nothing(house: House, by: object) -> None:
    await house.says(by, "see you at lunch")  # type: ignore[arg-type]
    assert house.woken == [] and house.slack.posts == []


async def test_a_thread_that_the_agent_is_part_of_needs_no_second_mention(house: House) -> None:
    thread = await house.says(OWNER, "add seats", mention=True)
    await house.says(OWNER, "three please", thread=thread)
    await house.says(OWNER, "@mia what do you think?", thread=thread)
    assert len(house.woken) == 2


async def test_a_silent_room_still_reaches_people(house: House) -> None:
    def silence(tx):
        tx.rooms.put(replace(tx.rooms.get(CUSTOMER_ROOM), mode=RoomMode.SILENT))

    await house.store.run(silence)
    thread = await house.says(OWNER, "anybody there?", mention=True)
    assert house.woken == []
    assert (await house.conversation(thread)).status is ConversationStatus.WAITING_FOR_SUPPORT


# --- a yes ------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", ["yes", "Yes!", "ok", "go ahead"])
async def test_a_bare_yes_of_the_requester_confirms(house: House, words: str) -> None:
    thread = await house.says(MEMBER, "add 5", mention=True)
    await propose(house, thread)
    await house.says(MEMBER, words, thread=thread)
    assert await status(house) is ProposalStatus.DECIDED
    assert len(house.woken) == 1
    assert "running" in house.slack.posts[-1].message.fallback


@pytest.mark.parametrize("words", ["yes, but 3", "yes?", "yes and cancel the rest", "👍"])
async def test_more_than_a_bare_yes_is_a_new_request(house: House, words: str) -> None:
    thread = await house.says(MEMBER, "add 5", mention=True)
    await propose(house, thread)
    await house.says(MEMBER, words, thread=thread)
    assert await status(house) is ProposalStatus.AWAITING_CONFIRMATION
    assert len(house.woken) == 1


# Complaint: unauthorised people click.
async def test_another_persons_yes_does_not_count_and_is_answered(house: House) -> None:
    thread = await house.says(MEMBER, "add 5", mention=True)
    await propose(house, thread)
    await house.says(OWNER, "yes", thread=thread)
    assert await status(house) is ProposalStatus.AWAITING_CONFIRMATION
    assert "Only Mia can say yes" in house.slack.texts(thread)[-1]
    answer = await house.presses(OWNER, presses.CONFIRM, "pro_1", CUSTOMER_ROOM, thread)
    assert "Only Mia" in answer.notice
    assert await status(house) is ProposalStatus.AWAITING_CONFIRMATION


async def test_a_yes_with_two_open_proposals_decides_neither(house: House) -> None:
    thread = await house.says(MEMBER, "add 5", mention=True)
    await propose(house, thread)
    await propose(house, thread, id="pro_2", arguments={"seats": 6}, title="Add 6 seats")
    await house.says(MEMBER, "yes", thread=thread)
    assert await status(house, "pro_1") is ProposalStatus.AWAITING_CONFIRMATION
    assert await status(house, "pro_2") is ProposalStatus.AWAITING_CONFIRMATION
    assert "use the buttons" in house.slack.texts(thread)[-1]


async def test_of_fifty_presses_one_decides(house: House) -> None:
    thread = await house.says(MEMBER, "add 5", mention=True)
    await propose(house, thread)
    answers = await asyncio.gather(
        *(house.presses(MEMBER, presses.CONFIRM, "pro_1", CUSTOMER_ROOM, thread) for _ in range(50))
    )
    assert sum(answer.card is not None for answer in answers) == 1
    assert all(answer.notice for answer in answers if answer.card is None)
    assert len(house.woken) == 1


async def test_a_card_pressed_in_another_room_decides_nothing(house: House) -> None:
    thread = await house.says(MEMBER, "add 5", mention=True)
    await propose(house, thread)
    elsewhere = replace(CUSTOMER_ROOM, room_id="C0NORTH")
    answer = await house.presses(MEMBER, presses.CONFIRM, "pro_1", elsewhere, thread)
    assert "too old" in answer.notice
    assert await status(house) is ProposalStatus.AWAITING_CONFIRMATION


async def test_nobody_answers_in_time(house: House) -> None:
    thread = await house.says(MEMBER, "add 5", mention=True)
    await propose(house, thread)
    house.clock.advance(timedelta(hours=2))
    late = await house.presses(MEMBER, presses.CONFIRM, "pro_1", CUSTOMER_ROOM, thread)
    assert "expired" in late.notice
    await house.deadlines.expire("pro_1")
    await house.settle()
    assert await status(house) is ProposalStatus.EXPIRED
    assert any("has expired" in text for text in house.slack.texts(thread))


async def test_a_claim_ends_open_confirmations(house: House) -> None:
    thread = await house.says(MEMBER, "add 5", mention=True)
    proposal = await propose(house, thread)
    conversation = await house.conversation(thread)
    await house.presses(MEMBER, presses.ASK_SUPPORT, conversation.id, CUSTOMER_ROOM, thread)
    case = await house.store.run(lambda tx: tx.escalations.open_in(conversation.id))
    assert case is not None
    await house.presses(ADA, presses.CLAIM, case.id)
    assert await status(house) is ProposalStatus.CANCELLED
    late = await house.presses(MEMBER, presses.CONFIRM, proposal.id, CUSTOMER_ROOM, thread)
    assert "cancelled" in late.notice


# --- somebody else's yes ----------------------------------------------------------------------


OWNERS = ApprovalNeed(roles=frozenset({Role.OWNER}))
APPROVERS = ApprovalNeed(capabilities=frozenset({Capability.APPROVER}))


async def test_the_owners_yes_in_the_thread_is_the_approval(house: House) -> None:
    thread = await house.says(MEMBER, "cancel it", mention=True)
    await propose(house, thread, approval=OWNERS)
    await house.presses(MEMBER, presses.ASK_OWNER, "pro_1", CUSTOMER_ROOM, thread)
    assert await status(house) is ProposalStatus.AWAITING_APPROVAL
    assert any("Olga" in text and "please decide" in text for text in house.slack.texts(thread))
    await house.says(MEMBER, "yes", thread=thread)
    assert await status(house) is ProposalStatus.AWAITING_APPROVAL
    await house.says(OWNER, "yes", thread=thread)
    assert await status(house) is ProposalStatus.DECIDED


async def test_above_the_limit_an_approver_of_support_decides(house: House) -> None:
    thread = await house.says(MEMBER, "refund it", mention=True)
    await propose(house, thread, approval=APPROVERS, arguments={"amount_minor": 48_000})
    await house.presses(MEMBER, presses.CONFIRM, "pro_1", CUSTOMER_ROOM, thread)
    asked = next(p for p in house.slack.posts if "Approval needed" in p.message.fallback)
    assert "$480.00" in asked.message.fallback  # the very arguments that run
    for nobody in (BEN, OWNER, MEMBER):
        answer = await house.presses(nobody, presses.APPROVE, "pro_1")
        assert answer.notice and answer.card is None
    assert await status(house) is ProposalStatus.AWAITING_APPROVAL
    await house.presses(ADA, presses.APPROVE, "pro_1")
    assert await status(house) is ProposalStatus.DECIDED
    redrawn = next(p for p in house.slack.posts if p.outgoing_id == asked.outgoing_id)
    assert "Approved by Ada" in redrawn.message.fallback
    again = await house.presses(ADA, presses.DECLINE, "pro_1")
    assert "decided already" in again.notice


async def test_nobody_approves_their_own_request(house: House) -> None:
    thread = await house.says(OWNER, "refund it", mention=True)
    await propose(
        house,
        thread,
        approval=OWNERS,
        requester=OWNER.identity,
        requester_key="person-olga",
        requester_name="Olga",
        status=ProposalStatus.AWAITING_APPROVAL,
    )
    answer = await house.presses(OWNER, presses.APPROVE, "pro_1", CUSTOMER_ROOM, thread)
    assert "their own request" in answer.notice


async def test_a_second_account_of_an_approver_is_not_approved_by_them(house: House) -> None:
    sock = someone("sock", "T0EVIL")
    await house.store.run(
        lambda tx: tx.people.put(
            Person(
                id=PersonId("person-sock"),
                name="Sock",
                identities=(sock.identity,),
                roles={GLOBEX: Role.MEMBER},
            )
        )
    )
    thread = await house.says(MEMBER, "refund it", mention=True)
    await propose(
        house,
        thread,
        approval=APPROVERS,
        requester=sock.identity,
        requester_key="person-sock",
        requester_name="Sock",
        status=ProposalStatus.AWAITING_APPROVAL,
    )
    answer = await house.presses(ADA, presses.APPROVE, "pro_1")
    assert "cannot tell that you are somebody else" in answer.notice
    assert await status(house) is ProposalStatus.AWAITING_APPROVAL


async def test_an_approval_that_nobody_gives_becomes_a_case(house: House) -> None:
    thread = await house.says(MEMBER, "refund it", mention=True)
    await propose(house, thread, approval=APPROVERS)
    await house.presses(MEMBER, presses.CONFIRM, "pro_1", CUSTOMER_ROOM, thread)
    house.clock.advance(timedelta(hours=30))
    await house.deadlines.expire("pro_1")
    await house.settle()
    assert (await house.conversation(thread)).status is ConversationStatus.WAITING_FOR_SUPPORT


async def test_an_owner_gives_access_and_nobody_else_can(house: House) -> None:
    newcomer = someone("nina")
    thread = await house.says(newcomer, "what is our plan?", mention=True)
    conversation = await house.conversation(thread)
    await house.presses(newcomer, presses.ASK_ACCESS, conversation.id, CUSTOMER_ROOM, thread)
    assert any("asks for access" in text for text in house.slack.texts(thread))
    asked = next(p.message for p in house.slack.posts if "asks for access" in p.message.fallback)
    notes = [one.text for one in asked.blocks if isinstance(one, Note)]
    assert any(text.startswith(f"{newcomer.name} writes as ") for text in notes)
    value = f"{conversation.id}|{newcomer.identity}"
    for nobody in (newcomer, MEMBER, ADA):
        refused = await house.presses(nobody, presses.GIVE_ACCESS, value, CUSTOMER_ROOM, thread)
        assert "Only an owner" in refused.notice
    await house.presses(OWNER, presses.GIVE_ACCESS, value, CUSTOMER_ROOM, thread)
    known = await house.store.run(lambda tx: tx.people.find(newcomer.identity))
    assert known is not None and known.roles == {GLOBEX: Role.MEMBER}


# --- edits, deletions, rooms ------------------------------------------------------------------


# Complaint: one mention gave about 50 replies, through `message_changed`.
async def test_an_edit_changes_the_words_and_wakes_nobody(house: House) -> None:
    event = house.message(OWNER, "add 5", mention=True)
    await house.intake.receive(event)
    await house.settle()
    house.woken.clear()
    for _ in range(50):
        await house.intake.receive(
            MessageEdited(
                message=event.message,
                thread=event.thread,
                author=OWNER,
                text="add 3",
                edited_at=house.clock.now(),
            )
        )
    await house.settle()
    assert house.woken == []
    entry = await house.store.run(lambda tx: tx.transcript.of_message(event.message))
    assert entry is not None and entry.text == "add 3"


async def test_an_edit_that_adds_a_mention_is_a_request_once(house: House) -> None:
    plain = house.message(OWNER, "add 5")
    await house.intake.receive(plain)  # for nobody of ours
    await house.settle()
    assert house.woken == []
    request = replace(plain, text="add 5", mentions_agent=True)
    for number in range(50):
        await house.intake.receive(
            MessageEdited(
                message=plain.message,
                thread=plain.thread,
                author=OWNER,
                text=f"add {number}",
                edited_at=house.clock.now(),
                request=replace(request, text=f"add {number}"),
            )
        )
    await house.settle()
    assert len(house.woken) == 1
    entry = await house.store.run(lambda tx: tx.transcript.of_message(plain.message))
    assert entry is not None and entry.text == "add 49"


async def test_words_below_an_approval_card_decide_nothing_and_are_told_so(house: House) -> None:
    thread = await house.says(MEMBER, "refund it", mention=True)
    await propose(house, thread, approval=APPROVERS)
    await house.presses(MEMBER, presses.CONFIRM, "pro_1", CUSTOMER_ROOM, thread)
    await house.settle()
    card = next(p for p in house.slack.posts if p.outgoing_id == "desk-approval:pro_1")
    below = card.posted.message.message_id
    before = len(house.slack.posts)
    await house.says(ADA, "is this the one from Tuesday?", room=SUPPORT_ROOM, thread=below)
    assert len(house.slack.posts) == before  # talk stays talk
    await house.says(ADA, "approve", room=SUPPORT_ROOM, thread=below)
    assert await status(house) is ProposalStatus.AWAITING_APPROVAL
    hint = house.slack.posts[-1].message
    assert "press Approve or Decline" in hint.fallback and hint.private_to == ADA.identity


# Complaint: the question is deleted before the answer.
async def test_a_deleted_message_that_no_turn_has_begun_is_not_begun(house: House) -> None:
    event = house.message(OWNER, "add 5", mention=True)
    await house.intake.receive(event)
    await house.intake.receive(
        MessageDeleted(message=event.message, thread=event.thread, deleted_at=house.clock.now())
    )
    conversation = await house.conversation(event.thread.thread_id)
    assert list(await house.store.run(lambda tx: tx.inbox.new_rows(conversation.id))) == []


# Complaint: a live thread changed tenant when its channel was re-pointed.
async def test_a_conversation_keeps_its_account_when_its_room_is_unshared(house: House) -> None:
    thread = await house.says(OWNER, "hello", mention=True)
    await house.intake.receive(
        RoomChanged(event_id="E1", room=CUSTOMER_ROOM, change=RoomChange.UNSHARED)
    )
    assert await house.store.run(lambda tx: tx.rooms.get(CUSTOMER_ROOM)) is None
    assert (await house.conversation(thread)).account_id == GLOBEX


async def test_a_card_number_is_never_stored_nor_mirrored(house: House) -> None:
    thread = await house.says(OWNER, "my card is 4242 4242 4242 4242", mention=True)
    conversation = await house.conversation(thread)
    entries = await house.store.run(lambda tx: tx.transcript.last(conversation.id, 5))
    assert entries[0].text == "my card is [card number removed, ends in 4242]"
    await house.presses(OWNER, presses.ASK_SUPPORT, conversation.id, CUSTOMER_ROOM, thread)
    assert not any("4242 4242" in text for text in house.slack.texts())


async def test_a_card_number_in_an_edit_that_adds_a_mention_is_not_stored(house: House) -> None:
    said = "my card is 4242 4242 4242 4242"
    plain = house.message(OWNER, said)
    edited = MessageEdited(
        message=plain.message,
        thread=plain.thread,
        author=OWNER,
        text=said,
        edited_at=house.clock.now(),
        request=replace(plain, mentions_agent=True),
    )
    await house.intake.receive(edited)
    entry = await house.store.run(lambda tx: tx.transcript.of_message(plain.message))
    assert entry is not None and entry.text == "my card is [card number removed, ends in 4242]"


async def test_a_card_number_in_the_name_of_a_file_is_not_stored(house: House) -> None:
    file = FileRef(file_id="F1", name="card 4242 4242 4242 4242.png", media_type="image/png")
    event = replace(house.message(OWNER, "see here", mention=True), files=(file,))
    await house.intake.receive(event)
    entry = await house.store.run(lambda tx: tx.transcript.of_message(event.message))
    assert entry is not None and "[attached file: card" in entry.text
    assert "4242 4242" not in entry.text


@pytest.mark.parametrize(
    ("homes", "ours"), [(None, True), (frozenset({"T0ACME"}), True), (frozenset({"T0HQ"}), False)]
)
def test_who_is_one_of_us_goes_by_the_configured_tenants(
    homes: frozenset[str] | None, ours: bool
) -> None:
    binding = UnboundRooms(audiences={Platform.SLACK: Audience.SHARED}).binding(
        CUSTOMER_ROOM, direct=False
    )
    who = Requester(identity=COLLEAGUE.identity, name="Carl", person=None)
    assert is_ours(who, COLLEAGUE, CUSTOMER_ROOM, binding, homes) is ours
