"""Brakes and the stop button, while the model is still at work."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent_core import pausing
from agent_core.audit import OPERATOR
from agent_core.brakes import BrakeScope
from agent_core.limits import Limits
from agent_core.ports import ModelReply, ModelRequest
from tests.scenarios.test_wire import GLOBEX, MEMBER, OWNER
from tests.scenarios.wire import Wire, wired


@dataclass
class HeldModel:
    """A ChatModel that answers when it is let go."""

    is_language_model: bool = False
    label: str = "held"
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    let_go: asyncio.Event = field(default_factory=asyncio.Event)

    async def reply(self, request: ModelRequest) -> ModelReply:
        self.asked.set()
        await self.let_go.wait()
        return ModelReply(text="You are on the Business plan.")

    async def close(self) -> None:
        return None


@pytest.fixture
def model() -> HeldModel:
    return HeldModel()


@pytest.fixture
async def wire(tmp_path: Path, model: HeldModel) -> AsyncIterator[Wire]:
    def quick(limits: Limits) -> Limits:
        return replace(limits, progress_seconds=0.05)

    async with wired(tmp_path, model=model, limits=quick) as wire:
        yield wire


async def test_a_long_turn_shows_that_it_works_and_can_be_stopped(
    wire: Wire, model: HeldModel
) -> None:
    thread = wire.slack_thread(OWNER, GLOBEX, "what plan are we on?")
    await model.asked.wait()
    sign = await thread.card("turn.stop")
    await thread.click(MEMBER, sign, "turn.stop")
    await thread.until_private(MEMBER, "Only Greta Holm or the support team can stop this")
    await thread.click(OWNER, sign, "turn.stop")
    await thread.until_says("Stopped by Greta Holm")
    model.let_go.set()
    await wire.settled()
    assert "Business" not in str(thread.messages())
    assert "turn.stop" not in str(thread.messages())


async def test_a_turn_that_was_not_stopped_takes_its_sign_down(
    wire: Wire, model: HeldModel
) -> None:
    thread = wire.slack_thread(OWNER, GLOBEX, "what plan are we on?")
    await thread.card("turn.stop")
    model.let_go.set()
    await thread.until_says("Business")
    await wire.until(lambda: "turn.stop" not in str(thread.messages()))


@pytest.mark.parametrize(
    ("scope", "target"), [(BrakeScope.ALL, ""), (BrakeScope.ACCOUNT, "globex")]
)
async def test_a_brake_stops_a_running_turn_within_one_step(
    wire: Wire, model: HeldModel, scope: BrakeScope, target: str
) -> None:
    thread = wire.slack_thread(OWNER, GLOBEX, "what plan are we on?")
    await model.asked.wait()
    await wire.service.store.run(
        lambda tx: pausing.pause(tx, scope, target, "Lena", OPERATOR, datetime.now(UTC))
    )
    model.let_go.set()
    await thread.until_says("Case 1")
    await wire.settled()
    assert "Business" not in str(thread.messages())
    inside = await wire.support_thread("the AI agent is paused here")
    await inside.until_says("Suggested next step")


async def test_who_writes_while_the_agent_is_paused_gets_a_person(
    wire: Wire, model: HeldModel
) -> None:
    await wire.service.store.run(
        lambda tx: pausing.pause(
            tx, BrakeScope.ALL, "", "Lena", OPERATOR, datetime.now(UTC), "an incident"
        )
    )
    thread = wire.slack_thread(OWNER, GLOBEX, "what plan are we on?")
    await thread.until_says("Case 1")
    inside = await wire.support_thread("the AI agent is paused here")
    assert "an incident" in await inside.until_says("Suggested next step")
    assert not model.asked.is_set()
