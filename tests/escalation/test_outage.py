"""Of an outage that lasts, the support team is told once, whenever it began."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest

from agent_core.delivery_outages import TellOfOutage
from agent_core.messages import Platform, RoomRef
from agent_core.ports import Clock, UnitOfWork
from escalation.desk import Desk
from escalation.outage import outage_teller, refusal_teller
from tests.fakes.house import House

DOWN = RoomRef(platform=Platform.TEAMS, tenant_id="tenant-down", room_id="19:any")


def _say(tell: TellOfOutage, minutes: int, tx: UnitOfWork) -> None:
    tell(tx, DOWN, minutes)


@pytest.mark.parametrize("minute", [0, 30, 59])
@pytest.mark.parametrize("second", [0, 10, 40])
@pytest.mark.parametrize(
    ("teller", "words"),
    [
        (outage_teller, "has taken no messages for 10 minutes"),
        (refusal_teller, "has refused a message as one too many for 10 minutes"),
    ],
)
async def test_an_outage_is_told_of_once(
    minute: int, second: int, teller: Callable[[Desk, Clock], TellOfOutage], words: str
) -> None:
    house = await House().open()
    now = house.clock.now()
    began = now.replace(minute=minute, second=second, microsecond=0) + timedelta(hours=1)
    house.clock.advance(began - now + timedelta(minutes=10, seconds=1))
    tell = teller(house.desk, house.clock)
    for _ in range(12):
        down_for = house.clock.now() - began
        minutes = int(down_for.total_seconds() // 60)
        await house.store.run(partial(_say, tell, minutes))
        house.clock.advance(timedelta(seconds=20))
    await house.settle()
    told = [one for one in house.slack.posts if words in one.message.fallback]
    assert len(told) == 1
    assert len(house.slack.posts) == 1
    await house.close()
