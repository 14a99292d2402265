"""The service starts and stops in order, and a part that cannot be closed keeps no other open."""

from typing import Any, cast

import pytest
from prometheus_client import CollectorRegistry

from agent_core.fair_turns import FairTurns, Shares
from agent_core.messages import Platform, RoomRef
from bots.configuration import Configuration
from bots.roles import Role
from bots.service import Service
from bots.sight.observer import Observer


class Part:
    """Any part of the service: notes what ends it, and may fail to."""

    def __init__(self, name: str, ended: list[str], *, fails: bool = False) -> None:
        self._name = name
        self._ended = ended
        self._fails = fails

    async def _end(self, *_: object) -> None:
        self._ended.append(self._name)
        if self._fails:
            raise OSError(f"{self._name} cannot be closed")

    drain = close = _end

    async def stop(self, *_: object) -> None:
        await self._end()


class Reconciling(Part):
    """A reconciler is stopped without waiting."""

    def stop(self, *_: object) -> None:  # type: ignore[override]
        self._ended.append(self._name)


async def _no_turn(_key: str, _ref: str) -> None:
    raise AssertionError


class Beginning(Part):
    """Any part of a service that starts: notes what is asked of it."""

    name = "slot-500"

    def holds(self) -> bool:
        return True

    def act_as(self, holder: str, _may_send: object) -> None:
        self._ended.append(f"acts as {holder}")

    async def free(self, holder: str) -> None:
        self._ended.append(f"sends what {holder} held")

    prepare = run = enter = Part._end


async def test_with_a_dead_ones_place_come_the_messages_that_it_held() -> None:
    """Nobody else would send them: the place has an owner who lives."""
    told: list[str] = []

    def part(name: str) -> Any:
        return cast(Any, Beginning(name, told))

    service = Service(
        store=part("store"),
        engine=part("engine"),
        delivery=part("delivery"),
        driver=part("driver"),
        turns=FairTurns(_no_turn, Shares(part("store")), places=1),
        timers=part("timers"),
        reconciler=part("reconciler"),
        accounts=part("accounts"),
        model=part("model"),
        support_room=RoomRef(platform=Platform.SLACK, tenant_id="T0", room_id="C0"),
        slack=None,
        teams=None,
        observer=Observer(CollectorRegistry()),
        role=Role.INTAKE,
        presence=part("presence"),
    )
    await service.start(Configuration())
    assert told[-3:] == ["presence", "acts as slot-500", "sends what slot-500 held"]


@pytest.mark.parametrize("failing", ["engine", "delivery", "slack", "model", "store"])
async def test_every_part_ends_in_order_whatever_one_of_them_does(failing: str) -> None:
    ended: list[str] = []

    def part(name: str) -> Any:
        return cast(Any, Part(name, ended, fails=name == failing))

    service = Service(
        store=part("store"),
        engine=part("engine"),
        delivery=part("delivery"),
        driver=part("driver"),
        turns=FairTurns(_no_turn, Shares(part("store")), places=1),
        timers=part("timers"),
        reconciler=cast(Any, Reconciling("reconciler", ended)),
        accounts=part("accounts"),
        model=part("model"),
        support_room=RoomRef(platform=Platform.SLACK, tenant_id="T0", room_id="C0"),
        slack=part("slack"),
        teams=part("teams"),
        observer=Observer(CollectorRegistry()),
    )
    with pytest.raises(OSError, match=failing):
        await service.stop()
    order = ["reconciler", "engine", "delivery", "slack", "teams", "model", "accounts", "store"]
    assert ended == order
