"""The main job over the wire: signed requests in, real API calls out, durable state between."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agent_core.people import AccountId
from playground import people
from tests.scenarios.wire import Thread, Wire, wired

GLOBEX = people.GLOBEX_ROOM.channel_id
SUPPORT = people.SUPPORT_ROOM.channel_id
OWNER = people.GLOBEX_OWNER.user_id
MEMBER = people.GLOBEX_MEMBER.user_id
COLLEAGUE = people.COLLEAGUE.user_id
RITA = people.SUPPORT_RITA.user_id
TOMAS = people.SUPPORT_TOMAS.user_id
LEAD = people.LEAD.user_id


@pytest.fixture
async def wire(tmp_path: Path) -> AsyncIterator[Wire]:
    async with wired(tmp_path) as wire:
        yield wire


async def seats(wire: Wire, account: str = "globex") -> tuple[int, int]:
    """Seats and version of an account, from its own database."""
    from datetime import UTC, datetime

    state = await wire.service.accounts.state(AccountId(account), datetime.now(UTC))
    return state.account.seats, state.account.version


def charges(wire: Wire, kind: str = "charge") -> int:
    """Effects at the payment service, without the sample's own."""
    found = wire.payments.book.find(kind)  # type: ignore[arg-type]
    return sum(not effect["idempotency_key"].startswith("seed:") for effect in found)


async def test_a_customer_adds_seats_and_one_thing_happens(wire: Wire) -> None:
    before = await seats(wire)
    thread = wire.slack_thread(OWNER, GLOBEX, "add 2 seats please")
    card = await thread.card("proposal.confirm")
    assert "Seats:* 20 → 22" in str(card) and "Only Greta Holm" in str(card)
    assert await seats(wire) == before
    await thread.click(OWNER, card, "proposal.confirm")
    await thread.until_says("Done")
    after = await seats(wire)
    assert (after[0], after[1]) == (22, before[1] + 1)
    assert charges(wire) == 1
    await wire.until(lambda: "proposal.confirm" not in str(thread.messages()))


async def test_a_yes_in_words_counts_and_a_yes_with_more_does_not(wire: Wire) -> None:
    thread = wire.slack_thread(OWNER, GLOBEX, "add 2 seats please")
    await thread.card("proposal.confirm")
    thread.say(OWNER, "yes, but 3")
    await thread.until_says("Add 3 seats?")
    assert (await seats(wire))[0] == 20
    await wire.settled()
    thread.say(OWNER, "yes")
    await thread.until_says("Done")
    assert (await seats(wire))[0] == 23


async def test_a_member_is_refused_and_told_who_may(wire: Wire) -> None:
    thread = wire.slack_thread(MEMBER, GLOBEX, "cancel our subscription")
    said = await thread.until_says("Only an owner")
    assert "proposal.ask_owner" in said
    card = await thread.card("proposal.ask_owner")
    await thread.click(MEMBER, card, "proposal.ask_owner")
    approval = await thread.card("proposal.approve")
    refused = await thread.click(MEMBER, approval, "proposal.approve")
    assert refused.status == 200
    await thread.until_private(MEMBER, "their own request")
    await thread.click(OWNER, approval, "proposal.approve")
    await thread.until_says("Done")


async def test_a_refund_above_the_limit_waits_for_an_approver(wire: Wire) -> None:
    thread = wire.slack_thread(OWNER, GLOBEX, "refund 480 dollars of invoice INV-1041")
    await thread.click(OWNER, await thread.card("proposal.confirm"), "proposal.confirm")
    await thread.until_says("waiting for approval")
    inside = await wire.support_thread("Approval needed")
    card = await inside.card("proposal.approve")
    assert "$480.00" in str(card) and "INV-1041" in str(card)
    await inside.click(TOMAS, card, "proposal.approve")
    await inside.until_private(TOMAS, "needs a yes from")
    assert charges(wire, "refund") == 0
    await inside.click(LEAD, card, "proposal.approve")
    await thread.until_says("Done")
    assert charges(wire, "refund") == 1


async def test_a_person_is_asked_for_and_comes_and_hands_back(wire: Wire) -> None:
    thread = wire.slack_thread(MEMBER, GLOBEX, "I want to talk to someone")
    await thread.until_says("Case 1")
    inside = await wire.support_thread("Case 1")
    await inside.until_says("Suggested next step")
    first = inside.messages()[0]
    assert "Globex" in str(first) and "Business" in str(first) and "Paul Jensen" in str(first)
    await asyncio.gather(
        inside.click(RITA, first, "case.claim"), inside.click(TOMAS, first, "case.claim")
    )
    await thread.until_says("Rita Vance")
    await inside.until_private(TOMAS, "Rita Vance has Case 1")
    await inside.click(RITA, first, "case.reply")
    view = await wire.until(lambda: next(iter(wire.slack.state.views.values()), None))
    block = next(b for b in view.view["blocks"] if b["type"] == "input")
    sent = await wire.slack.submit(
        RITA,
        view.view["id"],
        {block["block_id"]: {block["element"]["action_id"]: "Hello Paul, what is up?"}},
    )
    assert sent.action in ("closed", "clear"), sent
    said = await thread.until_says("Hello Paul, what is up?")
    assert "Rita Vance, support team" in said
    thread.say(MEMBER, "I was charged twice")
    await inside.until_says("I was charged twice")
    inside.say(RITA, "this one is always late with payments")
    await inside.until_private(RITA, "stays inside")
    await inside.click(RITA, first, "case.hand_back")
    await thread.until_says("handed this back to the AI agent")
    assert "always late" not in str(thread.messages())
    thread.say(MEMBER, "what plan are we on?")
    await thread.until_says("Business")


async def test_a_colleague_who_answers_silences_the_agent(wire: Wire) -> None:
    thread = wire.slack_thread(OWNER, GLOBEX, "what plan are we on?")
    await thread.until_says("Business")
    thread.say(COLLEAGUE, "I will look into this myself.")
    await thread.until_private(COLLEAGUE, "AI agent is silent")
    inside = await wire.support_thread("a colleague answered")
    count = len(thread.messages())
    thread.say(OWNER, "great, and how many seats do we have?")
    await inside.until_says("how many seats do we have")
    await wire.settled()
    assert len(thread.messages()) == count + 1


async def test_ten_deliveries_of_one_event_are_one_turn(wire: Wire) -> None:
    message = wire.slack.say(OWNER, GLOBEX, "what plan are we on?", mention=True, copies=10)
    thread = Thread(wire=wire, room=GLOBEX, ts=message["ts"])
    await thread.until_says("Business")
    await wire.settled()
    assert len(thread.messages()) == 2


async def test_an_outsider_in_the_linked_channel_sees_no_account(wire: Wire) -> None:
    outsider = people.OUTSIDER.user_id
    room = people.NORTHWIND_ROOM.channel_id
    thread = wire.slack_thread(outsider, room, "what plan are we on?")
    said = await thread.until_says("Talk to support")
    assert "access.ask" in said
    assert "Team" not in said.replace("Teams", "")
    await wire.settled()
