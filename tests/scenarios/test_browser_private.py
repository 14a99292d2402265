"""In a real browser: what a shared channel may not read is the requester's alone."""

import json
from collections.abc import Iterator

import pytest
from playwright.async_api import expect

from playground import people
from tests.fixtures.browser import OpenPage
from tests.scenarios.panes import Pane, ready
from tests.scenarios.running_demo import RunningDemo, running_demo

pytestmark = pytest.mark.browser
BILLING = "ben@northwind.example"
NORTHWIND = people.NORTHWIND_ROOM.channel_id


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDemo]:
    with running_demo(tmp_path_factory.mktemp("demo-private")) as demo:
        yield demo


async def previews(demo: RunningDemo) -> str:
    """What the channel's posts put into everybody's notification, and all else they hold."""
    messages = await demo.slack_messages(NORTHWIND)
    assert all(message.get("text") for message in messages)
    return json.dumps(messages, ensure_ascii=False)


async def test_a_field_is_shown_to_the_requester_alone(
    demo: RunningDemo, open_page: OpenPage
) -> None:
    northwind = Pane(await ready(await open_page(demo.page)), "northwind")
    others = Pane(await ready(await open_page(demo.page)), "northwind")
    await northwind.be("Olive Marsh")
    await others.be("Vic Torres")  # of another company, in the same channel

    thread = await northwind.write("Who is our billing contact?")
    await thread.shows("Only visible to you", BILLING)
    await thread.shows("Billing contact: Ben Carter", "shown to you alone")

    beside = others.last_thread("Who is our billing contact?")
    await beside.shows("Billing contact: Ben Carter")
    await expect(others.root).not_to_contain_text(BILLING)
    await expect(others.root).not_to_contain_text("Only visible to you")
    assert BILLING not in await previews(demo)

    await northwind.be("Milo Novak")  # even of the same company
    await northwind.last_thread("Who is our billing contact?").shows("Ben Carter")
    await expect(northwind.root).not_to_contain_text(BILLING)


async def test_a_card_covers_what_its_requester_sees_beside_it(
    demo: RunningDemo, open_page: OpenPage
) -> None:
    northwind = Pane(await ready(await open_page(demo.page)), "northwind")
    others = Pane(await ready(await open_page(demo.page)), "northwind")
    await northwind.be("Olive Marsh")
    await others.be("Vic Torres")

    new = "nora@northwind.example"
    thread = await northwind.write(f"Change the billing contact to Nora Lindqvist, {new}.")
    await thread.shows("Change the billing contact?", "b•••@northwind.example")
    await thread.shows("Only visible to you", f"{BILLING} → {new}")
    await others.last_thread("Change the billing contact").shows("Change the billing contact?")
    await expect(others.root).not_to_contain_text(BILLING)
    await thread.press("Confirm")
    await thread.shows("Done: Changed the billing contact", "n•••@northwind.example")

    assert (await demo.account("northwind")).account.billing_email == new
    await others.last_thread("Change the billing contact").shows("Done: Changed the billing")
    await expect(others.root).not_to_contain_text(BILLING)
    assert BILLING not in await previews(demo)
