"""The main job in Teams, and across: staff who act, and a support channel in Teams."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bots.demo.options import Support
from playground import people
from playground.teams_api.state import Message
from tests.scenarios.test_wire import GLOBEX, MEMBER, charges, seats
from tests.scenarios.wire import Wire, wired

SAM = people.TEAMS_COLLEAGUE.teams_id
RITA = people.TEAMS_SUPPORT.teams_id
LENA = people.TEAMS_LEAD.teams_id
GROUP = people.TEAMS_GROUP.conversation_id
CHANNEL = people.TEAMS_SUPPORT_CHANNEL.conversation_id


@pytest.fixture
async def wire(tmp_path: Path) -> AsyncIterator[Wire]:
    async with wired(tmp_path) as wire:
        yield wire


@pytest.fixture
async def teams_support(tmp_path: Path) -> AsyncIterator[Wire]:
    async with wired(tmp_path, support=Support.TEAMS) as wire:
        yield wire


def posts(wire: Wire, room: str) -> list[Message]:
    """The agent's messages in a Teams room, oldest first."""
    return [
        message
        for message in wire.teams.state.messages.values()
        if message.room_id == room and message.author_id == wire.teams.state.bot_id
    ]


async def says(wire: Wire, room: str, words: str) -> Message:
    def said() -> Message | None:
        found = (m for m in reversed(posts(wire, room)) if words in str(m.activity))
        return next(found, None)

    try:
        message: Message = await wire.until(said)
    except TimeoutError:
        spoken = "\n".join(str(m.activity)[:600] for m in posts(wire, room))
        raise AssertionError(f"nobody said {words!r}; said was:\n{spoken}") from None
    return message


async def test_a_colleague_acts_on_a_named_account(wire: Wire) -> None:
    before = await seats(wire, "initech")
    room = wire.teams.open_chat(SAM).id
    wire.teams.post(SAM, room, "add 2 seats for Initech")
    card = await says(wire, room, "proposal.confirm")
    assert "Initech" in str(card.activity)
    await wire.teams.click(SAM, card.id, "Confirm")
    await says(wire, room, "Done")
    assert await seats(wire, "initech") == (before[0] + 2, before[1] + 1)
    assert charges(wire) == 1


async def test_without_a_named_account_the_colleague_is_asked(wire: Wire) -> None:
    room = wire.teams.open_chat(SAM).id
    wire.teams.post(SAM, room, "how many seats are in use?")
    await says(wire, room, "account")
    wire.teams.post(SAM, room, "Globex")
    await says(wire, room, "20")


async def test_an_agents_words_bear_the_ai_label(wire: Wire) -> None:
    room = wire.teams.open_chat(SAM).id
    wire.teams.post(SAM, room, "which plans are there?")
    said = await says(wire, room, "Starter")
    assert "AIGeneratedContent" in str(said.activity)


async def test_a_customer_in_slack_is_helped_from_a_support_channel_in_teams(
    teams_support: Wire,
) -> None:
    wire = teams_support
    thread = wire.slack_thread(MEMBER, GLOBEX, "I want to talk to someone")
    await thread.until_says("Case 1")
    first = await says(wire, CHANNEL, "Claim")
    assert "Paul Jensen" in str(first.activity)
    await says(wire, CHANNEL, "Suggested next step")
    await wire.teams.click(RITA, first.id, "Claim")
    await thread.until_says("Rita Vance")
    opened = await wire.teams.click(RITA, first.id, "Reply")
    assert opened.dialog_id is not None, opened
    await wire.teams.submit_dialog(RITA, opened.dialog_id, "Send", {"text": "Hello from Teams"})
    said = await thread.until_says("Hello from Teams")
    assert "Rita Vance, support team" in said
    thread.say(MEMBER, "thank you, one more thing")
    relayed = await says(wire, CHANNEL, "one more thing")
    assert relayed.thread_id == first.thread_id
    await wire.teams.click(RITA, first.id, "Hand back")
    await thread.until_says("handed this back to the AI agent")


async def test_a_refund_is_approved_in_teams_once(teams_support: Wire) -> None:
    wire = teams_support
    owner = people.GLOBEX_OWNER.user_id
    thread = wire.slack_thread(owner, GLOBEX, "refund 480 dollars of invoice INV-1041")
    await thread.click(owner, await thread.card("proposal.confirm"), "proposal.confirm")
    card = await says(wire, CHANNEL, "Approval needed")
    refused = await wire.teams.click(RITA, card.id, "Approve")
    assert "needs a yes" in str(refused.text)
    await asyncio.gather(*(wire.teams.click(LENA, card.id, "Approve") for _ in range(5)))
    await thread.until_says("Done")
    assert charges(wire, "refund") == 1
