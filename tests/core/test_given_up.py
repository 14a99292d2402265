"""When a message is given up, and that a person is told of it no more than is known."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from agent_core.errors import RateLimited
from tests.core.test_delivery_outages import Cut

SLOW = RateLimited("slow", retry_after_seconds=30)


@pytest.fixture
async def works() -> AsyncIterator[Cut]:
    works = Cut()
    await works.open()
    yield works
    await works.engine.drain(1)
    await works.delivery.stop(1)


async def test_a_platform_refuses_nothing_while_nobody_asks_it(works: Cut) -> None:
    """After a weekend without us, one more refusal is none that has lasted for days."""
    works.slack.faults.append(SLOW)
    await works.send("a", created_at=works.clock.now())
    await works.settle()
    await works.delivery.stop(1)
    works.clock.advance(timedelta(days=2))
    works.delivery = works.process("one")
    works.slack.faults.extend([SLOW] * 2)
    for _ in range(4):
        await works.later(seconds=31)
    assert works.undelivered == [] and works.told_of_refusals == []
    assert works.slack.texts() == ["a"]
