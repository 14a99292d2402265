"""Whatever comes to whichever door: no 5xx, nothing in the log, nothing stored of a stranger's."""

import logging
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bots import server
from bots.sight.readiness import Report
from bots.slack.adapter import SlackChannel
from playground import people
from tests.doors.payloads import encoded, recorded, spoilt
from tests.doors.senders import SLACK_FORGED, TEAMS_FORGED, slack_headers
from tests.doors.shapes import around
from tests.doors.wires import CUT, Request, sent
from tests.scenarios.wire import Wire, wired
from tests.slack.recording_receiver import RecordingReceiver

pytestmark = [
    pytest.mark.chaos,  # `make chaos` gives each door many more requests
    pytest.mark.asyncio(loop_scope="module"),
    # The service goes on with its own work, and its own randomness, while a request is drawn.
    pytest.mark.filterwarnings("ignore:Do not use the `random` module"),
    pytest.mark.filterwarnings("ignore:Generating overly large repr"),
]

ROUNDS = int(os.environ.get("HANDRAIL_CHAOS_ROUNDS", "1"))
SLACK, TEAMS = recorded("slack"), recorded("teams")
FORM = b"application/x-www-form-urlencoded"
JSON = b"application/json"

# One for each door: how a request to it begins. Doors that a setting opens stand here as well.
POSTED = {"/slack/events", "/api/messages"}
ASKED = {"/slack/install", "/slack/oauth_redirect", "/healthz", "/readyz", "/metrics"}
LINKS = {"/files/{token}"}


def fuzzed(examples: int) -> Any:
    """The settings of a test that sends `examples` requests in `make test`."""
    return settings(
        max_examples=examples * ROUNDS,
        deadline=None,
        database=None,
        derandomize=ROUNDS == 1,  # the same requests each time, but for `make chaos`
        suppress_health_check=list(HealthCheck),
    )


def rows(wire: Wire) -> dict[str, int]:
    """How many rows each table of each database of ours holds."""
    found: dict[str, int] = {}
    for url in (wire.settings.database_url, wire.settings.accounts_url):
        path = url.get_secret_value().removeprefix("sqlite:///")
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            names = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            for (name,) in names.fetchall():
                counted = database.execute(f'SELECT count(*) FROM "{name}"').fetchone()
                found[f"{Path(path).name}:{name}"] = counted[0]
    return found


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> Any:
    """Nothing that would wake an operator, and no traceback."""
    caplog.set_level(logging.INFO)
    yield
    records = caplog.get_records("call")  # `records` would be those of this fixture's own end
    noise = [r for r in records if r.exc_info or r.levelno >= logging.ERROR]
    # Replies to rooms that do not exist: a person is told, and so is the operator.
    told = [r for r in noise if r.getMessage() != "message not delivered" or r.exc_info]
    # Drawing a request holds up the loop that it shares with the service here.
    told = [r for r in told if r.name != "bots.sight.loop_watch"]
    assert [(r.name, r.getMessage(), r.exc_info) for r in told] == []


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def wire(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Wire]:
    """One service for all: the strangers come first, while nothing else is under way."""
    async with wired(tmp_path_factory.mktemp("wire")) as wire:
        yield wire


@asynccontextmanager
async def shop(folder: Path) -> AsyncIterator[str]:
    """The doors of a service that workspaces install themselves."""
    channel = a_shop(folder)
    app = server.application(channel.routes(), lambda: _nothing_wrong())
    try:
        async with server.listening(app, "127.0.0.1", 0) as address:
            yield address
    finally:
        await channel.stop()


def a_shop(folder: Path) -> SlackChannel:
    return SlackChannel(
        receiver=RecordingReceiver(),
        signing_secret=people.SLACK_SIGNING_SECRET,
        api_url="http://127.0.0.1:9/api/",
        client_id=people.SLACK_CLIENT_ID,
        client_secret=people.SLACK_CLIENT_SECRET,
        installation_database_url=f"sqlite:///{folder / 'slack.db'}",
        public_url="https://agent.example.com",
    )


async def _nothing_wrong() -> Report:
    return Report()


async def test_every_door_is_fuzzed(wire: Wire, tmp_path: Path) -> None:
    offered = set()
    channel = a_shop(tmp_path)
    for routes in (wire.service.routes(), channel.routes()):
        app = server.application(routes, wire.service.ready)
        offered |= {r.resource.canonical for r in app.router.routes() if r.resource}
    await channel.stop()
    assert offered - POSTED - ASKED - LINKS == set(), "give each new door a case above"
    assert {"/slack/events", "/api/messages", "/slack/install", "/readyz"} <= offered


# --- Slack ---


@st.composite
def slack_bodies(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """(content type, body): an event, an interaction or a command, more or less."""
    name, payload = draw(st.sampled_from(SLACK))
    payload = draw(spoilt(payload))
    if name == "slash_command":
        flat = {key: value for key, value in payload.items() if isinstance(value, str)}
        return FORM, urlencode(flat, errors="replace").encode()
    body = draw(encoded(payload))
    if draw(st.booleans()) if "event" not in payload else draw(st.integers(0, 9)) == 0:
        return FORM, urlencode({"payload": body}).encode()
    return JSON, body


def to_slack(kind: bytes, body: bytes, headers: list[tuple[bytes, bytes]]) -> Request:
    base = [(b"Host", b"agent.example.com"), (b"Content-Type", kind), *headers]
    return Request(target=b"/slack/events", headers=base, body=body)


@fuzzed(70)
@given(data=st.data())
async def test_slack_door_takes_nothing_from_a_stranger(wire: Wire, data: st.DataObject) -> None:
    kind, body = data.draw(slack_bodies())
    forged = data.draw(st.sampled_from(sorted(SLACK_FORGED)))
    request = data.draw(around(to_slack(kind, body, SLACK_FORGED[forged](body))))
    before = rows(wire)
    status = await sent(wire.address, request)
    assert status == CUT or status < 500
    # Slack's look at the certificate is unsigned, and the only thing that is answered so.
    assert status >= 400 or status == CUT or b"ssl_check" in request.body
    assert rows(wire) == before


# --- Teams ---


@st.composite
def teams_bodies(draw: st.DrawFn, service_url: str) -> bytes:
    _, payload = draw(st.sampled_from(TEAMS))
    return draw(encoded(draw(spoilt(payload | {"serviceUrl": service_url}))))


def to_teams(body: bytes, authorization: bytes) -> Request:
    base = [(b"Host", b"agent.example.com"), (b"Content-Type", JSON)]
    if authorization:
        base.append((b"Authorization", authorization))
    return Request(target=b"/api/messages", headers=base, body=body)


@fuzzed(70)
@given(data=st.data())
async def test_teams_door_takes_nothing_from_a_stranger(wire: Wire, data: st.DataObject) -> None:
    body = data.draw(teams_bodies(wire.teams.service_url))
    forged = data.draw(st.sampled_from(sorted(TEAMS_FORGED)))
    request = data.draw(around(to_teams(body, TEAMS_FORGED[forged](wire.teams))))
    before = rows(wire)
    status = await sent(wire.address, request)
    assert status == CUT or 400 <= status < 500
    assert rows(wire) == before


# --- what anybody may ask ---


@st.composite
def questions(draw: st.DrawFn, paths: list[str]) -> Request:
    path = draw(st.sampled_from(paths)).encode()
    method = draw(st.sampled_from(["GET", "GET", "POST"]))
    value = st.binary(max_size=4) | st.sampled_from([b"x", b"%ED%A0%80", b'"a\\377"'])
    named = {name: draw(value) for name in ("state", "code")}
    query = b"?" + b"&".join(name.encode() + b"=" + found for name, found in named.items())
    cookie = b"handrail-slack-install=" + draw(st.just(named["state"]) | value)
    headers = [(b"Host", b"agent.example.com"), (b"Cookie", cookie)]
    body = draw(st.sampled_from([b"", b"x=1"]))
    return draw(around(Request(method=method, target=path + query, headers=headers, body=body)))


@fuzzed(50)
@given(data=st.data())
async def test_open_doors_answer_anybody_and_keep_nothing(wire: Wire, data: st.DataObject) -> None:
    links = [f"/files/{token}" for token in ("x", "%00", "..%2f..%2fetc%2fpasswd", "a" * 5_000)]
    request = data.draw(questions([*sorted(ASKED), *links, "/", "/slack", "//"]))
    before = rows(wire)
    status = await sent(wire.address, request)
    assert status == CUT or status < 500
    assert rows(wire) == before


@fuzzed(50)
@given(data=st.data())
async def test_install_doors_install_nothing_for_a_stranger(
    tmp_path: Path, data: st.DataObject
) -> None:
    request = data.draw(questions(["/slack/install", "/slack/oauth_redirect"]))
    async with shop(tmp_path) as address:
        status = await sent(address, request)
    assert status == CUT or status < 500
    # Nothing was looked up and nothing kept: the tables are not even made.
    assert not (tmp_path / "slack.db").exists()


# --- what the platforms themselves might send ---


@fuzzed(70)
@given(data=st.data())
async def test_slack_door_survives_what_slack_might_sign(wire: Wire, data: st.DataObject) -> None:
    kind, body = data.draw(slack_bodies())
    request = data.draw(around(to_slack(kind, body, slack_headers(body))))
    status = await sent(wire.address, request)
    assert status == CUT or status < 500


@fuzzed(70)
@given(data=st.data())
async def test_teams_door_survives_what_the_connector_might_sign(
    wire: Wire, data: st.DataObject
) -> None:
    url = wire.teams.service_url
    token = (wire.teams.channel_tokens.header(url) or "").encode()
    request = data.draw(around(to_teams(data.draw(teams_bodies(url)), token)))
    status = await sent(wire.address, request)
    assert status == CUT or status < 500
