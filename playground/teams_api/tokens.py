"""The tokens of the stand-in: key rings, what the Connector signs, what the bot must present."""

import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

CONNECTOR_ISSUER = "https://api.botframework.com"
CONNECTOR_AUDIENCE = "https://api.botframework.com"
CONNECTOR_SCOPE = "https://api.botframework.com/.default"
FOREIGN_SERVICE_URL = "https://smba.example.invalid/foreign/"
MULTI_TENANT_AUTHORITY = "botframework.com"


class TokenKind(StrEnum):
    """How a delivery is signed. Everything but `VALID` must be refused by the bot with 4xx."""

    VALID = "valid"
    UNSIGNED = "unsigned"  # no Authorization header at all
    ALG_NONE = "alg_none"  # header says "none", empty signature
    HS256 = "hs256"  # symmetric, keyed with the app id
    GARBAGE = "garbage"  # "Bearer not-a-token"
    EXPIRED = "expired"  # ended an hour ago, beyond every leeway
    NOT_YET_VALID = "not_yet_valid"  # begins in an hour
    NO_EXPIRY = "no_expiry"
    WRONG_AUDIENCE = "wrong_audience"
    WRONG_ISSUER = "wrong_issuer"
    WRONG_SERVICE_URL = "wrong_service_url"
    WRONG_KEY = "wrong_key"  # a published kid, signed with another key
    UNKNOWN_KEY = "unknown_key"  # a kid that the JWKS does not have
    NOT_ENDORSED = "not_endorsed"  # a published key without the msteams endorsement


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """One RSA key with the id and the endorsements under which it is published."""

    kid: str
    private_key: rsa.RSAPrivateKey
    endorsements: tuple[str, ...]

    def jwk(self) -> dict[str, Any]:
        """The public half as the JWKS shows it."""
        public: dict[str, Any] = json.loads(RSAAlgorithm.to_jwk(self.private_key.public_key()))
        public.pop("key_ops", None)
        shown = {**public, "kty": "RSA", "use": "sig", "kid": self.kid, "x5t": self.kid}
        return {**shown, "endorsements": list(self.endorsements)} if self.endorsements else shown


def new_key(*endorsements: str) -> SigningKey:
    """A fresh 2048-bit key with a random id."""
    private_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return SigningKey(
        kid=uuid.uuid4().hex[:27], private_key=private_key, endorsements=tuple(endorsements)
    )


class ChannelTokens:
    """What the Connector signs its deliveries with: two published keys, roll-over on demand."""

    def __init__(self, *, app_id: str, lifetime_seconds: int = 3600) -> None:
        self._app_id = app_id
        self._lifetime = lifetime_seconds
        self._current = new_key("msteams", "webchat")
        self._unendorsed = new_key("webchat")
        self._published = [self._current, self._unendorsed]

    @cached_property
    def _stranger(self) -> SigningKey:
        return new_key("msteams")  # never published; making a key takes a while

    @property
    def kid(self) -> str:
        """The id of the key that signs at present."""
        return self._current.kid

    def jwks(self) -> dict[str, Any]:
        """The JSON Web Key Set."""
        return {"keys": [key.jwk() for key in self._published]}

    def roll(self, *, keep_old: bool = True) -> str:
        """Sign with a new key from now on; the old one stays published unless told otherwise."""
        old, self._current = self._current, new_key("msteams", "webchat")
        kept = [key for key in self._published if keep_old or key is not old]
        self._published = [self._current, *kept]
        return self._current.kid

    def header(self, service_url: str, kind: TokenKind = TokenKind.VALID) -> str | None:
        """The Authorization header of a delivery, right or wrong as `kind` asks."""
        if kind is TokenKind.UNSIGNED:
            return None
        if kind is TokenKind.GARBAGE:
            return "Bearer not-a-token"
        return f"Bearer {self._encoded(self._claims(service_url, kind), kind)}"

    def _claims(self, service_url: str, kind: TokenKind) -> dict[str, Any]:
        now = int(time.time())
        claims: dict[str, Any] = {
            "serviceurl": service_url,
            "nbf": now - 60,
            "exp": now + self._lifetime,
            "iss": CONNECTOR_ISSUER,
            "aud": self._app_id,
        }
        wrong: Mapping[TokenKind, Mapping[str, Any]] = {
            TokenKind.EXPIRED: {"nbf": now - 7200, "exp": now - 3600},
            TokenKind.NOT_YET_VALID: {"nbf": now + 3600, "exp": now + 7200},
            TokenKind.WRONG_AUDIENCE: {"aud": str(uuid.uuid4())},
            TokenKind.WRONG_ISSUER: {"iss": "https://issuer.example.invalid"},
            TokenKind.WRONG_SERVICE_URL: {"serviceurl": FOREIGN_SERVICE_URL},
        }
        claims.update(wrong.get(kind, {}))
        if kind is TokenKind.NO_EXPIRY:
            del claims["exp"]
        return claims

    def _encoded(self, claims: dict[str, Any], kind: TokenKind) -> str:
        if kind is TokenKind.ALG_NONE:
            return jwt.encode(claims, "", algorithm="none", headers={"kid": self.kid})
        if kind is TokenKind.HS256:
            secret = self._app_id.ljust(32, "0")
            return jwt.encode(claims, secret, algorithm="HS256", headers={"kid": self.kid})
        key, kid = self._current, self._current.kid
        if kind is TokenKind.NOT_ENDORSED:
            key, kid = self._unendorsed, self._unendorsed.kid
        elif kind is TokenKind.UNKNOWN_KEY:
            key, kid = self._stranger, self._stranger.kid
        elif kind is TokenKind.WRONG_KEY:
            key = self._stranger
        return jwt.encode(claims, key.private_key, algorithm="RS256", headers={"kid": kid})


class TokenRefused(Exception):
    """The token endpoint says no: HTTP status, OAuth error code, and words."""

    def __init__(self, *, status: int, error: str, description: str) -> None:
        super().__init__(description)
        self.status = status
        self.error = error
        self.description = description


class DirectoryTokens:
    """The directory's half: client-credential tokens, which the Connector then demands."""

    def __init__(
        self, *, app_id: str, app_password: str, tenant_id: str, lifetime_seconds: int = 3599
    ) -> None:
        self._app_id = app_id
        self._app_password = app_password
        self._tenant_id = tenant_id
        self._key = new_key()
        self.lifetime_seconds = lifetime_seconds
        self.issued = 0
        self.refused = 0
        self._revoked_before = 0.0

    def jwks(self) -> dict[str, Any]:
        """The JSON Web Key Set of the directory."""
        return {"keys": [self._key.jwk()]}

    def grant(self, tenant: str, form: Mapping[str, str]) -> dict[str, Any]:
        """Answer a client_credentials request; raises `TokenRefused`."""
        try:
            self._check(tenant, form)
        except TokenRefused:
            self.refused += 1
            raise
        self.issued += 1
        return {
            "token_type": "Bearer",
            "expires_in": self.lifetime_seconds,
            "ext_expires_in": self.lifetime_seconds,
            "access_token": self._token(),
        }

    def _check(self, tenant: str, form: Mapping[str, str]) -> None:
        if tenant.lower() != self._tenant_id.lower():
            words = f"AADSTS700016: The application was not found in the directory '{tenant}'."
            raise TokenRefused(status=400, error="unauthorized_client", description=words)
        if form.get("grant_type") != "client_credentials":
            words = "AADSTS70003: The app requested an unsupported grant type."
            raise TokenRefused(status=400, error="unsupported_grant_type", description=words)
        if form.get("client_id") != self._app_id:
            words = "AADSTS700016: The application with this identifier was not found."
            raise TokenRefused(status=400, error="unauthorized_client", description=words)
        if form.get("client_secret") != self._app_password:
            words = "AADSTS7000215: Invalid client secret provided."
            raise TokenRefused(status=401, error="invalid_client", description=words)
        if form.get("scope") != CONNECTOR_SCOPE:
            words = f"AADSTS1002012: The scope must be {CONNECTOR_SCOPE}."
            raise TokenRefused(status=400, error="invalid_scope", description=words)

    def _token(self) -> str:
        now = time.time()
        claims = {
            "aud": CONNECTOR_AUDIENCE,
            "iss": f"https://sts.windows.net/{self._tenant_id}/",
            "iat": now,
            "nbf": int(now) - 5,
            "exp": int(now) + self.lifetime_seconds,
            "appid": self._app_id,
            "tid": self._tenant_id,
            "uti": uuid.uuid4().hex,
            "ver": "1.0",
        }
        headers = {"kid": self._key.kid}
        return jwt.encode(claims, self._key.private_key, algorithm="RS256", headers=headers)

    def revoke_all(self) -> None:
        """Refuse every token issued until now, as if the secret had been rotated."""
        self._revoked_before = time.time()

    def accepts(self, authorization: str | None) -> bool:
        """Whether a request to the Connector with this Authorization header may go on."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            return False
        try:
            claims = jwt.decode(
                token,
                self._key.private_key.public_key(),
                algorithms=["RS256"],
                audience=CONNECTOR_AUDIENCE,
                issuer=f"https://sts.windows.net/{self._tenant_id}/",
                options={"require": ["exp", "iat", "aud", "iss"]},
            )
        except jwt.PyJWTError:
            return False
        return claims.get("appid") == self._app_id and claims["iat"] > self._revoked_before
