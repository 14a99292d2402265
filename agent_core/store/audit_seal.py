"""Seals what is personal in the audit log: AES-256-GCM, a key per person, wrapped by a master key.

Stored are, as URL-safe base64: the wrapped key (nonce, key, tag) and the sealed text (id of the
key, nonce, text, tag). Destroying the stored key destroys what was sealed under it.
"""

import base64
import hashlib
import hmac
import os
import secrets
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from agent_core.audit import CODE_ACTORS, KEY_BYTES, parse_key
from agent_core.errors import ConfigurationError, StoreError

KEY_FILE: Final = "audit.key"
_NONCE = 12
_ID = 8
_WRAP = b"handrail audit key"
# Without a master key the keys of people lie open in the database. Erasing works all the same.
_NO_MASTER = hashlib.sha256(b"handrail audit: no master key").digest()
_OTHER_MASTER = (
    "the audit log was written with another HANDRAIL_AUDIT_KEY: set the one that it began with "
    f"(unless set, it lies in the data folder as {KEY_FILE})"
)


class _Key(NamedTuple):
    id: bytes
    cipher: AESGCM


def key_of_file(path: Path) -> bytes:
    """The master key in this file, which is made, for its owner alone, where it is not there.

    Raises ConfigurationError where it cannot be read or made, or holds no key.
    """
    try:
        if not path.exists():
            _make(path)
        return parse_key(path.read_text(encoding="ascii"))
    except (OSError, ValueError) as problem:
        why = problem.strerror if isinstance(problem, OSError) else "it holds no key"
        raise ConfigurationError(
            [f"the key of the audit log, {path}, cannot be used ({why}): restore the file, or set "
             "HANDRAIL_AUDIT_KEY"]
        ) from None  # fmt: skip


def _make(path: Path) -> None:
    """Whole or not at all, also when several processes start at once: the first one's stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(base64.urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)).decode() + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


class AesSeal:
    """`ports.Seal`. `master` None: people's keys are stored unprotected."""

    def __init__(self, master: bytes | None = None) -> None:
        self._master = AESGCM(master or _NO_MASTER)
        self._reference_key = hmac.digest(
            master or _NO_MASTER, b"handrail audit reference", "sha256"
        )
        self._unwrap = lru_cache(maxsize=1024)(self._unwrapped)

    def reference(self, person_key: str) -> str:
        """AGENT and OPERATOR stay as they are."""
        if person_key in CODE_ACTORS:
            return person_key
        digest = hmac.digest(self._reference_key, person_key.encode(), "sha256")
        return f"p:{digest.hex()[:16]}"

    def new_key(self) -> str:
        nonce = secrets.token_bytes(_NONCE)
        wrapped = self._master.encrypt(nonce, secrets.token_bytes(KEY_BYTES), _WRAP)
        return base64.urlsafe_b64encode(nonce + wrapped).decode()

    def check(self, key: str) -> None:
        self._unwrap(key)

    def close(self, key: str, text: str, context: str) -> str:
        kept = self._unwrap(key)
        nonce = secrets.token_bytes(_NONCE)
        sealed = kept.cipher.encrypt(nonce, text.encode(), context.encode())
        return base64.urlsafe_b64encode(kept.id + nonce + sealed).decode()

    def open(self, key: str, sealed: str, context: str) -> str | None:
        kept = self._unwrap(key)
        try:
            raw = base64.urlsafe_b64decode(sealed)
            if raw[:_ID] != kept.id:
                return None
            nonce, rest = raw[_ID : _ID + _NONCE], raw[_ID + _NONCE :]
            return kept.cipher.decrypt(nonce, rest, context.encode()).decode()
        except (InvalidTag, ValueError):
            raise StoreError(
                "a sealed part of the audit log is spoilt: see handrail audit verify"
            ) from None

    def _unwrapped(self, key: str) -> _Key:
        try:
            raw = base64.urlsafe_b64decode(key)
            plain = self._master.decrypt(raw[:_NONCE], raw[_NONCE:], _WRAP)
        except (InvalidTag, ValueError):
            raise StoreError(_OTHER_MASTER) from None
        return _Key(id=hashlib.sha256(key.encode()).digest()[:_ID], cipher=AESGCM(plain))
