"""A brake that stops a running turn, and the button that does, in a real browser."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.fixtures.browser import OpenPage
from tests.scenarios.held_model import HeldModel, held_model
from tests.scenarios.panes import Pane, ready
from tests.scenarios.running_demo import PATIENCE_SECONDS, ROOT, RunningDemo, running_demo

pytestmark = pytest.mark.browser
WORDS = "Twelve seats are paid for."


@pytest.fixture
async def thinking(tmp_path: Path) -> AsyncIterator[tuple[RunningDemo, HeldModel]]:
    """A demo whose model thinks until it is let go."""
    async with held_model(WORDS) as (model, base_url):
        with running_demo(tmp_path, OPENAI_BASE_URL=base_url, OPENAI_MODEL="held") as demo:
            yield demo, model


async def handrail(demo: RunningDemo, *words: str) -> str:
    """A command beside the running service, as an operator would give it."""
    ran = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "bots.cli", *words],
        env={"PYTHONPATH": str(ROOT), "HANDRAIL_DATA": str(demo.data)},
        cwd=demo.data,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


async def test_a_pause_stops_a_running_turn_and_a_person_is_called(
    thinking: tuple[RunningDemo, HeldModel], open_page: OpenPage
) -> None:
    demo, model = thinking
    page = await ready(await open_page(demo.page))
    northwind, support = Pane(page, "northwind"), Pane(page, "support")
    await northwind.be("Olive Marsh")
    thread = await northwind.write("How many seats do we pay for?")
    async with asyncio.timeout(PATIENCE_SECONDS):
        await model.asked.wait()
    said = await handrail(demo, "pause", "account", "northwind", "--why", "odd bills")
    assert said.startswith("Paused: account northwind.")
    model.let_go.set()
    await thread.shows("Case 1")
    case = support.last_thread("the AI agent is paused here")
    await case.shows("odd bills")
    await demo.until(demo.is_idle)
    await expect(thread.root).not_to_contain_text(WORDS)
    assert "account northwind" in await handrail(demo, "pauses")
    assert (await handrail(demo, "resume", "account", "northwind")).startswith("Going on")


async def test_the_requester_stops_a_turn_that_takes_long(
    thinking: tuple[RunningDemo, HeldModel], open_page: OpenPage
) -> None:
    demo, model = thinking
    page = await ready(await open_page(demo.page))
    northwind = Pane(page, "northwind")
    await northwind.be("Olive Marsh")
    thread = await northwind.write("How many seats do we pay for?")
    await thread.shows("Working on it")
    await thread.press("Stop")
    await thread.shows("Stopped by Olive Marsh")
    model.let_go.set()
    await demo.until(demo.is_idle)
    await expect(thread.root).not_to_contain_text(WORDS)
    await expect(thread.button("Stop")).to_have_count(0)
