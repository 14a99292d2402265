"""A colleague answers in the customer's thread while the model still works: the agent is silent."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import expect

from agent_core.messages import Author
from playground import people
from tests.fixtures.browser import OpenPage
from tests.scenarios.held_model import HeldModel, held_model
from tests.scenarios.panes import Pane, ready
from tests.scenarios.running_demo import PATIENCE_SECONDS, RunningDemo, running_demo

pytestmark = pytest.mark.browser
NORTHWIND = people.NORTHWIND_ROOM.channel_id
WORDS = "Twelve seats are paid for."


@pytest.fixture
async def thinking(tmp_path: Path) -> AsyncIterator[tuple[RunningDemo, HeldModel]]:
    """A demo whose model thinks until it is let go."""
    async with held_model(WORDS) as (model, base_url):
        with running_demo(tmp_path, OPENAI_BASE_URL=base_url, OPENAI_MODEL="held") as demo:
            yield demo, model


async def test_no_agent_post_starts_after_a_colleague_answered(
    thinking: tuple[RunningDemo, HeldModel], open_page: OpenPage
) -> None:
    demo, model = thinking
    page = await ready(await open_page(demo.page))
    await expect(page.locator("#model-label")).to_contain_text("held")
    northwind, support = Pane(page, "northwind"), Pane(page, "support")
    await northwind.be("Olive Marsh")
    thread = await northwind.write("How many seats do we pay for?")
    async with asyncio.timeout(PATIENCE_SECONDS):
        await model.asked.wait()

    await northwind.be("Sam Okafor")
    await thread.reply("I am looking into it, Olive.")
    case = support.last_thread("a colleague answered in the customer's thread")
    await case.shows("Sam Okafor has it")
    model.let_go.set()
    async with asyncio.timeout(PATIENCE_SECONDS):
        await model.answered.wait()
    await demo.until(demo.is_idle)

    messages = await demo.slack_messages(NORTHWIND)
    (sams,) = [m["ts"] for m in messages if m.get("user") == people.COLLEAGUE.user_id]
    after = [m for m in messages if m["ts"] > sams]
    authors = {m["metadata"]["event_payload"]["author"] for m in after}
    assert authors <= {Author.CODE.value}
    assert not [m for m in messages if WORDS in str(m)]

    await thread.press("Give it back to the AI agent")
    await case.shows("handed back to the AI agent by Sam Okafor")
    await northwind.be("Olive Marsh")
    await thread.reply("And how many seats is that?", mention=True)
    await thread.shows(WORDS)
