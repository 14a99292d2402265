"""One entry of the audit log and how it is chained: what is written, and what its hash covers.

The construction is in docs/adr/0004-audit-chain.md; `audit_check.py` verifies a chain.
"""

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from agent_core.tooling import Json

FORMAT: Final = "handrail-audit-1"
GENESIS: Final = "0" * 64  # what the first entry of a chain follows
NO_ACCOUNT: Final = "-"  # the chain of what belongs to no account

KEY_BYTES: Final = 32
AGENT: Final = "agent"
OPERATOR: Final = "operator"
CODE_ACTORS: Final = frozenset({AGENT, OPERATOR})


class AuditKind(StrEnum):
    """What happened."""

    PROPOSED = "proposed"
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"
    APPROVED = "approved"
    DECLINED = "declined"
    PASSED_ON = "passed_on"
    EXPIRED = "expired"
    INTENDED = "intended"
    SETTLED = "settled"
    UNDONE = "undone"
    ESCALATED = "escalated"
    CLAIMED = "claimed"
    REPLIED = "replied"
    HANDED_BACK = "handed_back"
    RESOLVED = "resolved"
    ROLE_GIVEN = "role_given"
    ROLE_TAKEN = "role_taken"
    CAPABILITY_GIVEN = "capability_given"
    CAPABILITY_TAKEN = "capability_taken"
    PEOPLE_JOINED = "people_joined"
    ROOM_LINKED = "room_linked"
    ROOM_UNLINKED = "room_unlinked"
    BRAKE_SET = "brake_set"
    BRAKE_RELEASED = "brake_released"
    POLICY_CHANGED = "policy_changed"
    ERASED = "erased"
    FORGOTTEN = "forgotten"
    UNINSTALLED = "uninstalled"
    INSTALLED_AGAIN = "installed_again"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditDraft:
    """What is to be written. The store gives it its place in the chain.

    `chain`: the account, or NO_ACCOUNT. `actor`: AGENT, OPERATOR or a person's key
    (`Requester.key`). `subject`: an id that names nobody, as a proposal's or a case's.
    `facts` hold nothing personal: they are kept in clear, forever. `personal` (names, platform
    ids, free text, arguments) is sealed under the key of `whose`, the actor unless given.
    """

    chain: str
    at: datetime
    actor: str
    kind: AuditKind
    subject: str
    facts: Json = field(default_factory=dict)
    personal: Json = field(default_factory=dict)
    whose: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One row of the chain, as it is stored: text, so that a spoilt row can still be shown.

    `seq` counts from 1 without gaps. `at`: see `time_text`. `actor` and `person`: AGENT, OPERATOR
    or a reference (`p:…`) that names nobody by itself; `person` is the one under whose key
    `sealed` lies, "" where nothing is personal. `facts`: canonical JSON. `salt`: hex. `previous`
    and `hash`: hex SHA-256.
    """

    chain: str
    seq: int
    at: str
    actor: str
    kind: str
    subject: str
    person: str
    facts: str
    sealed: str
    salt: str
    previous: str
    hash: str


def time_text(at: datetime) -> str:
    """The one spelling of a time: ISO 8601, UTC, microseconds. ValueError for a naive one."""
    if at.tzinfo is None:
        raise ValueError("a naive time cannot be audited")
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def canonical_text(value: Any) -> str:
    """The one spelling of a JSON value: sorted keys, no spaces, no NaN."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def salted_hash(salt: str, text: str) -> str:
    """Hex SHA-256 over the salt's and the text's UTF-8, the salt ended by a line break."""
    return hashlib.sha256(f"{salt}\n{text}".encode(errors="surrogatepass")).hexdigest()


def entry_hash(entry: AuditEntry) -> str:
    """What `entry.hash` has to be. Takes every other field into account, whatever it holds."""
    covered = [
        FORMAT,
        entry.previous,
        entry.seq,
        entry.chain,
        entry.at,
        entry.actor,
        entry.kind,
        entry.subject,
        entry.person,
        salted_hash(entry.salt, str(entry.facts)),
        salted_hash(entry.salt, str(entry.sealed)),
    ]
    # `repr`: a database may have been given something that JSON does not know.
    text = json.dumps(covered, separators=(",", ":"), ensure_ascii=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()


def parse_key(text: str) -> bytes:
    """A master key: 32 bytes as base64, of either alphabet. Raises ValueError with the remedy."""
    try:
        key = base64.b64decode(text.strip().replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise ValueError("is not a key: make 32 random bytes with: openssl rand -base64 32")
    return key
