"""Ports with an observer beside them: the store's transactions and the model's calls."""

from collections.abc import Callable
from time import perf_counter
from typing import Final, TypeVar

from agent_core.errors import ConversationChanged, ModelError
from agent_core.ports import (
    ChatModel,
    ModelReply,
    ModelRequest,
    Store,
    UnitOfWork,
)
from agent_core.telemetry import Metric, Span, Telemetry, here

T = TypeVar("T")
_NAME: Final = 100  # of what an endpoint calls its model


class WatchedStore:
    """`ports.Store` over another. A span only inside a trace: sweeps and looks have none."""

    def __init__(self, store: Store, telemetry: Telemetry) -> None:
        self._store = store
        self._telemetry = telemetry

    async def run(self, fn: Callable[[UnitOfWork], T]) -> T:
        began, outcome = perf_counter(), "rolled_back"
        try:
            if here().trace:
                with self._telemetry.span("store.commit"):
                    result = await self._store.run(fn)
            else:
                result = await self._store.run(fn)
            outcome = "committed"
            return result
        except ConversationChanged:
            outcome = "redone"  # somebody was faster; the caller reads again
            raise
        finally:
            self._telemetry.observe(Metric.STORE_SECONDS, perf_counter() - began, outcome)

    async def close(self) -> None:
        await self._store.close()


class WatchedModel:
    """`ports.ChatModel` over another. What is said in either direction is never looked at."""

    def __init__(self, model: ChatModel, telemetry: Telemetry) -> None:
        self._model = model
        self._telemetry = telemetry

    @property
    def label(self) -> str:
        return self._model.label

    @property
    def is_language_model(self) -> bool:
        return self._model.is_language_model

    async def reply(self, request: ModelRequest) -> ModelReply:
        name, began, outcome = self.label, perf_counter(), "cut_off"
        with self._telemetry.span(f"chat {name}") as span:
            span.set("gen_ai.operation.name", "chat")
            span.set("gen_ai.provider.name", "openai" if self.is_language_model else "handrail")
            span.set("gen_ai.request.model", name)
            span.set("gen_ai.request.max_tokens", request.max_output_tokens)
            try:
                reply = await self._model.reply(request)
                outcome = "ok"
            except ModelError as error:
                outcome = type(error).__name__
                raise
            finally:
                self._telemetry.count(Metric.MODEL_CALLS, name, outcome)
                self._telemetry.observe(Metric.MODEL_SECONDS, perf_counter() - began, name)
            self._tell(span, name, reply)
        return reply

    def _tell(self, span: Span, name: str, reply: ModelReply) -> None:
        usage = reply.usage
        for kind, tokens, attribute in (
            ("input", usage.input_tokens, "gen_ai.usage.input_tokens"),
            ("cached", usage.cached_tokens, "gen_ai.usage.cache_read.input_tokens"),
            ("output", usage.output_tokens, "gen_ai.usage.output_tokens"),
        ):
            if tokens > 0:
                self._telemetry.count(Metric.MODEL_TOKENS, name, kind, by=tokens)
            span.set(attribute, tokens)
        if reply.answered_by:
            span.set("gen_ai.response.model", reply.answered_by[:_NAME])
        if reply.finish:
            span.set("gen_ai.response.finish_reasons", (reply.finish[:_NAME],))

    async def close(self) -> None:
        await self._model.close()
