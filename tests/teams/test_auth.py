"""Keys and tokens over time: renewed early, asked for once, kept while the issuer is away."""

import asyncio

import pytest
from aiohttp import ClientSession, web

from agent_core.errors import NotPermitted, PlatformUnavailable, RateLimited
from bots.teams.auth import AccessTokens, ConnectorTokens, KeySet
from bots.teams.errors import KeysUnavailable, TokenRejected
from playground.loopback import serving
from playground.teams_api.tokens import ChannelTokens, TokenKind

APP = "0acec10d-0000-4000-8000-0000000000b0"
URL = "https://smba.trafficmanager.net/emea/"


class Time:
    """A clock that tests move."""

    def __init__(self):
        self.now = 1_000.0

    def __call__(self):
        return self.now


class Issuer:
    """Both issuers, counting what is asked of them."""

    def __init__(self):
        self.tokens = ChannelTokens(app_id=APP)
        self.fetches = 0
        self.grants = 0
        self.lifetime = 3600
        self.status = 200
        self.strange = []

    def app(self):
        app = web.Application()
        app.router.add_get("/openid", self.metadata)
        app.router.add_get("/keys", self.keys)
        app.router.add_post("/token", self.token)
        return app

    async def metadata(self, request):
        self.fetches += 1
        if self.status != 200:
            return web.Response(status=self.status)
        return web.json_response({"jwks_uri": f"http://{request.host}/keys"})

    async def keys(self, _):
        published = self.tokens.jwks()
        return web.json_response({"keys": [*self.strange, *published["keys"]]})

    async def token(self, _):
        self.grants += 1
        if self.status != 200:
            headers = {"Retry-After": "9"}
            return web.json_response({"error": "nope"}, status=self.status, headers=headers)
        answer = {"access_token": f"t{self.grants}", "expires_in": self.lifetime}
        return web.json_response(answer)


@pytest.fixture(scope="module")
def signing():
    """Made once: RSA keys take a while."""
    return Issuer().tokens


@pytest.fixture
async def parts(signing):
    issuer, clock = Issuer.__new__(Issuer), Time()
    issuer.tokens, issuer.fetches, issuer.grants = signing, 0, 0
    issuer.lifetime, issuer.status, issuer.strange = 3600, 200, []
    async with serving(issuer.app()) as base, ClientSession() as session:
        keys = KeySet(session, f"{base}/openid", gap_seconds=5, monotonic=clock)
        access = AccessTokens(
            session, token_url=f"{base}/token", app_id=APP, app_password="p", monotonic=clock
        )
        yield issuer, clock, keys, access


async def test_keys_are_fetched_once_for_many(parts):
    issuer, _, keys, _ = parts
    found = await asyncio.gather(*(keys.get(issuer.tokens.kid) for _ in range(20)))
    assert None not in found and issuer.fetches == 1


async def test_unknown_ids_cause_one_fetch_in_each_gap(parts):
    issuer, clock, keys, _ = parts
    await keys.get(issuer.tokens.kid)
    for _ in range(5):
        assert await keys.get("stranger") is None
    assert issuer.fetches == 2
    clock.now += 5
    await keys.get("stranger")
    assert issuer.fetches == 3


async def test_old_keys_serve_while_the_issuer_is_away(parts):
    issuer, clock, keys, _ = parts
    await keys.get(issuer.tokens.kid)
    issuer.status = 500
    clock.now += 90_000
    assert await keys.get(issuer.tokens.kid) is not None
    assert issuer.fetches == 2


@pytest.mark.parametrize(
    "strange", ["words", 7, None, {"kty": "RSA"}, {"kty": "RSA", "kid": "x", "n": 1, "e": []}]
)
async def test_a_key_that_cannot_be_read_speaks_for_nobody_and_hides_no_other(parts, strange):
    issuer, _, keys, _ = parts
    issuer.strange = [strange]
    assert await keys.get(issuer.tokens.kid) is not None


async def test_without_any_keys_nothing_can_be_said(parts):
    issuer, clock, keys, _ = parts
    issuer.status = 500
    with pytest.raises(KeysUnavailable):
        await keys.get(issuer.tokens.kid)
    issuer.status = 200
    clock.now += 1
    assert await keys.get(issuer.tokens.kid) is not None


async def test_many_who_wait_for_the_first_keys_share_one_try_in_each_gap(parts):
    issuer, clock, keys, _ = parts
    issuer.status = 500
    for _ in range(2):
        told = await asyncio.gather(*(keys.get("x") for _ in range(20)), return_exceptions=True)
        assert {type(one) for one in told} == {KeysUnavailable}
        assert issuer.fetches == 1
    clock.now += 1
    with pytest.raises(KeysUnavailable):
        await keys.get("x")
    assert issuer.fetches == 2


async def test_a_verified_token_is_kept_until_it_ends_and_no_longer(parts):
    import time

    issuer, _, keys, _ = parts
    wall = Time()
    wall.now = time.time()
    checker = ConnectorTokens(keys, app_id=APP, clock=wall)
    header = issuer.tokens.header(URL)
    claims = await checker.verify(header, channel_id="msteams", service_url=URL)
    again = await checker.verify(header, channel_id="msteams", service_url=URL)
    assert again is claims
    for channel_id, service_url in (("directline", URL), ("msteams", "https://other/")):
        with pytest.raises(TokenRejected):
            await checker.verify(header, channel_id=channel_id, service_url=service_url)
    # Past its end the kept one counts no more: it is verified anew.
    wall.now += 3600 + 301
    anew = await checker.verify(header, channel_id="msteams", service_url=URL)
    assert anew is not claims


async def test_a_kept_token_ends_with_its_key(parts):
    issuer, _, keys, _ = parts
    issuer.tokens = ChannelTokens(app_id=APP)
    checker = ConnectorTokens(keys, app_id=APP)
    header = issuer.tokens.header(URL)
    await checker.verify(header, channel_id="msteams", service_url=URL)
    issuer.tokens.roll(keep_old=False)
    await checker.verify(issuer.tokens.header(URL), channel_id="msteams", service_url=URL)
    with pytest.raises(TokenRejected):
        await checker.verify(header, channel_id="msteams", service_url=URL)


@pytest.mark.parametrize("kind", [TokenKind.EXPIRED, TokenKind.NO_EXPIRY, TokenKind.WRONG_KEY])
async def test_bad_tokens_are_not_kept(parts, kind):
    issuer, _, keys, _ = parts
    checker = ConnectorTokens(keys, app_id=APP)
    header = issuer.tokens.header(URL, kind)
    for _ in range(2):
        with pytest.raises(TokenRejected):
            await checker.verify(header, channel_id="msteams", service_url=URL)


async def test_an_access_token_is_asked_for_once_and_renewed_before_it_ends(parts):
    issuer, clock, _, access = parts
    assert set(await asyncio.gather(*(access.get() for _ in range(20)))) == {"t1"}
    clock.now += 3299
    assert await access.get() == "t1"
    clock.now += 2
    assert await access.get() == "t2"
    assert issuer.grants == 2


async def test_an_old_token_serves_while_the_directory_is_away(parts):
    issuer, clock, _, access = parts
    await access.get()
    issuer.status = 503
    clock.now += 3400
    assert await access.get() == "t1"
    clock.now += 300
    with pytest.raises(PlatformUnavailable) as away:
        await access.get()
    assert away.value.maybe_accepted is False


async def test_short_lived_tokens_are_used_for_half_their_time(parts):
    issuer, clock, _, access = parts
    issuer.lifetime = 60
    await access.get()
    clock.now += 29
    assert await access.get() == "t1"
    clock.now += 2
    assert await access.get() == "t2"


async def test_a_forgotten_token_is_replaced(parts):
    _, _, _, access = parts
    access.forget(await access.get())
    access.forget("some other")
    assert await access.get() == "t2"


@pytest.mark.parametrize(("status", "error"), [(400, NotPermitted), (401, NotPermitted)])
async def test_a_refused_app_is_told_to_check_its_settings(parts, status, error):
    issuer, _, _, access = parts
    issuer.status = status
    with pytest.raises(error, match="nope"):
        await access.get()


async def test_a_busy_directory_says_how_long_to_wait(parts):
    issuer, _, _, access = parts
    issuer.status = 429
    with pytest.raises(RateLimited) as limited:
        await access.get()
    assert limited.value.retry_after_seconds == 9
