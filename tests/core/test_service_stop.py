"""The service stops in order, and a part that cannot be closed keeps no other open."""

from typing import Any, cast

import pytest
from prometheus_client import CollectorRegistry

from agent_core.fair_turns import FairTurns, Shares
from agent_core.messages import Platform, RoomRef
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
