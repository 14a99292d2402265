"""The service's observer: metrics always, spans where an exporter is set."""

from contextlib import AbstractContextManager
from typing import Protocol

from prometheus_client import CollectorRegistry

from agent_core.telemetry import SILENT, Metric, Span
from bots.sight.metrics import Metrics


class Tracer(Protocol):
    """What opens spans, and sends them."""

    def span(self, name: str, *, parent: str | None = None) -> AbstractContextManager[Span]: ...
    def close(self) -> None: ...


class Observer:
    """`agent_core.telemetry.Telemetry`. `tracer` None: the ids are made, and no spans."""

    def __init__(self, registry: CollectorRegistry, tracer: Tracer | None = None) -> None:
        self.registry = registry
        self.metrics = Metrics(registry)
        self._tracer = tracer
        self._span = tracer.span if tracer is not None else SILENT.span

    def span(self, name: str, *, parent: str | None = None) -> AbstractContextManager[Span]:
        return self._span(name, parent=parent)

    def count(self, metric: Metric, *labels: str, by: int = 1) -> None:
        self.metrics.count(metric, *labels, by=by)

    def observe(self, metric: Metric, seconds: float, *labels: str) -> None:
        self.metrics.observe(metric, seconds, *labels)

    def close(self) -> None:
        """Sends the spans that are left. Blocks, at most some seconds."""
        if self._tracer is not None:
            self._tracer.close()
