"""Faults: chosen by server and method, counted down, and seen by a real client."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession, ServerDisconnectedError, web
from aiohttp.test_utils import BaseTestServer, TestServer

from playground.faults import (
    Fault,
    FaultKind,
    FaultRegistry,
    add_fault_routes,
    answer_with_fault,
)


def test_a_fault_counts_down_and_is_gone() -> None:
    registry = FaultRegistry()
    registry.add(Fault(server="slack", method="chat.postMessage", kind=FaultKind.SLOW, times=2))
    assert registry.take("slack", "chat.update") is None
    assert registry.take("teams", "chat.postMessage") is None
    assert registry.take("slack", "chat.postMessage") is not None
    assert registry.pending()[0].times == 1
    assert registry.take("slack", "chat.postMessage") is not None
    assert registry.take("slack", "chat.postMessage") is None
    assert registry.happened() == {"slack chat.postMessage slow": 2}


def test_any_method_until_cleared_for_one_server_only() -> None:
    registry = FaultRegistry()
    registry.add(Fault(server="slack", kind=FaultKind.SERVER_ERROR, times=None))
    registry.add(Fault(server="teams", kind=FaultKind.SLOW))
    for _ in range(5):
        assert registry.take("slack", "auth.test") is not None
    registry.clear("slack")
    assert registry.take("slack", "auth.test") is None
    assert [fault.server for fault in registry.pending()] == ["teams"]


@pytest.mark.parametrize("field", [{"times": 0}, {"status": 200}, {"delay_seconds": -1.0}])
def test_nonsense_is_refused(field: dict[str, float]) -> None:
    with pytest.raises(ValueError):
        Fault(server="slack", kind=FaultKind.SLOW, **field)  # type: ignore[arg-type]


class Counter:
    """A server with one route whose effect is a count."""

    def __init__(self) -> None:
        self.effects = 0
        self.registry = FaultRegistry()
        self.app = web.Application()
        self.app.router.add_post("/do", self.do)
        add_fault_routes(self.app, self.registry, "counter")

    async def do(self, request: web.Request) -> web.StreamResponse:
        async def effect() -> web.StreamResponse:
            self.effects += 1
            return web.json_response({"effects": self.effects})

        return await answer_with_fault(request, self.registry.take("counter", "do"), effect)


@pytest.fixture
async def counter() -> AsyncIterator[tuple[Counter, BaseTestServer, ClientSession]]:
    subject = Counter()
    async with TestServer(subject.app) as server, ClientSession() as session:
        yield subject, server, session


async def test_each_kind_over_http(counter: tuple[Counter, BaseTestServer, ClientSession]) -> None:
    subject, server, session = counter
    url, faults = server.make_url("/do"), server.make_url("/playground/counter/faults")

    async def arm(**body: object) -> None:
        async with session.post(faults, json=body) as answer:
            assert answer.status == 200

    await arm(kind="rate_limited", retry_after_seconds=7)
    async with session.post(url) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (429, "7")
    await arm(kind="server_error", status=502)
    async with session.post(url) as answer:
        assert answer.status == 502
    await arm(kind="drop_request")
    with pytest.raises((ServerDisconnectedError, ConnectionResetError)):
        await session.post(url)
    assert subject.effects == 0
    await arm(kind="drop_answer")
    with pytest.raises((ServerDisconnectedError, ConnectionResetError)):
        await session.post(url)
    assert subject.effects == 1
    for effects, kind in ((2, "slow"), (3, "slow_answer")):
        await arm(kind=kind, delay_seconds=0.01)
        async with session.post(url) as answer:
            assert await answer.json() == {"effects": effects}


@pytest.mark.parametrize(
    "body", [[], {}, {"kind": "explode"}, {"kind": "slow", "times": "2"}, {"kind": "slow", "x": 1}]
)
async def test_a_bad_order_is_explained(
    counter: tuple[Counter, BaseTestServer, ClientSession], body: object
) -> None:
    subject, server, session = counter
    async with session.post(server.make_url("/playground/counter/faults"), json=body) as answer:
        assert answer.status == 400
        assert (await answer.json())["error"]
    assert subject.registry.pending() == []
