"""The supervisor's routes: only this machine's pages may ask, and lists have their limits."""

from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from agent_core.errors import StoreError
from bots.demo.inspect_server import application


class Fake:
    """Remembers what was asked."""

    def __init__(self) -> None:
        self.limits: list[int] = []
        self.kills = 0

    def status(self) -> dict[str, Any]:
        return {"kills": self.kills}

    async def proposals(self, limit: int) -> list[dict[str, Any]]:
        self.limits.append(limit)
        return [{"id": "one"}]

    async def ledger(self, limit: int) -> list[dict[str, Any]]:
        raise StoreError("the database refused: OperationalError")

    async def accounts(self) -> list[dict[str, Any]]:
        return []

    async def kill_worker(self) -> None:
        self.kills += 1


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Origin": "http://127.0.0.1:8400"}, 200),
        ({"Origin": "http://localhost"}, 200),
        ({"Origin": "https://foreign.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Host": "foreign.example"}, 403),
    ],
)
async def test_who_may_ask(headers: dict[str, str], status: int) -> None:
    fake = Fake()
    async with TestClient(TestServer(application(fake))) as client:
        answer = await client.post("/demo/kill-worker", headers=headers)
        assert answer.status == status
    assert fake.kills == (1 if status == 200 else 0)


@pytest.mark.parametrize(
    ("text", "limit"), [("", 20), ("7", 7), ("0", 1), ("9999", 200), ("-3", 20), ("x", 20)]
)
async def test_limits(text: str, limit: int) -> None:
    fake = Fake()
    async with TestClient(TestServer(application(fake))) as client:
        answer = await client.get("/demo/proposals", params={"limit": text})
        assert await answer.json() == [{"id": "one"}]
    assert fake.limits == [limit]


async def test_what_cannot_be_read_is_said() -> None:
    async with TestClient(TestServer(application(Fake()))) as client:
        answer = await client.get("/demo/ledger")
        assert answer.status == 503
        assert "the database refused" in (await answer.json())["error"]
