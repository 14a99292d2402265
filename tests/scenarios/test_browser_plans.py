"""Plans and undo in a real browser: a step that fails, and Undo inside and after its window."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest
from playwright.async_api import expect

from tests.fixtures.browser import OpenPage
from tests.scenarios.panes import Pane
from tests.scenarios.running_demo import RunningDemo, running_demo

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDemo]:
    with running_demo(tmp_path_factory.mktemp("demo-plans")) as demo:
        yield demo


def end_windows(demo: RunningDemo) -> None:
    """Every effect so far could be undone until long ago: as if the clock had gone on."""
    file = demo.data / "handrail.db"
    with closing(sqlite3.connect(file, timeout=10)) as connection:
        connection.execute("UPDATE hr_ledger SET undo_until = '2020-01-01 00:00:00.000000'")
        connection.commit()


async def test_a_plan_whose_second_step_fails(demo: RunningDemo, open_page: OpenPage) -> None:
    before = await demo.account("globex")
    charges = len(await demo.effects("charge"))
    globex = Pane(await open_page(demo.page), "globex")
    await globex.be("Greta Holm")
    thread = await globex.write(
        "Please change the billing contact to Dana Fox, dana@globex.example and add 2 seats."
    )
    await thread.shows("Make these 2 changes?", "Step 1", "Dana Fox", "Step 2", "20 → 22", "Total")
    await demo.arm_payments(
        kind="rate_limited", method="POST /v1/charges", times=None, retry_after_seconds=0
    )
    await thread.press("Confirm all")

    stopped = await thread.shows("Stopped before the end", "Add 2 seats: not done")
    await expect(stopped).to_contain_text("Change the billing contact: done")
    await demo.clear_faults()
    assert (await demo.account("globex")).account.billing_name == "Dana Fox"
    await demo.until(demo.is_idle)
    await thread.shows("2 changes: stopped", "no money moves")
    await expect(thread.root).not_to_contain_text("That is done")

    await thread.press("Undo: Changed the billing contact")
    await thread.shows("Undo the change of the billing contact?", "Felix Moreau")
    await thread.press("Confirm")
    await thread.shows("Done: Undid the change of the billing contact")
    after = await demo.account("globex")
    assert after.account.billing_name == before.account.billing_name
    assert after.account.seats == before.account.seats
    assert len(await demo.effects("charge")) == charges
    await expect(thread.button("Undo")).to_have_count(0)


async def test_undo_inside_its_window(demo: RunningDemo, open_page: OpenPage) -> None:
    before = await demo.account("northwind")
    refunds = len(await demo.effects("refund"))
    northwind = Pane(await open_page(demo.page), "northwind")
    await northwind.be("Olive Marsh")
    thread = await northwind.write("Please add 2 seats.")
    await thread.press("Confirm")
    await thread.shows("Done: Added 2 seats", "can be undone until")

    await thread.press("Undo")
    await thread.shows("Undo the added seats?", "14 → 12", "is refunded")
    await thread.press("Confirm")
    await thread.shows("Done: Undid the added seats", "Refunded")
    assert (await demo.account("northwind")).account.seats == before.account.seats
    assert len(await demo.effects("refund")) == refunds + 1
    await thread.shows("Undone for Olive Marsh")
    await expect(thread.button("Undo")).to_have_count(0)


async def test_undo_after_its_window(demo: RunningDemo, open_page: OpenPage) -> None:
    northwind = Pane(await open_page(demo.page), "northwind")
    await northwind.be("Olive Marsh")
    thread = await northwind.write("Please pause our subscription.")
    await thread.press("Confirm")
    await thread.shows("Done: Paused the subscription")
    end_windows(demo)

    await thread.press("Undo")
    await expect(northwind.root.get_by_text("This could be undone until").last).to_be_visible()
    assert (await demo.account("northwind")).account.status == "paused"
    await northwind.be("Milo Novak")
    await expect(northwind.root.get_by_text("This could be undone until")).to_have_count(0)
