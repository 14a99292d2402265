"""Whatever is malformed, unsigned, stale or foreign is turned away: 4xx, and nothing stored."""

import hashlib
import hmac
import json
import logging
import sqlite3
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from playground import people
from playground.teams_api.delivery import DeliveryOptions
from playground.teams_api.tokens import TokenKind
from tests.scenarios.wire import Wire, wired

NOW = "now"


@pytest.fixture
async def wire(tmp_path: Path) -> AsyncIterator[Wire]:
    async with wired(tmp_path) as wire:
        yield wire


def stored(wire: Wire) -> dict[str, int]:
    """How many rows each of our tables holds."""
    path = wire.settings.database_url.get_secret_value().removeprefix("sqlite:///")
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
        names = [
            row[0]
            for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            if row[0].startswith("hr_") or row[0] == "workflow_status"
        ]
        return {
            name: database.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in names
        }


def signed(
    body: bytes, *, at: str = NOW, secret: str = people.SLACK_SIGNING_SECRET
) -> dict[str, str]:
    moment = str(int(time.time())) if at == NOW else at
    base = b"v0:" + moment.encode() + b":" + body
    mark = hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()
    return {
        "X-Slack-Request-Timestamp": moment,
        "X-Slack-Signature": f"v0={mark}",
        "Content-Type": "application/json",
    }


def mention(team: str = "T0ACME") -> bytes:
    event = {
        "type": "event_callback",
        "team_id": team,
        "api_app_id": people.SLACK_APP_ID,
        "event_id": "Ev0BAD",
        "event_time": int(time.time()),
        "authorizations": [{"team_id": team, "user_id": people.SLACK_BOT_USER_ID, "is_bot": True}],
        "event": {
            "type": "app_mention",
            "user": people.GLOBEX_OWNER.user_id,
            "team": "T0GLOBEX",
            "text": f"<@{people.SLACK_BOT_USER_ID}> cancel everything",
            "ts": "1795340000.000100",
            "channel": people.GLOBEX_ROOM.channel_id,
        },
    }
    return json.dumps(event).encode()


async def posted(wire: Wire, path: str, body: bytes, headers: dict[str, str]) -> int:
    async with (
        aiohttp.ClientSession() as session,
        session.post(wire.address + path, data=body, headers=headers) as response,
    ):
        await response.read()
        return response.status


def noise(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """What an operator would be woken by."""
    return [r for r in caplog.records if r.exc_info or r.levelno >= logging.ERROR]


SLACK_BAD: dict[str, Any] = {
    "unsigned": lambda: (mention(), {"Content-Type": "application/json"}),
    "wrong secret": lambda: (mention(), signed(mention(), secret="guessed")),
    "other body": lambda: (mention() + b" ", signed(mention())),
    "stale": lambda: (mention(), signed(mention(), at=str(int(time.time()) - 600))),
    "from the future": lambda: (mention(), signed(mention(), at=str(int(time.time()) + 600))),
    "no number": lambda: (mention(), signed(mention(), at="soon")),
    "not JSON": lambda: (b"{nope", signed(b"{nope")),
    "a list": lambda: (b"[1,2]", signed(b"[1,2]")),
    "empty": lambda: (b"", signed(b"")),
    "not UTF-8": lambda: (b"\xff\xfe", signed(b"\xff\xfe")),
    "foreign workspace": lambda: (mention("T0ELSE"), signed(mention("T0ELSE"))),
    "too large": lambda: (b"{" + b" " * 2_000_000 + b"}", signed(b"{" + b" " * 2_000_000 + b"}")),
}


async def test_slack_turns_away(wire: Wire, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    before = stored(wire)
    for case, made in SLACK_BAD.items():
        status = await posted(wire, "/slack/events", *made())
        assert 400 <= status < 500, (case, status)
    assert stored(wire) == before
    assert not noise(caplog)


async def test_slack_takes_the_same_with_a_good_signature(wire: Wire) -> None:
    before = stored(wire)
    assert await posted(wire, "/slack/events", mention(), signed(mention())) == 200
    assert stored(wire) != before


TEAMS_BAD_BODIES = {
    "not JSON": b"{nope",
    "a list": b"[]",
    "null": b"null",
    "no conversation": b'{"type":"message","serviceUrl":"http://127.0.0.1/"}',
    "empty": b"",
}


async def test_teams_turns_away(wire: Wire, caplog: pytest.LogCaptureFixture) -> None:
    before = stored(wire)
    headers = {"Content-Type": "application/json", "Authorization": "Bearer nonsense"}
    for case, body in TEAMS_BAD_BODIES.items():
        status = await posted(wire, "/api/messages", body, headers)
        assert 400 <= status < 500, (case, status)
    for kind in TokenKind:
        if kind is not TokenKind.VALID:
            await said_in_teams(wire, DeliveryOptions(token=kind))
    assert stored(wire) == before
    assert not noise(caplog)


async def test_teams_turns_away_a_foreign_tenant(wire: Wire) -> None:
    before = stored(wire)
    foreign = "0e15e000-0000-4000-8000-00000000ffff"
    await said_in_teams(wire, DeliveryOptions(tenant_id=foreign))
    assert stored(wire) == before


async def said_in_teams(wire: Wire, options: DeliveryOptions) -> None:
    """Somebody writes, in this way; every attempt is refused with 4xx."""
    person = people.TEAMS_COLLEAGUE.teams_id
    room = wire.teams.open_chat(person)
    await wire.teams.settled()
    wire.teams.post(person, room.id, "what plan is Globex on?", options=options)
    await wire.teams.settled()
    last = wire.teams.courier.log[-1]
    assert last.status is not None and 400 <= last.status < 500, last


async def test_what_is_no_door_is_404(wire: Wire) -> None:
    async with aiohttp.ClientSession() as session:
        for path in ("/", "/nope", "/slack", "/files/none"):
            async with session.get(wire.address + path) as response:
                assert response.status == 404


async def test_health_and_readiness(wire: Wire) -> None:
    async with aiohttp.ClientSession() as session:
        async with session.get(wire.address + "/healthz") as response:
            assert response.status == 200
        # Ready once the first look for unfinished work is over, which runs beside the start.
        await wire.until(lambda: wire.service.reconciler.has_swept)
        async with session.get(wire.address + "/readyz") as response:
            assert (await response.json()) == {"ready": True, "problems": []}
