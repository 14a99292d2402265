"""What a shared room's readers may not have, over the wire: shown to the requester alone."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent_core.conversation import Audience, RoomBinding, RoomMode
from agent_core.messages import Platform, PlatformIdentity, RoomRef
from agent_core.people import AccountId, Person, PersonId, Role
from agent_core.ports import UnitOfWork
from playground import people
from tests.scenarios.test_wire import GLOBEX, MEMBER, OWNER
from tests.scenarios.test_wire_teams import GROUP, SAM, says
from tests.scenarios.wire import Thread, Wire, wired

BILLING = "felix@globex.example"
NEW = "rosa@globex.example"


@pytest.fixture
async def wire(tmp_path: Path) -> AsyncIterator[Wire]:
    async with wired(tmp_path) as wire:
        yield wire


def in_channel(wire: Wire, room: str) -> str:
    """All that was posted there: text, blocks and metadata, edits included."""
    return json.dumps(list(wire.slack.state.channels[room].messages.values()), default=str)


def by_the_bot(thread: Thread) -> str:
    bot = people.SLACK_BOT_USER_ID
    ours = [m for m in thread.messages() if m.get("user") == bot or m.get("bot_id")]
    return json.dumps(ours, ensure_ascii=False, default=str)


def readers(wire: Wire, words: str) -> set[str]:
    """Who has seen these words in private."""
    found = wire.slack.state.ephemerals
    return {one.user_id for one in found if words in json.dumps(one.message, ensure_ascii=False)}


async def test_the_billing_address_is_shown_to_the_requester_alone(wire: Wire) -> None:
    thread = wire.slack_thread(OWNER, GLOBEX, "what plan are we on?")
    await thread.until_private(OWNER, BILLING)
    said = await thread.until_says("Business")
    await wire.settled()
    assert "shown to you alone" in said
    assert BILLING not in in_channel(wire, GLOBEX)
    assert readers(wire, BILLING) == {OWNER}
    own = next(e.message for e in wire.slack.state.ephemerals if BILLING in str(e.message))
    assert own.get("thread_ts") == thread.ts and "Only visible to you" in str(own)


async def test_who_lacks_the_role_gets_it_nowhere_and_is_told_so(wire: Wire) -> None:
    thread = wire.slack_thread(MEMBER, GLOBEX, "what plan are we on?")
    assert "not shown to your role" in await thread.until_says("Business")
    await wire.settled()
    assert not wire.slack.state.ephemerals  # a card that only says so would say it twice
    assert BILLING not in in_channel(wire, GLOBEX)
    assert readers(wire, BILLING) == set()


async def test_the_members_are_listed_without_their_addresses(wire: Wire) -> None:
    thread = wire.slack_thread(OWNER, GLOBEX, "who has a seat?")
    await thread.until_says("Yuki Tanaka")
    await thread.until_private(OWNER, "yuki@globex.example")
    await wire.settled()
    assert "@globex.example" not in by_the_bot(thread)
    assert readers(wire, "@globex.example") == {OWNER}


async def test_a_card_covers_addresses_and_its_requester_gets_them_beside_it(wire: Wire) -> None:
    words = f"change the billing contact to Rosa Jimenez, {NEW}"
    thread = wire.slack_thread(OWNER, GLOBEX, words)
    card = await thread.card("proposal.confirm")
    assert "f•••@globex.example → r•••@globex.example" in str(card)
    await thread.until_private(OWNER, f"{BILLING} → {NEW}")
    assert BILLING not in by_the_bot(thread) and NEW not in by_the_bot(thread)
    await thread.click(OWNER, card, "proposal.confirm")
    receipt = await thread.until_says("Done")
    await wire.settled()
    assert "r•••@globex.example" in receipt
    assert BILLING not in in_channel(wire, GLOBEX) and NEW not in by_the_bot(thread)
    assert readers(wire, BILLING) == {OWNER}
    state = await wire.service.accounts.state(AccountId("globex"), datetime.now(UTC))
    assert state.account.billing_email == NEW  # what ran is the exact value


async def test_earlier_requests_are_told_without_addresses(wire: Wire) -> None:
    words = f"change the billing contact to Rosa Jimenez, {NEW}"
    thread = wire.slack_thread(OWNER, GLOBEX, words)
    await thread.click(OWNER, await thread.card("proposal.confirm"), "proposal.confirm")
    await thread.until_says("Done")
    await wire.settled()
    later = wire.slack_thread(MEMBER, GLOBEX, "did my request go through?")
    await later.until_says("Changed the billing contact")
    await wire.settled()
    assert "@globex.example" not in by_the_bot(later).replace("•••@globex.example", "")


async def test_who_approves_in_the_room_reads_what_they_approve(wire: Wire) -> None:
    words = f"change the billing contact to Rosa Jimenez, {NEW}"
    thread = wire.slack_thread(MEMBER, GLOBEX, words)
    card = await thread.card("proposal.ask_owner")
    await thread.click(MEMBER, card, "proposal.ask_owner")
    approval = await thread.card("proposal.approve")
    assert NEW not in str(approval) and "r•••@globex.example" in str(approval)
    await thread.until_private(OWNER, NEW)
    await wire.settled()
    assert MEMBER not in readers(wire, NEW) and BILLING not in in_channel(wire, GLOBEX)
    assert readers(wire, BILLING) == set()
    await thread.click(OWNER, approval, "proposal.approve")
    await thread.until_says("Done")
    await wire.settled()
    assert NEW not in by_the_bot(thread)


# --- Teams ----------------------------------------------------------------------------------------


async def shared_group(wire: Wire) -> None:
    """The group chat is shared with Globex, and Sam is known there as its owner."""
    sam = PlatformIdentity(
        platform=Platform.TEAMS,
        tenant_id=people.TEAMS_TENANT_ID,
        user_id=people.TEAMS_COLLEAGUE.object_id,
    )

    def put(tx: UnitOfWork) -> None:
        known = tx.people.find(sam)
        person = known or Person(id=PersonId("per_sam"), name="Sam Okafor", identities=(sam,))
        tx.people.put(
            Person(
                id=person.id,
                name=person.name,
                roles={AccountId("globex"): Role.OWNER},
                identities=person.identities,
            )
        )
        tx.rooms.put(
            RoomBinding(
                room=RoomRef(
                    platform=Platform.TEAMS, tenant_id=people.TEAMS_TENANT_ID, room_id=GROUP
                ),
                audience=Audience.SHARED,
                account_id=AccountId("globex"),
                mode=RoomMode.MENTION,
                name="Renewals",
            )
        )

    await wire.service.store.run(put)


def texts_of(wire: Wire, room: str) -> str:
    found = [m for m in wire.teams.state.messages.values() if m.room_id == room]
    return json.dumps([m.activity for m in found], ensure_ascii=False, default=str)


async def test_in_teams_it_goes_to_the_personal_chat(wire: Wire) -> None:
    await shared_group(wire)
    wire.teams.post(SAM, GROUP, "what plan are we on?", mention=True)
    await says(wire, GROUP, "Business")
    await wire.settled()
    assert BILLING not in texts_of(wire, GROUP)
    rooms = {m.room_id for m in wire.teams.state.messages.values() if BILLING in str(m.activity)}
    assert len(rooms) == 1
    [chat] = [wire.teams.state.rooms[room] for room in rooms]
    assert list(chat.member_ids) == [SAM]
