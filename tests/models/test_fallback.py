"""Several models in one: who is asked, who is spared, and that nobody waits for the dead."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from agent_core.breaker import BreakerRules, BreakerState
from agent_core.errors import ModelOutputInvalid, ModelUnavailable
from agent_core.models.fallback import FallbackModel
from agent_core.ports import ModelMessage, ModelReply, ModelRequest

REQUEST = ModelRequest(
    messages=(ModelMessage(role="user", content="hello"),),
    tools=(),
    timeout_seconds=0.2,
    max_output_tokens=10,
)
RULES = BreakerRules(failures=3, window=60.0, rest=1000.0)


class Model:
    """Does what a test says."""

    is_language_model = True

    def __init__(self, label: str, answer: Callable[[], Awaitable[ModelReply]]) -> None:
        self.label = label
        self.answer = answer
        self.asked = 0
        self.closed = False

    async def reply(self, request: ModelRequest) -> ModelReply:
        self.asked += 1
        return await self.answer()

    async def close(self) -> None:
        self.closed = True


async def well() -> ModelReply:
    return ModelReply(text="hello")


async def dead() -> ModelReply:
    raise ModelUnavailable("nobody there")


async def refusing() -> ModelReply:
    raise ModelUnavailable("too long", refused=True)


async def babbling() -> ModelReply:
    raise ModelOutputInvalid("nonsense")


async def hanging() -> ModelReply:
    await asyncio.Event().wait()
    raise AssertionError


async def test_the_first_answers_and_the_reply_says_which() -> None:
    first, second = Model("first", well), Model("second", well)
    reply = await FallbackModel([first, second]).reply(REQUEST)
    assert reply.model == "first" and second.asked == 0


@pytest.mark.parametrize("broken", [dead, refusing, babbling, hanging])
async def test_the_second_answers_where_the_first_does_not(
    broken: Callable[[], Awaitable[ModelReply]],
) -> None:
    first, second = Model("first", broken), Model("second", well)
    reply = await FallbackModel([first, second]).reply(REQUEST)
    assert (reply.text, reply.model) == ("hello", "second")


@pytest.mark.parametrize("broken", [dead, hanging])
async def test_a_model_that_is_down_is_not_asked_again_and_again(
    broken: Callable[[], Awaitable[ModelReply]],
) -> None:
    first, second = Model("first", broken), Model("second", well)
    model = FallbackModel([first, second], rules=RULES)
    for _ in range(10):
        await model.reply(REQUEST)
    assert (first.asked, second.asked) == (3, 10)
    assert [view.state for view in model.breakers()] == [BreakerState.OPEN, BreakerState.CLOSED]


@pytest.mark.parametrize("answer", [refusing, babbling])
async def test_one_request_that_nobody_can_take_shuts_nobody_out(
    answer: Callable[[], Awaitable[ModelReply]],
) -> None:
    only = Model("only", answer)
    model = FallbackModel([only], rules=RULES)
    for _ in range(10):
        with pytest.raises((ModelUnavailable, ModelOutputInvalid)):
            await model.reply(REQUEST)
    assert only.asked == 10 and model.breakers()[0].state is BreakerState.CLOSED


async def test_with_all_down_nobody_waits() -> None:
    first, second = Model("first", hanging), Model("second", hanging)
    model = FallbackModel([first, second], rules=RULES)
    for _ in range(3):
        with pytest.raises(ModelUnavailable):
            await model.reply(REQUEST)
    async with asyncio.timeout(0.1):
        with pytest.raises(ModelUnavailable, match="no model can be reached now"):
            await model.reply(REQUEST)
    assert (first.asked, second.asked) == (3, 3)


async def test_a_turn_that_is_cut_off_says_nothing_of_the_model() -> None:
    model = FallbackModel([Model("only", hanging)], rules=RULES)
    for _ in range(5):
        asking = asyncio.create_task(model.reply(REQUEST))
        await asyncio.sleep(0)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
    assert model.breakers()[0].calls == 0


async def test_all_are_closed() -> None:
    models = [Model("first", well), Model("second", well)]
    await FallbackModel(models).close()
    assert all(model.closed for model in models)
