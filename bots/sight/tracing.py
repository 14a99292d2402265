"""Spans by OpenTelemetry: made where an exporter is set, and sent over OTLP/HTTP."""

from contextlib import AbstractContextManager
from contextvars import Token
from importlib.metadata import version
from types import TracebackType
from typing import Final

from opentelemetry import trace as otel
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
)
from opentelemetry.trace.propagation import set_span_in_context
from opentelemetry.util.re import parse_env_headers

from agent_core.telemetry import Here, Span, enter_trace, here, leave_trace, trace_id
from bots.settings import TraceSettings

_LIMITS: Final = SpanLimits(max_span_attributes=32, max_span_attribute_length=256, max_links=64)
_KINDS: Final = {"webhook": SpanKind.SERVER, "chat": SpanKind.CLIENT, "send": SpanKind.CLIENT}


class Tracing:
    """Opens spans. The traceparent in force is that of the newest open span."""

    def __init__(self, *processors: SpanProcessor) -> None:
        """Sampling, limits and resource follow the standard OTEL_ variables."""
        resource = Resource.create(
            {"service.name": "handrail", "service.version": version("handrail")}
        )
        self._provider = TracerProvider(
            resource=resource, span_limits=_LIMITS, shutdown_on_exit=False
        )
        for processor in processors:
            self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("handrail")

    def span(self, name: str, *, parent: str | None = None) -> AbstractContextManager[Span]:
        """See `agent_core.telemetry.Telemetry.span`."""
        above = here().trace if parent is None else parent
        return OpenSpan(self._tracer, name, context_of(above))

    def close(self) -> None:
        """Sends what is left. Blocks, at most some seconds."""
        self._provider.shutdown()


def exporting(settings: TraceSettings) -> Tracing:
    """Spans over OTLP/HTTP, in batches and from a thread of their own.

    What cannot be sent is thrown away: 2,048 spans wait at most. Timeouts, compression,
    certificates, batches and sampling follow the standard OTEL_ variables.
    """
    headers = settings.headers.get_secret_value() if settings.headers else ""
    exporter = OTLPSpanExporter(
        endpoint=settings.endpoint,
        headers=parse_env_headers(headers, liberal=True) if headers else None,
    )
    return Tracing(BatchSpanProcessor(exporter))


class OpenSpan:
    """One span, while it is open: a context manager that is its own Span."""

    __slots__ = ("_above", "_dropped", "_name", "_span", "_token", "_tracer")

    def __init__(self, tracer: otel.Tracer, name: str, above: SpanContext | None) -> None:
        self._tracer = tracer
        self._name = name
        self._above = above
        self._dropped = False
        self._token: Token[Here] | None = None
        self._span: otel.Span = otel.INVALID_SPAN

    def __enter__(self) -> Span:
        context = Context()
        if self._above is not None:
            context = set_span_in_context(NonRecordingSpan(self._above), context)
        kind = _KINDS.get(self._name.partition(" ")[0], SpanKind.INTERNAL)
        self._span = self._tracer.start_span(self._name, context, kind)
        self._token = enter_trace(traceparent(self._span.get_span_context()))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is not None:
            self.failed(kind.__name__)
        if self._token is not None:
            leave_trace(self._token)
        if not self._dropped:  # what never ends is never sent
            self._span.end()

    def set(self, name: str, value: str | int | float | bool | tuple[str, ...]) -> None:
        self._span.set_attribute(name, value)

    def link(self, trace: str | None) -> None:
        context = context_of(trace or "")
        if context is not None:
            self._span.add_link(context)

    def failed(self, kind: str) -> None:
        # Never `record_exception`: an error's text may hold what a customer wrote.
        self._span.set_status(Status(StatusCode.ERROR))
        self._span.set_attribute("error.type", kind)

    def drop(self) -> None:
        self._dropped = True


def traceparent(context: SpanContext) -> str:
    """The span as W3C writes it."""
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"


def context_of(trace: str) -> SpanContext | None:
    """The span that a traceparent names; None where it names none."""
    if not trace_id(trace):
        return None
    _, whole, span, flags = trace.split("-")
    try:
        found = SpanContext(int(whole, 16), int(span, 16), True, TraceFlags(int(flags, 16)))
    except ValueError:
        return None
    return found if found.is_valid else None
