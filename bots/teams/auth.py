"""Proves that a delivery comes from the Connector, and gets the tokens that the agent shows it."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import RSAAlgorithm

from agent_core.errors import NotPermitted, PlatformUnavailable
from bots.teams.errors import KeysUnavailable, TokenRejected, refusal
from bots.teams.limits import CLOCK_LEEWAY_SECONDS

CONNECTOR_ISSUER: Final = "https://api.botframework.com"
CONNECTOR_SCOPE: Final = "https://api.botframework.com/.default"
_ALGORITHM: Final = "RS256"
_REQUIRED: Final = ("exp", "iss", "aud")
_REFRESH_EARLY_SECONDS: Final = 300.0
_KEPT_TOKENS: Final = 64

Monotonic = Callable[[], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorKey:
    """A published key, and the channels it may speak for."""

    public_key: RSAPublicKey
    endorsements: frozenset[str]


class KeySet:
    """The Connector's keys. Fetched when first needed, daily, and when an unknown id turns up.

    Fetches for unknown ids keep `gap_seconds` between them, and those before the first success
    `first_gap_seconds`, so that nobody can make us hammer the issuer. Old keys stay in use while
    the issuer cannot be reached.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        metadata_url: str,
        *,
        gap_seconds: float = 5.0,
        first_gap_seconds: float = 1.0,
        max_age_seconds: float = 86_400.0,
        timeout_seconds: float = 5.0,
        monotonic: Monotonic = time.monotonic,
    ) -> None:
        self._session = session
        self._metadata_url = metadata_url
        self._gap = gap_seconds
        self._first_gap = first_gap_seconds
        self._max_age = max_age_seconds
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        self._now = monotonic
        self._keys: Mapping[str, ConnectorKey] = {}
        self._fetched_at: float | None = None
        self._tried_at: float | None = None
        self._lock = asyncio.Lock()

    async def get(self, kid: str) -> ConnectorKey | None:
        """The key of this id, None where the issuer has none. Raises KeysUnavailable."""
        if self._is_fresh() and kid in self._keys:
            return self._keys[kid]
        seen = self._tried_at
        async with self._lock:
            if self._may_fetch(kid, seen):
                await self._refresh()
        if self._fetched_at is None:
            raise KeysUnavailable("the Connector's signing keys cannot be fetched")
        return self._keys.get(kid)

    def _is_fresh(self) -> bool:
        return self._fetched_at is not None and self._now() - self._fetched_at < self._max_age

    def _may_fetch(self, kid: str, seen: float | None) -> bool:
        if self._tried_at != seen:
            return False  # somebody else asked while we waited: theirs is the newest
        if self._is_fresh() and kid in self._keys:
            return False
        # Nothing can be verified before the first success, so that one is tried for more often.
        gap = self._first_gap if self._fetched_at is None else self._gap
        return self._tried_at is None or self._now() - self._tried_at >= gap

    async def _refresh(self) -> None:
        first = self._fetched_at is None
        try:
            metadata = await self._json(self._metadata_url)
            found = await self._json(str(metadata["jwks_uri"]))
            keys = _keys_in(found["keys"])
        except (aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError):
            return
        finally:  # also where it was broken off: who waits then does not ask once more
            self._tried_at = self._now()
        if first:  # it does not hold back the first fetch that an unknown id asks for
            self._tried_at -= self._gap
        self._keys, self._fetched_at = keys, self._now()

    async def _json(self, url: str) -> dict[str, Any]:
        async with self._session.get(url, timeout=self._timeout) as response:
            response.raise_for_status()
            decoded: dict[str, Any] = await response.json(content_type=None)
            return decoded


def _keys_in(entries: Sequence[Any]) -> dict[str, ConnectorKey]:
    """What can be read of the published keys. Raises ValueError where that is none of them."""
    keys: dict[str, ConnectorKey] = {}
    for entry in entries:
        if not isinstance(entry, dict) or entry.get("kty") != "RSA":
            continue
        try:
            kid, key = _key(entry)
        except (ValueError, KeyError, TypeError, AttributeError, jwt.PyJWTError):
            continue  # it speaks for nobody, and is no reason to take none of the others
        keys[kid] = key
    if not keys:
        raise ValueError("no key that can be read")
    return keys


def _key(entry: Mapping[str, Any]) -> tuple[str, ConnectorKey]:
    public_key = RSAAlgorithm.from_jwk(dict(entry))
    if not isinstance(public_key, RSAPublicKey):
        raise ValueError("a published key is private")
    endorsements = frozenset(map(str, entry.get("endorsements") or ()))
    return str(entry["kid"]), ConnectorKey(public_key=public_key, endorsements=endorsements)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Verified:
    claims: Mapping[str, Any]
    kid: str
    key: ConnectorKey


class ConnectorTokens:
    """Checks the bearer token of a delivery.

    Teams shows one token for about an hour, so that a verified one is kept: it is good while it
    has not ended and its key is published, and is looked at anew after each fetch of the keys.
    """

    def __init__(
        self, keys: KeySet, *, app_id: str, clock: Callable[[], float] = time.time
    ) -> None:
        self._keys = keys
        self._app_id = app_id
        self._clock = clock
        self._verified: OrderedDict[str, _Verified] = OrderedDict()

    async def verify(
        self, authorization: str | None, *, channel_id: str, service_url: str
    ) -> Mapping[str, Any]:
        """The claims. Raises TokenRejected, or KeysUnavailable where nothing can be checked."""
        verified = await self.prove(authorization)
        if channel_id not in verified.key.endorsements:
            raise TokenRejected("the key does not speak for this channel")
        if verified.claims.get("serviceurl") != service_url:
            raise TokenRejected("the serviceurl claim is not the activity's")
        return verified.claims

    async def prove(self, authorization: str | None) -> "_Verified":
        """The token as far as it goes without an activity: whose it is, for whom, and until when.

        Raises TokenRejected or KeysUnavailable.
        """
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token or not token.isascii():
            raise TokenRejected("no bearer token")
        return await self._known(token) or await self._verify(token)

    async def _known(self, token: str) -> _Verified | None:
        verified = self._verified.get(token)
        if verified is None:
            return None
        ended = float(verified.claims["exp"]) + CLOCK_LEEWAY_SECONDS <= self._clock()
        if ended or await self._keys.get(verified.kid) is not verified.key:
            self._verified.pop(token, None)
            return None
        return verified

    async def _verify(self, token: str) -> _Verified:
        kid = _kid_of(token)
        key = await self._keys.get(kid)
        if key is None:
            raise TokenRejected("unknown key")
        try:
            claims = jwt.decode(
                token,
                key.public_key,
                algorithms=[_ALGORITHM],
                audience=self._app_id,
                issuer=CONNECTOR_ISSUER,
                leeway=CLOCK_LEEWAY_SECONDS,
                options={"require": list(_REQUIRED)},
            )
        except jwt.PyJWTError as problem:
            raise TokenRejected(type(problem).__name__) from None
        verified = _Verified(claims=claims, kid=kid, key=key)
        self._verified[token] = verified
        while len(self._verified) > _KEPT_TOKENS:
            self._verified.popitem(last=False)
        return verified


def _kid_of(token: str) -> str:
    """Looked at before the signature, so that only likely tokens cause a fetch of keys."""
    try:
        header = jwt.get_unverified_header(token)
        claims = jwt.decode(token, options={"verify_signature": False})
    except jwt.PyJWTError:
        raise TokenRejected("not a token") from None
    if header.get("alg") != _ALGORITHM or claims.get("iss") != CONNECTOR_ISSUER:
        raise TokenRejected("wrong algorithm or issuer")
    kid = header.get("kid")
    if not isinstance(kid, str) or not kid:
        raise TokenRejected("the token names no key")
    return kid


class AccessTokens:
    """The app's own token for the Connector: one request at a time, renewed before it ends."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        token_url: str,
        app_id: str,
        app_password: str,
        scope: str = CONNECTOR_SCOPE,
        timeout_seconds: float = 10.0,
        monotonic: Monotonic = time.monotonic,
    ) -> None:
        self._session = session
        self._token_url = token_url
        self._form = {
            "grant_type": "client_credentials",
            "client_id": app_id,
            "client_secret": app_password,
            "scope": scope,
        }
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        self._now = monotonic
        self._token = ""
        self._renew_at = 0.0
        self._ends_at = 0.0
        self._lock = asyncio.Lock()

    async def get(self) -> str:
        """A token with time left. Raises NotPermitted, RateLimited or PlatformUnavailable."""
        if self._now() < self._renew_at:
            return self._token
        async with self._lock:
            if self._now() >= self._renew_at:
                try:
                    await self._fetch()
                except PlatformUnavailable:
                    # The old one still serves while the directory cannot be reached.
                    if self._now() >= self._ends_at:
                        raise
        return self._token

    def forget(self, token: str) -> None:
        """Not accepted any more: the next `get` asks for a new one."""
        if token == self._token:
            self._renew_at = self._ends_at = 0.0

    async def _fetch(self) -> None:
        try:
            async with self._session.post(
                self._token_url, data=self._form, timeout=self._timeout
            ) as response:
                answer = await response.json(content_type=None)
                status, headers = response.status, response.headers
        except (aiohttp.ClientError, TimeoutError, ValueError):
            raise PlatformUnavailable("the token endpoint cannot be reached") from None
        answer = answer if isinstance(answer, dict) else {}
        if status == 429 or status >= 500:
            raise refusal(status, "from the token endpoint", headers, changes_nothing=True)
        token = answer.get("access_token")
        if status != 200 or not isinstance(token, str):
            reason = answer.get("error") or status
            raise NotPermitted(
                f"no token for the Bot Connector ({reason}): check the app id, its password and"
                " the tenant"
            )
        lifetime = float(answer.get("expires_in") or 0)
        # A short-lived token is renewed halfway, not before it begins.
        early = min(_REFRESH_EARLY_SECONDS, lifetime / 2)
        self._token = token
        self._renew_at = self._now() + lifetime - early
        self._ends_at = self._now() + lifetime
