"""A process among others: it leaves at whatever moment it is asked to."""

import asyncio
import os
from collections.abc import Iterator

import pytest

from agent_core.engine import presence
from agent_core.engine.presence import Presence


class OpenSlots:
    """A slot behind a pipe: what the server says is a byte in it. Every check goes well."""

    def __init__(self, url: str) -> None:
        self._ours, self.server = os.pipe()
        self.watched = asyncio.Event()
        self.closed = False

    @property
    def descriptor(self) -> int:
        self.watched.set()
        return self._ours

    def take_own(self, first: int) -> str:
        return "slot-0"

    def check(self) -> None:
        return

    def close(self) -> None:
        os.close(self._ours)
        os.close(self.server)
        self.closed = True


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[OpenSlots]]:
    made: list[OpenSlots] = []

    def make(url: str) -> OpenSlots:
        made.append(OpenSlots(url))
        return made[-1]

    monkeypatch.setattr(presence, "Slots", make)
    yield made
    assert all(slots.closed for slots in made)


@pytest.mark.parametrize("steps", range(12))
async def test_it_leaves_between_any_two_steps_of_its_watch(
    made: list[OpenSlots], steps: int
) -> None:
    """The end may come in the very step in which the server stirred or a check came back."""
    one = Presence("postgresql://nowhere", check_seconds=60)
    await one.enter()
    await made[0].watched.wait()
    os.write(made[0].server, b"x")
    for _ in range(steps):
        await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await one.leave()
    assert not one.holds()
