"""The code on docs/embedding.md runs as it stands, and the first program is short."""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.core.endpoint import Endpoint, calls, says, serving

ROOT = Path(__file__).parents[2]
PROGRAMS = re.findall(
    r"^```python\n(.*?)^```", (ROOT / "docs/embedding.md").read_text(encoding="utf-8"), re.M | re.S
)


@pytest.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    async with serving() as endpoint:
        yield endpoint


async def run(program: str, endpoint: Endpoint, folder: Path, **more: str) -> str:
    """What the program prints, run by itself as its reader would."""
    file = folder / "program.py"
    file.write_text(program, encoding="utf-8")
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(file),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=folder,
        env={**kept, "PYTHONPATH": str(ROOT), "OPENAI_BASE_URL": endpoint.url, **more},
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), 60)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, err.decode()
    return out.decode()


def lines_of(program: str) -> list[str]:
    """Lines that hold code."""
    return [line for line in program.splitlines() if line.strip() and line.strip()[0] != "#"]


def test_the_page_shows_the_example_and_nothing_is_left_out() -> None:
    assert len(PROGRAMS) == 3
    assert PROGRAMS[0] == (ROOT / "examples/library/parcels.py").read_text(encoding="utf-8")


def test_an_agent_takes_less_than_thirty_lines() -> None:
    assert len(lines_of(PROGRAMS[0])) < 30


async def test_the_parcel_service(endpoint: Endpoint, tmp_path: Path) -> None:
    wish = {"number": "P-1", "address": "5 Elm Road"}
    endpoint.will(
        calls("track_parcel", number="P-1"),
        calls("change_delivery_address", **wish),
        says("Please confirm on the card."),
        says("It goes to Elm Road now."),
    )
    printed = await run(PROGRAMS[0], endpoint, tmp_path)
    assert "You are writing with an AI agent" in printed
    assert "Please confirm on the card." in printed
    assert "Done: Change the delivery address" in printed and "5 Elm Road" in printed
    results = [one["content"] for one in endpoint.asked[2]["messages"] if one["role"] == "tool"]
    assert "12 Harbour Street" in results[0] and "awaiting_confirmation" in results[1]
    assert endpoint.steps == []


async def test_the_refund_with_preview_and_approval(endpoint: Endpoint, tmp_path: Path) -> None:
    endpoint.will(calls("refund", cents=8000), says("See the card."), says("Refunded."))
    printed = (await run(PROGRAMS[1], endpoint, tmp_path)).splitlines()
    assert "awaiting_approval" in printed
    assert "please decide: Refund the last invoice" in printed
    assert "Nobody can approve their own request." in printed
    assert printed[-1].startswith("Done: ") and printed[-1].endswith("8000}")


@pytest.mark.parametrize("durable", [False, True])
async def test_people_take_over_and_hand_back(
    endpoint: Endpoint, tmp_path: Path, durable: bool
) -> None:
    endpoint.will(
        calls("hand_over", reason="asked_for", summary="Wants a person."),
        calls("hours", day="today"),
        says("Until 18 today."),
    )
    url = f"sqlite:///{tmp_path}/parcels.db" if durable else ""
    more = {"PARCELS_DATABASE_URL": url} if durable else {}
    printed = (await run(PROGRAMS[2], endpoint, tmp_path, **more)).splitlines()
    assert printed[0] == "waiting_for_support"
    assert printed[1:4] == ["c1 asked_for", "Hello Ana!", "with_agent"]
    assert printed[-1] == "Until 18 today."
    last = str(endpoint.asked[-1]["messages"])
    assert "Hello Ana!" in last and "We deliver from 8 to 18 today." in last
