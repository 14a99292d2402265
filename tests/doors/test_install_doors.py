"""The two install pages: a state serves one browser, once and for ten minutes, and nobody else."""

import logging
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import ClientSession, DummyCookieJar
from cryptography.fernet import Fernet

from bots import server
from bots.sight.readiness import Report
from bots.slack.adapter import SlackChannel
from bots.slack.install import seal_from
from bots.slack.oauth import SlackInstaller
from playground import people
from playground.slack_api.app import running
from playground.slack_api.world import SlackWorld
from tests.doors.wires import Request, sent
from tests.slack.recording_receiver import RecordingReceiver

COOKIE = "handrail-slack-install"


@dataclass(slots=True, kw_only=True)
class Shop:
    """A service that workspaces install themselves, and a browser without a memory."""

    world: SlackWorld
    address: str
    browser: ClientSession

    async def begin(self) -> tuple[str, str]:
        """(the state, the address of Slack's consent page)"""
        async with self.browser.get(f"{self.address}/slack/install", allow_redirects=False) as page:
            assert page.status == 302
            cookie: SimpleCookie = page.cookies
            return cookie[COOKIE].value, page.headers["Location"]

    async def consent(self, page: str) -> str:
        """The code that Slack's page sends back."""
        async with self.browser.get(page, allow_redirects=False) as answer:
            return parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0]

    async def back(self, *, state: str, code: str, cookie: str | None) -> tuple[int, str]:
        """(status, page) of coming back from Slack."""
        headers = {"Cookie": f"{COOKIE}={cookie}"} if cookie is not None else {}
        asked = {"state": state, "code": code}
        address = f"{self.address}/slack/oauth_redirect"
        async with self.browser.get(address, params=asked, headers=headers) as answer:
            return answer.status, await answer.text()

    def exchanges(self) -> int:
        """How often a code was taken to Slack."""
        return sum(call["method"] == "oauth.v2.access" for call in self.world.workspace.calls)


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    world = SlackWorld(retry_delays=(0.0,))
    async with running(world) as slack:
        channel = SlackChannel(
            receiver=RecordingReceiver(),
            signing_secret=people.SLACK_SIGNING_SECRET,
            api_url=f"{slack}/api/",
            client_id=people.SLACK_CLIENT_ID,
            client_secret=people.SLACK_CLIENT_SECRET,
            installation_database_url=f"sqlite:///{tmp_path / 'slack.db'}",
            authorize_url=f"{slack}/oauth/v2/authorize",
            public_url="https://agent.example.com",
        )
        app = server.application(channel.routes(), _fine)
        async with (
            server.listening(app, "127.0.0.1", 0) as address,
            ClientSession(cookie_jar=DummyCookieJar()) as browser,
        ):
            yield Shop(world=world, address=address, browser=browser)
        await channel.stop()


async def _fine() -> Report:
    return Report()


async def test_a_state_installs_once(shop: Shop) -> None:
    state, page = await shop.begin()
    code = await shop.consent(page)
    assert (await shop.back(state=state, code=code, cookie=state))[0] == 200
    # The browser keeps the cookie against our wish, and comes back with another code.
    status, words = await shop.back(state=state, code=await shop.consent(page), cookie=state)
    assert (status, shop.exchanges()) == (400, 1)
    assert "Not installed" in words


@pytest.mark.parametrize("case", ["forged", "expired", "of another", "no cookie", "no state"])
async def test_a_state_that_is_not_this_browsers_reaches_nobody(shop: Shop, case: str) -> None:
    state, page = await shop.begin()
    other, _ = await shop.begin()
    code = await shop.consent(page)
    seal = seal_from(f"oauth state {people.SLACK_SIGNING_SECRET}")
    given: dict[str, tuple[str, str | None]] = {
        "forged": (forged := Fernet(Fernet.generate_key()).encrypt(b"x" * 16).decode(), forged),
        "expired": (old := seal.encrypt_at_time(b"x" * 16, 1_700_000_000).decode(), old),
        "of another": (state, other),
        "no cookie": (state, None),
        "no state": ("", ""),
    }
    asked, cookie = given[case]
    status, words = await shop.back(state=asked, code=code, cookie=cookie)
    assert (status, shop.exchanges()) == (400, 0)
    assert "Not installed" in words


@pytest.mark.parametrize("value", [b"\xff\xfe", b'"a\\377"', b"x\x80y", b"\xc3\xa4"])
async def test_a_cookie_of_odd_bytes_is_refused(
    shop: Shop, value: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    asked = b"/slack/oauth_redirect?code=y&state=" + (b"%C3%A4" if value == b"\xc3\xa4" else b"x")
    cookie = (b"Cookie", COOKIE.encode() + b"=" + value)
    request = Request(method="GET", target=asked, headers=[(b"Host", b"x"), cookie])
    assert await sent(shop.address, request) == 400
    assert [r for r in caplog.records if r.levelno >= logging.WARNING] == []


async def test_what_comes_in_is_on_no_page_and_in_no_log(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    state, _ = await shop.begin()
    code = "<script>alert(1)</script>"
    status, words = await shop.back(state=state, code=code, cookie=state)
    assert (status, shop.exchanges()) == (400, 1)
    assert "script" not in words and state not in words
    ours = "\n".join(r.getMessage() for r in caplog.records if r.name.startswith("bots"))
    assert "script" not in ours and state not in ours


async def test_the_browser_is_sent_to_slack_and_nowhere_else(shop: Shop) -> None:
    asked = f"{shop.address}/slack/install?redirect_uri=https://evil.invalid&client_id=evil"
    async with shop.browser.get(
        asked, allow_redirects=False, headers={"Host": "evil.invalid"}
    ) as page:
        place = urlsplit(page.headers["Location"])
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert re.search("HttpOnly", page.headers["Set-Cookie"])
        assert re.search("Secure", page.headers["Set-Cookie"])
    assert place.path == "/oauth/v2/authorize"
    assert parse_qs(place.query)["client_id"] == [people.SLACK_CLIENT_ID]
    back = "https://agent.example.com/slack/oauth_redirect"
    assert parse_qs(place.query)["redirect_uri"] == [back]


def test_the_page_of_consent_is_slacks_own_unless_a_test_says_otherwise() -> None:
    from bots.slack import oauth

    assert oauth.AUTHORIZE_URL == "https://slack.com/oauth/v2/authorize"
    assert SlackInstaller.__init__.__kwdefaults__ is None  # nobody forgets to say which page
