"""Installing through OAuth: what is stored, who may come back, and what is forgotten."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import ClientSession, CookieJar, web
from aiohttp.test_utils import TestServer
from slack_sdk.oauth.installation_store import Installation

from agent_core.errors import ConfigurationError, NotPermitted
from agent_core.messages import InboundMessage, OutgoingId
from bots.slack.adapter import SlackChannel
from bots.slack.api import SlackApi
from bots.slack.identity import Workspace
from bots.slack.install import InstalledWorkspaces, installed_workspaces
from bots.slack.manifest import manifest, manifest_yaml
from playground import people
from playground.slack_api.world import SlackWorld
from tests.contracts.platform_adapter import a_note
from tests.slack.conftest import House
from tests.slack.recording_receiver import RecordingReceiver
from tests.slack.test_sender import ADDRESS, CHANNEL, our_posts

TOKEN = "xoxb-very-secret-token-" + "x" * 200
TEAM = people.VENDOR_TEAM.team_id


def a_store(path: Path, secret: str = "s3cret") -> InstalledWorkspaces:
    return installed_workspaces(
        database_url=f"sqlite:///{path}",
        client_id=people.SLACK_CLIENT_ID,
        secret=secret,
        api=SlackApi(),
    )


def an_installation(team_id: str = TEAM, token: str = TOKEN, at: float = 1.0) -> Installation:
    return Installation(
        team_id=team_id,
        user_id="U1",
        bot_token=token,
        bot_id="B1",
        bot_user_id="U0BOT",
        app_id="A1",
        user_token="xoxp-also-secret",
        installed_at=at,
    )


def held(path: Path) -> str:
    with sqlite3.connect(path) as connection:
        return "\n".join(connection.iterdump())


async def test_tokens_are_sealed_and_come_back(tmp_path: Path) -> None:
    path = tmp_path / "slack.db"
    store = a_store(path)
    await store.save(an_installation())
    assert "secret-token" not in held(path) and "also-secret" not in held(path)
    again = a_store(path)
    found = await again.get(TEAM)
    assert found is not None and found.bot_token == TOKEN
    assert (found.bot_id, found.bot_user_id, found.app_id) == ("B1", "U0BOT", "A1")
    assert TOKEN not in repr(found)
    assert await again.get("T0OTHER") is None
    by_bot = await again.of_bot("B1")
    assert by_bot is not None and by_bot.team_id == TEAM
    assert await again.of_bot("") is None
    await store.close()
    await again.close()


async def test_another_key_opens_nothing_and_says_what_to_do(tmp_path: Path) -> None:
    store = a_store(tmp_path / "slack.db")
    await store.save(an_installation())
    with pytest.raises(NotPermitted, match="install the app again"):
        await a_store(tmp_path / "slack.db", secret="other").get(TEAM)


async def test_an_installation_that_comes_while_one_looks_is_served_by_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = a_store(tmp_path / "slack.db")
    looks, has_looked, may_end = store._latest, asyncio.Event(), asyncio.Event()

    async def slow_at_first(*, team_id: str = "", bot_id: str = "") -> Workspace | None:
        found = await looks(team_id=team_id, bot_id=bot_id)
        if found is None:
            has_looked.set()
            await may_end.wait()
        return found

    monkeypatch.setattr(store, "_latest", slow_at_first)
    before = asyncio.create_task(store.get(TEAM))
    await has_looked.wait()
    await store.save(an_installation())
    assert await store.get(TEAM) is not None
    may_end.set()
    assert await before is None
    assert (await store.get(TEAM)) is not None
    await store.close()


async def test_the_newest_installation_counts_and_forgetting_is_for_good(tmp_path: Path) -> None:
    path = tmp_path / "slack.db"
    store = a_store(path)
    await store.save(an_installation(token="xoxb-old", at=1.0))
    await store.save(an_installation(token="xoxb-new", at=2.0))
    found = await store.get(TEAM)
    assert found is not None and found.bot_token == "xoxb-new"
    await store.forget(TEAM)
    assert await store.get(TEAM) is None
    assert TEAM not in held(path)


@pytest.fixture
async def shop(world: tuple[SlackWorld, str], tmp_path: Path) -> AsyncIterator[House]:
    """The service that workspaces install themselves."""
    slack, api_url = world
    receiver = RecordingReceiver()
    channel = SlackChannel(
        receiver=receiver,
        signing_secret=people.SLACK_SIGNING_SECRET,
        api_url=api_url,
        client_id=people.SLACK_CLIENT_ID,
        client_secret=people.SLACK_CLIENT_SECRET,
        installation_database_url=f"sqlite:///{tmp_path / 'slack.db'}",
        authorize_url=api_url.replace("/api/", "/oauth/v2/authorize"),
        public_url="http://127.0.0.1",
    )
    app = web.Application()
    app.add_routes(channel.routes())
    jar = CookieJar(unsafe=True)
    async with TestServer(app) as server, ClientSession(cookie_jar=jar) as session:
        url = str(server.make_url("/slack/events"))
        slack.courier.request_url = url
        yield House(world=slack, channel=channel, receiver=receiver, url=url, session=session)
        await slack.settled()
        await channel.stop()


async def consent(shop: House) -> str:
    """Follows the browser to Slack's page and returns the query that it is sent back with."""
    install = shop.url.replace("/events", "/install")
    async with shop.session.get(install, allow_redirects=False) as answer:
        assert answer.status == 302
        page = answer.headers["Location"]
    async with shop.session.get(page, allow_redirects=False) as answer:
        assert answer.status == 302
        return urlsplit(answer.headers["Location"]).query


async def test_a_workspace_installs_and_is_served(shop: House) -> None:
    body = {"type": "event_callback", "team_id": TEAM, "event": {"type": "message"}}
    assert (await shop.post(json.dumps(body)))[0] == 403
    back = shop.url.replace("/events", "/oauth_redirect") + "?" + await consent(shop)
    async with shop.session.get(back) as answer:
        assert answer.status == 200
        assert "Installed" in await answer.text()
    shop.world.say(people.NORTHWIND_OWNER.user_id, CHANNEL, "hello", mention=True)
    await shop.world.settled()
    assert len(shop.receiver.of(InboundMessage)) == 2
    await shop.channel.sender.post(ADDRESS, a_note("hi"), OutgoingId("out_1"))
    assert len(our_posts(shop.world.state.channels[CHANNEL])) == 1
    uninstalled = body | {"event": {"type": "app_uninstalled"}}
    assert (await shop.post(json.dumps(uninstalled)))[0] == 200
    assert (await shop.post(json.dumps(body)))[0] == 403


@pytest.mark.parametrize(
    ("query", "cookie"),
    [
        ("error=access_denied", True),
        ("code=c", True),
        ("code=c&state=forged", True),
        ("right", False),
    ],
)
async def test_only_the_browser_that_asked_may_install(
    shop: House, query: str, cookie: bool
) -> None:
    right = await consent(shop)
    assert parse_qs(right)["state"]
    if not cookie:
        shop.session.cookie_jar.clear()
    asked = right if query == "right" else query
    back = shop.url.replace("/events", "/oauth_redirect")
    async with shop.session.get(f"{back}?{asked}") as answer:
        assert answer.status == 400
        assert "Not installed" in await answer.text()
    assert [c for c in shop.world.workspace.calls if c["method"] == "oauth.v2.access"] == []


async def test_a_code_that_slack_does_not_know_installs_nothing(shop: House) -> None:
    state = parse_qs(await consent(shop))["state"][0]
    back = shop.url.replace("/events", "/oauth_redirect")
    async with shop.session.get(back, params={"code": "wrong", "state": state}) as answer:
        assert answer.status == 400
    assert await shop.channel.team_id() is None


def test_what_is_missing_is_told_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        SlackChannel(receiver=RecordingReceiver(), signing_secret="s")
    assert len(caught.value.mistakes) == 3


def test_the_manifest_names_every_address() -> None:
    whole = manifest("https://agent.example/")
    url = "https://agent.example/slack/events"
    assert whole["settings"]["event_subscriptions"]["request_url"] == url
    assert whole["settings"]["interactivity"]["request_url"] == url
    assert whole["features"]["slash_commands"][0]["url"] == url
    assert not whole["settings"]["socket_mode_enabled"]
    assert "chat:write" in manifest_yaml("https://agent.example")
    alone = manifest(None)
    assert alone["settings"]["socket_mode_enabled"]
    assert "http" not in json.dumps(alone)
