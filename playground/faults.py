"""Faults on demand: what a stand-in's next answers should do wrong, and how it does it.

One `FaultRegistry` serves any number of stand-ins. A fault is chosen by server ("slack", "teams",
"payments") and method ("chat.postMessage", "POST /v1/refunds"; "*" is any), applies to the next
`times` calls (`None`: until cleared), oldest first, and is taken at most once per call.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from aiohttp import web

ANY_METHOD = "*"
Answer = Callable[[], Awaitable[web.StreamResponse]]


class FaultKind(StrEnum):
    """What goes wrong. DROP_ANSWER, SLOW and SLOW_ANSWER let the call have its effect."""

    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    DROP_ANSWER = "drop_answer"
    DROP_REQUEST = "drop_request"
    SLOW = "slow"
    SLOW_ANSWER = "slow_answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault: `retry_after_seconds` for RATE_LIMITED, `status` for SERVER_ERROR, `delay_seconds`
    for SLOW and SLOW_ANSWER. `times=None` means until cleared."""

    server: str
    kind: FaultKind
    method: str = ANY_METHOD
    times: int | None = 1
    status: int = 503
    retry_after_seconds: int = 1
    delay_seconds: float = 4.0

    def __post_init__(self) -> None:
        if self.times is not None and self.times < 1:
            raise ValueError("times must be at least 1, or null for every call until cleared")
        if not 500 <= self.status <= 599:
            raise ValueError(f"status must be between 500 and 599, not {self.status}")
        if self.retry_after_seconds < 0 or self.delay_seconds < 0:
            raise ValueError("retry_after_seconds and delay_seconds must not be negative")


class FaultRegistry:
    """The faults still to happen, oldest first, and a count of those that did."""

    def __init__(self) -> None:
        self._pending: list[Fault] = []
        self._happened: dict[str, int] = {}

    def add(self, fault: Fault) -> None:
        """Arms a fault behind those already armed."""
        self._pending.append(fault)

    def clear(self, server: str | None = None) -> None:
        """Disarms every fault, or those of one server."""
        self._pending = [f for f in self._pending if server is not None and f.server != server]

    def pending(self, server: str | None = None) -> list[Fault]:
        """The armed faults, with the calls each has left in `times`."""
        return [f for f in self._pending if server is None or f.server == server]

    def happened(self) -> dict[str, int]:
        """How often each fault was taken, by "server method kind"."""
        return dict(self._happened)

    def take(self, server: str, method: str) -> Fault | None:
        """The fault of this call, used up by one; None when the call should go well."""
        for at, fault in enumerate(self._pending):
            if fault.server != server or fault.method not in (ANY_METHOD, method):
                continue
            if fault.times == 1:
                del self._pending[at]
            elif fault.times is not None:
                self._pending[at] = replace(fault, times=fault.times - 1)
            label = f"{server} {method} {fault.kind}"
            self._happened[label] = self._happened.get(label, 0) + 1
            return fault
        return None


async def answer_with_fault(
    request: web.Request, fault: Fault | None, answer: Answer
) -> web.StreamResponse:
    """Answers as `answer` does, or as the fault says.

    RATE_LIMITED and SERVER_ERROR answer without effect; DROP_REQUEST cuts the connection without
    effect; DROP_ANSWER lets the effect happen and then cuts it; SLOW waits before the effect,
    SLOW_ANSWER between the effect and the answer.
    """
    if fault is None:
        return await answer()
    match fault.kind:
        case FaultKind.RATE_LIMITED:
            return web.json_response(
                {"ok": False, "error": "ratelimited"},
                status=429,
                headers={"Retry-After": str(fault.retry_after_seconds)},
            )
        case FaultKind.SERVER_ERROR:
            return web.json_response({"ok": False, "error": "fault"}, status=fault.status)
        case FaultKind.SLOW:
            await asyncio.sleep(fault.delay_seconds)
            return await answer()
        case FaultKind.SLOW_ANSWER:
            response = await answer()
            await asyncio.sleep(fault.delay_seconds)
            return response
        case FaultKind.DROP_ANSWER:
            response = await answer()
            _cut(request)
            return response
        case FaultKind.DROP_REQUEST:
            _cut(request)
            return web.Response(status=503)


def _cut(request: web.Request) -> None:
    # abort() and not close(): close would still flush what is buffered.
    if request.transport is not None:
        request.transport.abort()


def add_fault_routes(app: web.Application, registry: FaultRegistry, server: str) -> None:
    """Adds GET, POST and DELETE `/playground/<server>/faults`.

    POST takes {kind, method?, times?, status?, retry_after_seconds?, delay_seconds?}; all three
    answer {"pending": [fault…], "happened": {"server method kind": count}}. Bad input: 400 {error}.
    """

    def state() -> web.Response:
        pending = [asdict(fault) for fault in registry.pending(server)]
        return web.json_response({"pending": pending, "happened": registry.happened()})

    async def show(_: web.Request) -> web.Response:
        return state()

    async def arm(request: web.Request) -> web.Response:
        try:
            registry.add(fault_from_json(server, await request.json()))
        except (ValueError, TypeError) as problem:
            return web.json_response({"error": str(problem)}, status=400)
        return state()

    async def disarm(_: web.Request) -> web.Response:
        registry.clear(server)
        return state()

    path = f"/playground/{server}/faults"
    app.router.add_get(path, show)
    app.router.add_post(path, arm)
    app.router.add_delete(path, disarm)


_FIELD_TYPES: dict[str, tuple[type, ...]] = {
    "method": (str,),
    "times": (int, type(None)),
    "status": (int,),
    "retry_after_seconds": (int,),
    "delay_seconds": (int, float),
}


def fault_from_json(server: str, body: Any) -> Fault:
    """A fault from a decoded JSON object; ValueError or TypeError says what is wrong with it."""
    if not isinstance(body, dict):
        raise TypeError("send a JSON object with at least `kind`")
    kinds = ", ".join(FaultKind)
    fields = {name: value for name, value in body.items() if name not in ("kind", "server")}
    for name, value in fields.items():
        if name not in _FIELD_TYPES:
            raise ValueError(f"unknown field `{name}`; known: kind, {', '.join(_FIELD_TYPES)}")
        if not isinstance(value, _FIELD_TYPES[name]) or isinstance(value, bool):
            raise TypeError(f"`{name}` has the wrong type")
    if body.get("kind") not in list(FaultKind):
        raise ValueError(f"`kind` must be one of: {kinds}")
    return Fault(server=server, kind=FaultKind(body["kind"]), **fields)
