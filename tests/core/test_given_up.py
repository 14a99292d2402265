"""When a message is given up, and that a person is told of it no more than is known."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from agent_core.errors import PlatformUnavailable, RateLimited
from agent_core.messages import DestinationId
from agent_core.outgoing import OutgoingStatus
from agent_core.ports import UnitOfWork
from tests.builders import a_destination
from tests.core.test_delivery_outages import Cut, Midway, until_open

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


@pytest.mark.parametrize("tried", [False, True])  # else others are tried in its place
@pytest.mark.parametrize("maybe", [False, True])
async def test_of_what_may_have_arrived_a_person_is_told_so(
    works: Cut, maybe: bool, tried: bool
) -> None:
    works.slack.can_look_up = False  # as in Teams
    if maybe:
        works.slack.faults.append(PlatformUnavailable("cut off", maybe_accepted=True))
    await until_open(works)
    works.out_for(1000)
    others = [] if tried else [DestinationId(f"place {number}") for number in range(9)]

    def furnish(tx: UnitOfWork) -> None:
        for other in others:
            tx.outgoing.put_destination(replace(a_destination(), id=other))

    await works.store.run(furnish)
    for other in others:
        await works.send(f"row in {other}", destination=other, created_at=works.clock.now())
    works.clock.advance(timedelta(days=1))
    for _ in range(30):
        await works.later(seconds=20)
    row = await works.row("a")
    assert row.status is OutgoingStatus.FAILED and ("for a day" in row.problem) is not tried
    assert ("may have arrived" in row.problem) is maybe


async def test_of_what_is_out_in_part_a_person_is_told_so(works: Cut) -> None:
    works.slack = Midway()
    works.delivery = works.process("one")
    await works.send("a", created_at=works.clock.now())
    for _ in range(25):
        await works.later(hours=1)
    row = await works.row("a")
    assert row.status is OutgoingStatus.FAILED and "a part of it is out" in row.problem
