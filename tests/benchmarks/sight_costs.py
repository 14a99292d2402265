"""What being seen costs: all that an observer is told of one turn, by observer."""

import time
from collections.abc import Sequence
from typing import Final

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from prometheus_client import CollectorRegistry

from agent_core.telemetry import SILENT, Metric, Telemetry, here, within
from bots.sight.observer import Observer
from bots.sight.tracing import Tracing
from tests.benchmarks.processes import Json

TURNS: Final = 300
ROUNDS: Final = 7


class Nowhere(SpanExporter):
    """Takes spans and throws them away."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return SpanExportResult.SUCCESS


def told_of_a_turn(observer: Telemetry) -> None:
    """Four model calls, three reads, six commits and a send, as the service tells of them."""
    with observer.span("webhook slack", parent=""), observer.span("intake") as span:
        span.set("handrail.event", "InboundMessage")
        observer.count(Metric.DELIVERIES, "slack", "InboundMessage", "WorkForAgent")
        _commit(observer)
        trace = here().trace
    observer.observe(Metric.WAITING_SECONDS, 0.1)
    with observer.span("turn", parent=trace) as span, within(conversation="conv", turn="turn"):
        for name in ("gen_ai.operation.name", "gen_ai.conversation.id", "handrail.turn.id"):
            span.set(name, "value")
        for _ in range(4):
            _model_call(observer)
        for _ in range(3):
            _read(observer)
        for _ in range(5):
            _commit(observer)
    observer.count(Metric.TURNS, "replied")
    observer.observe(Metric.TURN_SECONDS, 1.0)
    with observer.span("send", parent=trace) as span:
        for name in ("messaging.system", "handrail.outgoing.id", "handrail.send.outcome"):
            span.set(name, "value")
    observer.count(Metric.SENDS, "slack", "sent")
    observer.observe(Metric.SEND_SECONDS, 0.1, "slack")


def _commit(observer: Telemetry) -> None:
    with observer.span("store.commit"):
        pass
    observer.observe(Metric.STORE_SECONDS, 0.001, "committed")


def _model_call(observer: Telemetry) -> None:
    with observer.span("chat model") as span:
        for name in ("gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.request.model"):
            span.set(name, "value")
        for kind in ("input", "cached", "output"):
            span.set(f"gen_ai.usage.{kind}_tokens", 100)
            observer.count(Metric.MODEL_TOKENS, "model", kind, by=100)
    observer.count(Metric.MODEL_CALLS, "model", "ok")
    observer.observe(Metric.MODEL_SECONDS, 0.1, "model")


def _read(observer: Telemetry) -> None:
    with observer.span("execute_tool show_account") as span:
        for name in ("gen_ai.operation.name", "gen_ai.tool.name", "handrail.tool.phase"):
            span.set(name, "value")
    observer.count(Metric.TOOL_RUNS, "show_account", "read", "succeeded")
    observer.observe(Metric.TOOL_SECONDS, 0.1, "show_account")


def measure() -> list[Json]:
    """Rows of {name, unit, ours, peers, ratio}. `ratio`: to nobody looking."""
    spans = Tracing(BatchSpanProcessor(Nowhere()))
    observers: dict[str, Telemetry] = {
        "nobody looks": SILENT,
        "metrics": Observer(CollectorRegistry()),
        "metrics and spans": Observer(CollectorRegistry(), spans),
    }
    found = {name: _milliseconds(observer) for name, observer in observers.items()}
    spans.close()
    silent = found["nobody looks"]
    return [
        {
            "name": f"being seen, a turn ({name})",
            "unit": "CPU ms per turn",
            "ours": round(figure, 3),
            "peers": {},
            "ratio": None if name == "nobody looks" else round(figure / silent, 1),
        }
        for name, figure in found.items()
    ]


def _milliseconds(observer: Telemetry) -> float:
    """The best of several rounds, by this thread's own clock: others may be busy."""
    rounds = []
    for _ in range(ROUNDS):
        began = time.thread_time()
        for _ in range(TURNS):
            told_of_a_turn(observer)
        rounds.append((time.thread_time() - began) / TURNS * 1000)
    return min(rounds)
