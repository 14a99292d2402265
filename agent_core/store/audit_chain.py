"""Turns drafts of the audit log into chained rows, and opens them again: for every store alike."""

import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from agent_core.audit import (
    NO_ACCOUNT,
    AuditDraft,
    AuditEntry,
    canonical_text,
    entry_hash,
    time_text,
)
from agent_core.ports import Seal
from agent_core.tooling import Json

_SALT_BYTES = 16


def person_of(draft: AuditDraft, seal: Seal) -> str:
    """The reference of the one under whose key the draft's personal part goes; "" for none."""
    return seal.reference(draft.whose or draft.actor) if draft.personal else ""


def chained(
    draft: AuditDraft, *, seq: int, previous: str, key: str, seal: Seal
) -> AuditEntry:  # fmt: skip
    """The row for this draft after the row `seq` - 1, whose hash is `previous`."""
    person = person_of(draft, seal)
    chain = draft.chain or NO_ACCOUNT
    sealed = ""
    if person:
        sealed = seal.close(key, canonical_text(draft.personal), _context(chain, seq))
    entry = AuditEntry(
        chain=chain,
        seq=seq,
        at=time_text(draft.at),
        actor=seal.reference(draft.actor),
        kind=draft.kind.value,
        subject=draft.subject,
        person=person,
        facts=canonical_text(draft.facts),
        sealed=sealed,
        salt=secrets.token_hex(_SALT_BYTES),
        previous=previous,
        hash="",
    )
    return _with_hash(entry)


def opened(
    entries: Sequence[AuditEntry], keys_of: Callable[[set[str]], Mapping[str, str]], seal: Seal
) -> list[Json | None]:
    """What is personal in each: {} where nothing was, None where it was erased."""
    keys = keys_of({entry.person for entry in entries if entry.person})
    return [_opened(entry, keys.get(entry.person), seal) for entry in entries]


def _opened(entry: AuditEntry, key: str | None, seal: Seal) -> Json | None:
    if not entry.person:
        return {}
    if key is None:
        return None
    text = seal.open(key, entry.sealed, _context(entry.chain, entry.seq))
    if text is None:
        return None
    found: Json = json.loads(text)
    return found


def _context(chain: str, seq: int) -> str:
    """What a sealed text belongs to: it cannot be opened in the place of another."""
    return f"{chain}\n{seq}"


def _with_hash(entry: AuditEntry) -> AuditEntry:
    return replace(entry, hash=entry_hash(entry))
