"""Whatever breaks between an intent and its outcome: never two effects, no receipt that lies, and
always an end."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import pytest

from agent_core.errors import ActionFailed, ActionOutcomeUnknown
from agent_core.proposals import Outcome
from tests.enemy.town import catalog_of_samples
from tests.faults.actions import EVERY
from tests.faults.conftest import ROUNDS, SAMPLE, Ways
from tests.faults.way import Way

pytestmark = pytest.mark.chaos
T = TypeVar("T")
Raises = Callable[[str], Exception | None]


def lost(place: str, error: Exception, times: int, look_ups: int) -> Raises:
    """Raises at `place` so many times, and lets so many look-ups fail."""
    left = {place: times, "look_up": look_ups}

    def raises(what: str) -> Exception | None:
        if left.get(what, 0) <= 0:
            return None
        left[what] -= 1
        return error if what == place else ActionOutcomeUnknown("no answer")

    return raises


def tool_faults() -> Iterator[tuple[str, Raises]]:
    """(its name, what it does): what the account system itself may do."""
    errors = {
        "connection refused": ActionFailed("cannot be reached"),
        "timeout": TimeoutError(),
        "no answer": ActionOutcomeUnknown("503"),
        "a bug": RuntimeError("inside"),
    }
    for name, error in errors.items():
        for place in ("act", "acted"):
            if place == "acted" and isinstance(error, ActionFailed):
                continue  # whoever has done it and says "nothing happened" cannot be helped
            for times in (1, 9):
                for look_ups in (0, 2, 99):
                    label = f"{name}, {place}, {times}×, {look_ups} look-ups"
                    yield label, lost(place, error, times, look_ups)


PAYMENT_FAULTS = [
    (faults, look_ups)
    for faults in (
        ("lost",), ("5xx",), ("refused",), ("down",), ("late",), ("lost", "5xx"), ("5xx", "lost"),
        ("late", "down"), ("late", "refused"), ("late", "late", "late", "late"), ("5xx",) * 9,
        ("lost",) * 9, ("down",) * 9,
    )
    for look_ups in (0, 1, 99)
]  # fmt: skip


def test_every_action_of_the_catalog_is_here() -> None:
    actions = {str(tool.name) for tool in catalog_of_samples() if tool.is_action}
    assert {name for name in actions if not name.startswith("undo_")} == set(EVERY)


@pytest.mark.parametrize("tool", EVERY)
@pytest.mark.timeout(1_200)
async def test_death_at_every_step(ways: Ways, tool: str) -> None:
    """Before and after each transaction, payment, post and call of the model after the yes."""
    calm = await ways.new(EVERY[tool])
    await calm.walk()
    assert await calm.check() is Outcome.SUCCEEDED
    for step in _some(ways, tool, range(1, calm.steps + 1)):
        for after in (False, True):

            def dies(way: Way, step: int = step, after: bool = after) -> None:
                way.life.steps, way.life.after = step, after

            way = await ways.new(EVERY[tool])
            await way.walk(dies)
            assert way.life.deaths <= 1
            assert await way.check() in (Outcome.SUCCEEDED, Outcome.UNKNOWN), (step, after)


@pytest.mark.parametrize("tool", EVERY)
@pytest.mark.timeout(1_200)
async def test_what_the_account_system_may_do(ways: Ways, tool: str) -> None:
    for name, raises in _some(ways, tool, list(tool_faults())):
        way = await ways.new(EVERY[tool])
        way.raises = raises
        await way.walk()
        outcome = await way.check()
        assert outcome is not None, name


@pytest.mark.parametrize("tool", [name for name, one in EVERY.items() if one.moves_money])
@pytest.mark.timeout(1_200)
async def test_what_the_payment_service_may_do(ways: Ways, tool: str) -> None:
    for faults, look_ups in _some(ways, tool, PAYMENT_FAULTS):

        def spoil(way: Way, faults: tuple[str, ...] = faults, look_ups: int = look_ups) -> None:
            way.town.payments.faults.extend(faults)
            way.town.payments.look_up_faults = look_ups

        way = await ways.new(EVERY[tool])
        await way.walk(spoil)
        outcome = await way.check()
        assert outcome is not None, (faults, look_ups)
        if faults == ("lost",) and look_ups == 0:
            assert outcome is Outcome.SUCCEEDED


def _some(ways: Ways, tool: str, every: Sequence[T]) -> Sequence[T]:
    """All of them in `make chaos`, and always for one action in memory; else every so many-th,
    and not the same for each action."""
    if ROUNDS > 1 or (ways.is_cheap and tool in SAMPLE):
        return every
    stride = 5 if ways.is_cheap else 9
    return every[list(EVERY).index(tool) % stride :: stride]
