"""Several models in one: the first that answers, in the given order, and none that is down."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from time import monotonic

from agent_core.breaker import Breaker, BreakerRules, BreakerView, Pass, log_change, views
from agent_core.errors import ModelError, ModelOutputInvalid, ModelUnavailable
from agent_core.ports import ChatModel, ModelReply, ModelRequest

log = logging.getLogger(__name__)

# Of a call's time. Their sum stays below the two that the driver waits at most: a model that
# hangs must be counted here, and not be cut off unseen from outside.
EARLIER_PART = 0.5
LAST_PART = 1.4


class FallbackModel:
    """A ChatModel over others, with a breaker for each.

    A model whose breaker is open is not asked. Where no model may be asked, ModelUnavailable is
    raised at once: people take over, and nobody waits for what is known to be down. Each model
    but the last is given half of the call's time.
    """

    def __init__(
        self,
        models: Sequence[ChatModel],
        *,
        rules: BreakerRules | None = None,
        seconds: Callable[[], float] = monotonic,
    ) -> None:
        if not models:
            raise ValueError("a fallback needs at least one model")
        self._models = tuple(models)
        self._breakers = tuple(
            Breaker(f"model:{index}:{model.label}", rules, seconds=seconds, on_change=log_change)
            for index, model in enumerate(models, start=1)
        )

    @property
    def label(self) -> str:
        """The first model's: the one that is meant to answer."""
        return self._models[0].label

    @property
    def is_language_model(self) -> bool:
        return any(model.is_language_model for model in self._models)

    def breakers(self) -> tuple[BreakerView, ...]:
        """How each model stands, in the order they are asked."""
        return views(self._breakers)

    async def reply(self, request: ModelRequest) -> ModelReply:
        """Raises the last model's ModelError, or ModelUnavailable where none may be asked."""
        problem: ModelError = ModelUnavailable("no model can be reached now")
        for model, breaker in zip(self._models, self._breakers, strict=True):
            leave = breaker.enter()
            if leave is None:
                continue
            last = model is self._models[-1]
            try:
                reply = await _asked(model, request, leave, last=last)
            except ModelError as error:
                log.warning("model %s did not answer: %s", model.label, type(error).__name__)
                problem = error
            else:
                return replace(reply, model=reply.model or model.label)
        raise problem

    async def close(self) -> None:
        await asyncio.gather(*(model.close() for model in self._models))


async def _asked(model: ChatModel, request: ModelRequest, leave: Pass, *, last: bool) -> ModelReply:
    """One model's reply, and what it tells of that model. Raises ModelError."""
    seconds = request.timeout_seconds * (1.0 if last else EARLIER_PART)
    bound = request.timeout_seconds * (LAST_PART if last else EARLIER_PART)
    try:
        async with asyncio.timeout(bound):
            reply = await model.reply(replace(request, timeout_seconds=seconds))
    except TimeoutError:
        leave.failed()
        raise ModelUnavailable(f"no answer in {bound:g} s") from None
    except ModelUnavailable as error:
        if error.refused:  # this one request alone: no outage for all the others
            leave.succeeded()
        else:
            leave.failed()
        raise
    except ModelOutputInvalid:
        leave.succeeded()
        raise
    else:
        leave.succeeded()
        return reply
    finally:
        leave.dropped()  # where none of the above was told: cut off, or a defect
