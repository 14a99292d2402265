"""A collector of spans on loopback: takes what the exporter sends over OTLP/HTTP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from playground.loopback import serving


@dataclass(slots=True)
class Collector:
    """All spans that arrived, and the headers they came with."""

    spans: list[Span] = field(default_factory=list)
    authorizations: list[str] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        found = ExportTraceServiceRequest.FromString(await request.read())
        self.authorizations.append(request.headers.get("Authorization", ""))
        for resource in found.resource_spans:
            for scope in resource.scope_spans:
                self.spans += scope.spans
        return web.Response(body=b"")

    def of_trace(self, trace_id: str) -> list[Span]:
        """Its spans, in the order in which they began."""
        found = [span for span in self.spans if span.trace_id.hex() == trace_id]
        return sorted(found, key=lambda span: span.start_time_unix_nano)


def attributes(span: Span) -> dict[str, object]:
    """As a plain mapping; lists become tuples."""
    plain: dict[str, object] = {}
    for pair in span.attributes:
        kind = pair.value.WhichOneof("value")
        value = getattr(pair.value, str(kind))
        if kind == "array_value":
            value = tuple(one.string_value for one in value.values)
        plain[pair.key] = value
    return plain


@asynccontextmanager
async def collecting() -> AsyncIterator[tuple[Collector, str]]:
    """A collector and its address."""
    collector = Collector()
    app = web.Application()
    app.add_routes([web.post("/v1/traces", collector.take)])
    async with serving(app) as address:
        yield collector, address
