"""What `handrail demo` opens on: a finished example, five things to try, and the drawer."""

import re

import pytest
from playwright.async_api import Page, expect

from tests.fixtures.browser import OpenPage
from tests.scenarios.panes import Pane, Thread, ready
from tests.scenarios.running_demo import RunningDemo

pytestmark = pytest.mark.browser
WIDE = (1600, 1000)


@pytest.fixture
def demo(slack_demo: RunningDemo) -> RunningDemo:
    return slack_demo


async def try_it(page: Page, title: str, pane: str) -> Thread:
    """Picks one of the five things and sends it; the thread that it begins."""
    await page.locator("#tries").get_by_role("button", name=re.compile(title)).click()
    box = Pane(page, pane).root.get_by_role("textbox", name=re.compile("^Write as"))
    await expect(box).to_be_focused()
    await expect(box).not_to_have_value("")
    words = await box.input_value()
    await box.press("Enter")
    return Pane(page, pane).last_thread(words)


async def test_it_opens_on_a_finished_example(demo: RunningDemo, open_page: OpenPage) -> None:
    page = await ready(await open_page(demo.page, viewport=WIDE))
    thread = Pane(page, "northwind").last_thread("What is our usage this month?")
    await thread.shows("Seats", "of 12")
    await thread.shows("Done: Added 1 seat", "INV-1043")
    await expect(page.locator("#model-label")).to_contain_text("not a language model")
    await expect(page.locator("#worker-label")).to_contain_text("running")


async def test_the_five_things_to_try(demo: RunningDemo, open_page: OpenPage) -> None:
    page = await ready(await open_page(demo.page, viewport=WIDE))
    seats = await try_it(page, "Add 5 seats", "globex")
    await seats.press("Confirm")
    await seats.shows("Done: Added 5 seats")

    refund = await try_it(page, "refund", "globex")
    await refund.press("Confirm")
    await refund.shows("waiting for approval")

    person = await try_it(page, "Talk to a person", "northwind")
    await person.shows("passed this on to the support team")

    member = await try_it(page, "As a member", "northwind")
    await member.shows("Only an owner of this account can do this")

    await try_it(page, "In Teams, as staff", "teams")
    await Pane(page, "teams").last_thread("Add 2 seats?").shows("Initech")


async def test_the_drawer_follows_and_makes_trouble(demo: RunningDemo, open_page: OpenPage) -> None:
    page = await ready(await open_page(demo.page, viewport=WIDE))
    charges = len(await demo.effects("charge"))
    seats = (await demo.account("northwind")).account.seats
    await page.get_by_role("button", name="Under the hood").click()
    drawer = page.locator("#drawer")
    await drawer.get_by_role("button", name=re.compile("^Drop the payment")).click()
    await expect(drawer.locator(".drawer-said")).to_contain_text("Armed")

    northwind = Pane(page, "northwind")
    await northwind.be("Olive Marsh")
    thread = await northwind.write("Please add 3 seats.")
    await thread.press("Confirm")
    await thread.shows("Done: Added 3 seats")

    await expect(drawer).to_contain_text("X-Slack-Signature")
    await expect(drawer).to_contain_text("tools.add_seats.confirm")
    await expect(drawer).to_contain_text("add_seats: succeeded")
    row = drawer.locator("tr.changed", has_text="Seats")
    await expect(row.locator("del")).to_contain_text(f"{seats},")
    await expect(row.locator("ins")).to_contain_text(f"{seats + 3},")
    assert len(await demo.effects("charge")) == charges + 1

    await drawer.get_by_role("button", name=re.compile("^Deliver the last message ten")).click()
    await expect(drawer.locator(".drawer-said")).to_contain_text("Sent ten more times")
    await drawer.get_by_role("button", name=re.compile("^Kill the agent")).click()
    await expect(drawer.locator(".drawer-said")).to_contain_text("Killed")
    await expect(page.locator("#worker-label")).to_contain_text("running")
    await demo.until(demo.is_idle)
    assert len(await demo.effects("charge")) == charges + 1
    assert await thread.root.locator("article", has_text="Done: Added 3 seats").count() == 1
