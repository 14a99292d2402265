"""The main job in a real browser, over the real wire, with the support channel on each platform."""

import re
from itertools import pairwise

import pytest
from playwright.async_api import expect

from tests.fixtures.browser import OpenPage
from tests.scenarios.panes import Pane, ready, submit_form
from tests.scenarios.running_demo import RunningDemo

pytestmark = pytest.mark.browser


@pytest.fixture(params=["slack", "teams"])
def demo(request: pytest.FixtureRequest) -> RunningDemo:
    """The demo with the support channel here, and there."""
    found: RunningDemo = request.getfixturevalue(f"{request.param}_demo")
    return found


async def test_a_customer_adds_seats(demo: RunningDemo, open_page: OpenPage) -> None:
    before = await demo.account("globex")
    seats = before.account.seats
    charges = len(await demo.effects("charge"))
    globex = Pane(await ready(await open_page(demo.page)), "globex")
    await globex.be("Greta Holm")

    thread = await globex.write("Please add 6 seats to our plan.")
    await thread.shows("Add 6 seats?", f"{seats} → {seats + 6}")
    await thread.press("Confirm")

    receipt = await thread.shows("Done: Added 6 seats")
    after = await demo.account("globex")
    assert after.account.seats == seats + 6
    assert after.account.version == before.account.version + 1
    assert len(await demo.effects("charge")) == charges + 1
    await expect(receipt).to_contain_text(after.invoices[0].id)
    await expect(thread.button("Confirm")).to_have_count(0)


async def test_a_member_is_refused_and_told_who_may(demo: RunningDemo, open_page: OpenPage) -> None:
    before = await demo.account("northwind")
    northwind = Pane(await ready(await open_page(demo.page)), "northwind")
    await northwind.be("Milo Novak")

    thread = await northwind.write("Please cancel our subscription.")

    await thread.shows("Not done", "Only an owner of this account can do this")
    await expect(thread.button("Ask an owner")).to_be_visible()
    await expect(thread.button("Confirm")).to_have_count(0)
    assert await demo.account("northwind") == before


async def test_an_owners_yes_stands_for_a_members_wish(
    demo: RunningDemo, open_page: OpenPage
) -> None:
    before = await demo.account("northwind")
    northwind = Pane(await ready(await open_page(demo.page)), "northwind")
    await northwind.be("Milo Novak")
    thread = await northwind.write("Please add 4 seats.")
    await thread.shows("Not done")
    await thread.press(re.compile("^Ask an owner"))

    await northwind.be("Olive Marsh")
    await thread.shows("Add 4 seats", "Milo Novak")
    await thread.press("Approve")

    await thread.shows("Done: Added 4 seats")
    assert (await demo.account("northwind")).account.seats == before.account.seats + 4


async def test_a_large_refund_waits_for_an_approver(demo: RunningDemo, open_page: OpenPage) -> None:
    page = await ready(await open_page(demo.page))
    globex, support = Pane(page, "globex"), Pane(page, "support")
    refunds = len(await demo.effects("refund"))
    await globex.be("Felix Moreau")
    await support.be("Lena Brandt")

    thread = await globex.write("Please refund $480 of invoice INV-1032.")
    await thread.shows("Refund", "INV-1032", "$480.00")
    await thread.press("Confirm")
    await thread.shows("waiting for approval")
    assert len(await demo.effects("refund")) == refunds

    asked = support.last_thread("Approval needed", "INV-1032")
    card = await asked.shows("Approval needed")
    read = [line for line in (await card.inner_text()).splitlines() if line.strip()]
    shown = dict(pairwise(read))  # a label, and what stands below it
    assert read.count("Amount") == 1
    await asked.press("Approve")

    await thread.shows("Done", "INV-1032")
    effects = await demo.effects("refund")
    refund, entry = effects[0], (await demo.ledger())[0]
    assert (len(effects), entry["tool"]) == (refunds + 1, "refund_invoice")
    assert (refund["amount"], refund["currency"], refund["reference"]) == (
        48_000,
        "USD",
        "INV-1032",
    )
    assert refund["idempotency_key"] == entry["key"]
    assert entry["arguments"]["amount_minor"] == 48_000
    assert (shown["Amount"], shown["Invoice"]) == ("$480.00", entry["arguments"]["invoice"])


async def test_a_person_takes_over_and_gives_back(demo: RunningDemo, open_page: OpenPage) -> None:
    page = await ready(await open_page(demo.page))
    northwind, support = Pane(page, "northwind"), Pane(page, "support")
    await northwind.be("Olive Marsh")
    await support.be("Rita Vance")

    thread = await northwind.write("I want to talk to someone about our renewal.")
    case = support.last_thread("asked for a person", "our renewal")
    await case.shows("Northwind Traders", "Olive Marsh")
    advice = await case.shows("Suggested next step")
    await expect(advice).not_to_contain_text("our renewal")  # the card has their words already
    await thread.reply("It ends in May.")
    await thread.shows("This is added to Case", "A person will answer you here.")
    await case.shows("Olive Marsh", "It ends in May.")
    await case.press("Claim")
    await case.shows("Rita Vance has it")

    await case.press("Reply")
    await submit_form(page, "Happy to help with the contract.")
    await thread.shows("Rita Vance", "Happy to help with the contract.")

    await thread.reply("Thank you. Can it be renewed for two years?")
    await case.shows("Olive Marsh", "Can it be renewed for two years?")

    await case.press("Hand back")
    await case.shows("handed back to the AI agent by Rita Vance")
    await thread.reply("What plan are we on?", mention=True)
    await thread.shows("Plan", "Team")


async def test_a_colleague_acts_on_a_named_account(demo: RunningDemo, open_page: OpenPage) -> None:
    before = await demo.account("initech")
    page = await ready(await open_page(demo.page))
    teams = Pane(page, "teams")
    await teams.be("Sam Okafor")

    await teams.write("Add 1 seat for Initech.")
    chat = teams.last_thread("Add 1 seat?", "Initech")
    await chat.press("Confirm")

    await teams.last_thread("Done: Added 1 seat").shows("Initech")
    after = await demo.account("initech")
    assert after.account.seats == before.account.seats + 1
    assert after.account.version == before.account.version + 1
