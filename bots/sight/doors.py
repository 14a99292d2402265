"""The HTTP side of sight: a span and a time for each delivery, and /metrics."""

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from time import monotonic, perf_counter
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from bots.sight.observer import Observer

# The doors that platforms call; what is asked of others is nobody's request.
DOORS: Final = {"/slack/events": "slack", "/api/messages": "teams"}
FRESH_SECONDS: Final = 1.0  # however often it is asked, it is drawn once a second
_FORWARDED: Final = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via")
_THIS_MACHINE_ALONE: Final = (
    "Metrics are served to this machine alone. To serve them to others, set "
    "HANDRAIL_METRICS_TOKEN and send it as a bearer token.\n"
)
_NAME_YOURSELF: Final = "Send HANDRAIL_METRICS_TOKEN as a bearer token.\n"


def observing(observer: Observer) -> Middleware:
    """Each delivery of a platform is a trace of its own; nobody outside chooses its id."""

    @web.middleware
    async def observe(request: web.Request, handler: Handler) -> web.StreamResponse:
        door = DOORS.get(request.path)
        if door is None or request.method != "POST":
            return await handler(request)
        began, status = perf_counter(), 500
        with observer.span(f"webhook {door}", parent="") as span:
            span.set("http.request.method", "POST")
            span.set("http.route", request.path)
            try:
                response = await handler(request)
                status = response.status
            except web.HTTPException as refused:
                status = refused.status
                raise
            finally:
                span.set("http.response.status_code", status)
                if 400 <= status < 500:  # not ours: whoever floods us fills no tracing
                    span.drop()
                elif status >= 500:
                    span.failed(str(status))
                seconds = perf_counter() - began
                observer.metrics.ack.labels(door, f"{status // 100}xx").observe(seconds)
        return response

    return observe


class MetricsDoor:
    """`GET /metrics`. With a token: for whoever sends it. Without: for this machine alone.

    `refresh` brings what is read from rows up to date; it keeps its own pace.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        *,
        token: str | None,
        on_loopback: bool,
        refresh: Callable[[], Awaitable[None]],
    ) -> None:
        self._registry = registry
        self._token = token
        self._on_loopback = on_loopback
        self._refresh = refresh
        self._lock = asyncio.Lock()
        self._drawn = b""
        self._drawn_at = float("-inf")

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/metrics", self.handle, allow_head=False)]

    async def handle(self, request: web.Request) -> web.Response:
        """403 or 401 with a sentence, else Prometheus' text."""
        if self._token is None:
            # A proxy on this machine would open it to everybody, so what it forwards is refused.
            if not self._on_loopback or any(name in request.headers for name in _FORWARDED):
                return web.Response(status=403, text=_THIS_MACHINE_ALONE)
        elif not self._has_token(request.headers.get("Authorization", "")):
            return web.Response(
                status=401, text=_NAME_YOURSELF, headers={"WWW-Authenticate": "Bearer"}
            )
        async with self._lock:
            if monotonic() - self._drawn_at >= FRESH_SECONDS:
                await self._refresh()
                self._drawn = await asyncio.to_thread(generate_latest, self._registry)
                self._drawn_at = monotonic()
        return web.Response(body=self._drawn, headers={"Content-Type": CONTENT_TYPE_LATEST})

    def _has_token(self, header: str) -> bool:
        scheme, _, given = header.partition(" ")
        expected = (self._token or "").encode()
        fits = hmac.compare_digest(given.strip().encode("utf-8", "replace"), expected)
        return fits and scheme.lower() == "bearer"
