"""Who signs a request: Slack or the Connector in truth, or somebody who would like to be."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt import PyJWK

from playground import people
from playground.teams_api.tokens import CONNECTOR_ISSUER, TokenKind, new_key
from playground.teams_api.world import TeamsWorld

Headers = list[tuple[bytes, bytes]]


def slack_headers(
    body: bytes, *, at: str = "", secret: str = people.SLACK_SIGNING_SECRET
) -> Headers:
    """As Slack signs."""
    moment = at or str(int(time.time()))
    mark = hmac.new(secret.encode(), b"v0:%s:%s" % (moment.encode(), body), hashlib.sha256)
    return [
        (b"X-Slack-Request-Timestamp", moment.encode()),
        (b"X-Slack-Signature", b"v0=" + mark.hexdigest().encode()),
    ]


def _ago(seconds: int) -> str:
    return str(int(time.time()) - seconds)


def _without(name: bytes) -> Callable[[bytes], Headers]:
    return lambda body: [pair for pair in slack_headers(body) if pair[0] != name]


def _replaced(name: bytes, value: bytes) -> Callable[[bytes], Headers]:
    return lambda body: [(n, value if n == name else v) for n, v in slack_headers(body)]


SLACK_FORGED: dict[str, Callable[[bytes], Headers]] = {
    "nothing": lambda body: [],
    "no signature": _without(b"X-Slack-Signature"),
    "no time": _without(b"X-Slack-Request-Timestamp"),
    "stale": lambda body: slack_headers(body, at=_ago(400)),
    "of the future": lambda body: slack_headers(body, at=_ago(-400)),
    "another secret": lambda body: slack_headers(body, secret="guessed"),
    "an empty secret": lambda body: slack_headers(body, secret=""),
    "another body": lambda body: slack_headers(body + b" "),
    "another time": lambda body: [
        slack_headers(body, at=_ago(10))[0],
        slack_headers(body, at=_ago(20))[1],
    ],
    "short": lambda body: [(n, v[:20]) for n, v in slack_headers(body)],
    "another version": _replaced(b"X-Slack-Signature", b"v1=" + b"0" * 64),
    "bytes": _replaced(b"X-Slack-Signature", b"v0=\xff\xfe\x80"),
    "a time in bytes": _replaced(b"X-Slack-Request-Timestamp", b"\xd9\xa1\xd9\xa2"),
    "a huge time": _replaced(b"X-Slack-Request-Timestamp", b"9" * 4000),
    "a time below zero": _replaced(b"X-Slack-Request-Timestamp", b"-1700000000"),
}


def _part(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _claims(world: TeamsWorld, **changes: object) -> dict[str, Any]:
    now = int(time.time())
    claims = {
        "iss": CONNECTOR_ISSUER,
        "aud": people.TEAMS_APP_ID,
        "exp": now + 3600,
        "nbf": now - 60,
        "serviceurl": world.service_url,
    }
    return claims | changes


_STRANGER = new_key("msteams")


def _by_stranger(header: dict[str, object], claims: dict[str, Any]) -> bytes:
    """Signed with a key that nobody published."""
    from jwt.algorithms import RSAAlgorithm

    signed = f"{_part(header)}.{_part(claims)}"
    mark = RSAAlgorithm(RSAAlgorithm.SHA256).sign(signed.encode(), _STRANGER.private_key)
    return f"Bearer {signed}.{_part(mark)}".encode()


def _confused(world: TeamsWorld) -> bytes:
    """HMAC keyed with the published public key, for those who take the header's word."""
    published = PyJWK(world.channel_tokens.jwks()["keys"][0]).key
    pem = published.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    header = {"alg": "HS256", "kid": world.channel_tokens.kid}
    signed = f"{_part(header)}.{_part(_claims(world))}"
    mark = hmac.new(pem, signed.encode(), hashlib.sha256).digest()
    return f"Bearer {signed}.{_part(mark)}".encode()


def _of_kind(kind: TokenKind) -> Callable[[TeamsWorld], bytes]:
    return lambda w: (w.channel_tokens.header(w.service_url, kind) or "").encode()


def _altered(world: TeamsWorld) -> bytes:
    """The Connector's own mark under other claims."""
    head, _, mark = (world.channel_tokens.header(world.service_url) or "").split(".")
    return f"{head}.{_part(_claims(world, serviceurl='https://evil.invalid/'))}.{mark}".encode()


def _own_key(name: str) -> Callable[[TeamsWorld], bytes]:
    """The header brings its own key, or says where one is."""
    values = {"jwk": _STRANGER.jwk(), "jku": "https://evil.invalid/keys", "x5u": "http://[::1"}
    return lambda w: _by_stranger(
        {"alg": "RS256", "kid": w.channel_tokens.kid, name: values[name]}, _claims(w)
    )


def _plain_header(
    header: object, claims: object, mark: bytes = b"x"
) -> Callable[[TeamsWorld], bytes]:
    return lambda w: f"Bearer {_part(header)}.{_part(claims)}.{_part(mark)}".encode()


TEAMS_FORGED: dict[str, Callable[[TeamsWorld], bytes]] = {
    **{kind.value: _of_kind(kind) for kind in TokenKind if kind is not TokenKind.VALID},
    "key confusion": _confused,
    "altered": _altered,
    **{f"own {name}": _own_key(name) for name in ("jwk", "jku", "x5u")},
    "kid is a path": lambda w: _by_stranger({"alg": "RS256", "kid": "../keys"}, _claims(w)),
    "kid is a list": lambda w: _by_stranger({"alg": "RS256", "kid": [1]}, _claims(w)),
    "alg in a list": lambda w: _by_stranger({"alg": ["none"], "kid": "k"}, _claims(w)),
    "audience of many": lambda w: _by_stranger(
        {"alg": "RS256", "kid": w.channel_tokens.kid}, _claims(w, aud=["x", people.TEAMS_APP_ID])
    ),
    "deep claims": _plain_header(
        {"alg": "RS256", "kid": "k"}, b'{"iss":' + b"[" * 4_000 + b"]" * 4_000 + b"}"
    ),
    "deep header": _plain_header(b"[" * 4_000, {}),
    "claims are a list": _plain_header({"alg": "RS256", "kid": "k"}, [1, 2]),
    "claims are bytes": _plain_header({"alg": "RS256", "kid": "k"}, b"\xff\xfe"),
    "critical": _plain_header({"alg": "RS256", "kid": "k", "crit": ["x"], "b64": False}, {}),
    "bytes": lambda w: b"Bearer \xff\xfe.\x80.\x80",
    "many dots": lambda w: b"Bearer " + b"." * 4_000,
    "another scheme": lambda w: b"Basic " + base64.b64encode(b"a:b"),
    "no token": lambda w: b"Bearer",
    "empty": lambda w: b"",
}
