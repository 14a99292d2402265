"""Plans and undo over Slack's and Teams' wire, with the real service between."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent_core.people import AccountId
from playground.faults import Fault, FaultKind
from tests.scenarios.test_wire import GLOBEX, MEMBER, OWNER, charges, seats
from tests.scenarios.test_wire_teams import SAM, says
from tests.scenarios.wire import Wire, wired
from tools.accounts.types import Account

BOTH = "add 2 seats and change the billing contact to Dana Fox, dana@globex.example"

NO_CHARGES = Fault(
    server="payments",
    kind=FaultKind.RATE_LIMITED,
    method="POST /v1/charges",
    times=None,
    retry_after_seconds=0,
)


@pytest.fixture
async def wire(tmp_path: Path) -> AsyncIterator[Wire]:
    async with wired(tmp_path) as wire:
        yield wire


async def account(wire: Wire) -> Account:
    state = await wire.service.accounts.state(AccountId("globex"), datetime.now(UTC))
    return state.account


async def test_one_yes_of_many_clicks_runs_both_steps_once(wire: Wire) -> None:
    thread = wire.slack_thread(OWNER, GLOBEX, BOTH)
    card = await thread.card("proposal.confirm")
    said = str(card)
    for part in ("Make these 2 changes?", "Step 1", "20 → 22", "Step 2", "Dana Fox", "Total"):
        assert part in said, part
    assert len(thread.messages()) == 2 and charges(wire) == 0
    await thread.click(MEMBER, card, "proposal.confirm")
    await thread.until_private(MEMBER, "Only Greta Holm can say yes")
    await asyncio.gather(*(thread.click(OWNER, card, "proposal.confirm") for _ in range(10)))
    await thread.until_says("Done: Added 2 seats")
    await thread.until_says("Done: Changed the billing contact")
    await wire.settled()
    found = await account(wire)
    assert (found.seats, found.billing_name, charges(wire)) == (22, "Dana Fox", 1)
    assert "proposal.confirm" not in str(thread.messages())
    await thread.until_says("2 changes: done")


async def test_yes_in_words_confirms_the_plan(wire: Wire) -> None:
    thread = wire.slack_thread(OWNER, GLOBEX, BOTH)
    await thread.card("proposal.confirm")
    await wire.settled()
    thread.say(OWNER, "yes")
    await thread.until_says("Done: Changed the billing contact")
    assert (await seats(wire))[0] == 22


async def test_a_failed_step_stops_the_plan_and_what_was_done_is_undone(wire: Wire) -> None:
    before = await account(wire)
    thread = wire.slack_thread(
        OWNER, GLOBEX, "change the billing contact to Dana Fox, dana@globex.example and add 2 seats"
    )
    card = await thread.card("proposal.confirm")
    wire.payments.faults.add(NO_CHARGES)
    await thread.click(OWNER, card, "proposal.confirm")
    stopped = await thread.until_says("Stopped before the end")
    assert "billing contact: done" in stopped and "Add 2 seats: not done" in stopped
    assert (await account(wire)).billing_name == "Dana Fox" and charges(wire) == 0
    offer = next(m for m in thread.messages() if "Stopped before the end" in str(m))
    await thread.click(OWNER, offer, "receipt.undo")
    undo = await thread.card("proposal.confirm")
    assert "Undo the change of the billing contact?" in str(undo)
    await thread.click(OWNER, undo, "proposal.confirm")
    await thread.until_says("Done: Undid the change of the billing contact")
    await wire.settled()
    after = await account(wire)
    assert (after.billing_name, after.seats) == (before.billing_name, before.seats)
    assert "receipt.undo" not in str(thread.messages())


async def test_undo_gives_the_money_back_once(wire: Wire) -> None:
    thread = wire.slack_thread(OWNER, GLOBEX, "add 2 seats")
    await thread.click(OWNER, await thread.card("proposal.confirm"), "proposal.confirm")
    receipt = await thread.card("receipt.undo")
    await thread.click(MEMBER, receipt, "receipt.undo")
    await thread.until_says("Only an owner, a billing admin or an admin")
    await asyncio.gather(*(thread.click(OWNER, receipt, "receipt.undo") for _ in range(5)))
    card = await thread.card("proposal.confirm")
    assert "22 → 20" in str(card) and "is refunded" in str(card)
    await wire.settled()
    newest = await thread.card("proposal.confirm")
    await asyncio.gather(*(thread.click(OWNER, newest, "proposal.confirm") for _ in range(5)))
    await thread.until_says("Done: Undid the added seats")
    await wire.settled()
    assert (await seats(wire))[0] == 20
    assert (charges(wire), charges(wire, "refund")) == (1, 1)
    assert "receipt.undo" not in str(thread.messages())
    await thread.until_says("Undone for Greta Holm")


async def test_a_plan_and_its_undo_in_teams(wire: Wire) -> None:
    room = wire.teams.open_chat(SAM).id
    wire.teams.post(SAM, room, "for Initech: add 2 seats and pause the subscription")
    card = await says(wire, room, "proposal.confirm")
    for part in ("Make these 2 changes?", "Initech", "Step 2", "Pause the subscription"):
        assert part in str(card.activity), part
    await wire.teams.click(SAM, card.id, "Confirm all")
    receipt = await says(wire, room, "Done: Paused the subscription")
    await says(wire, room, "2 changes: done")
    assert "Undo" in str(receipt.activity)
    await wire.teams.click(SAM, receipt.id, "Undo")
    undo = await says(wire, room, "Undo the pause?")
    await wire.teams.click(SAM, undo.id, "Confirm")
    await says(wire, room, "Done: Undid the pause")
    state = await wire.service.accounts.state(AccountId("initech"), datetime.now(UTC))
    assert state.account.status == "active"
    again = await wire.teams.click(SAM, receipt.id, "Undo")
    assert "undone already" in str(again)
