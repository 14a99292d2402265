"""One demo a run for each place of the support channel; every test works in threads of its own."""

import asyncio
from collections.abc import Iterator

import pytest

from playground import people
from tests.scenarios.running_demo import RunningDemo, running_demo


@pytest.fixture(scope="session")
def slack_demo_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDemo]:
    with running_demo(tmp_path_factory.mktemp("demo-slack"), example=True) as demo:
        # The example acts on an account too: tests count what happens after it.
        asyncio.run(demo.until(lambda: _example_is_over(demo)))
        yield demo


@pytest.fixture(scope="session")
def teams_demo_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDemo]:
    with running_demo(tmp_path_factory.mktemp("demo-teams"), "--support", "teams") as demo:
        yield demo


@pytest.fixture
def slack_demo(slack_demo_process: RunningDemo) -> Iterator[RunningDemo]:
    """The demo as everybody meets it, with its example. No fault outlives the test."""
    yield slack_demo_process
    asyncio.run(slack_demo_process.clear_faults())


@pytest.fixture
def teams_demo(teams_demo_process: RunningDemo) -> Iterator[RunningDemo]:
    """The demo with the support channel in Teams. No fault outlives the test."""
    yield teams_demo_process
    asyncio.run(teams_demo_process.clear_faults())


async def _example_is_over(demo: RunningDemo) -> bool:
    northwind = await demo.slack_messages(people.NORTHWIND_ROOM.channel_id)
    return "That is done" in str(northwind) and demo.is_idle()
