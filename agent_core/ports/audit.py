"""The audit log, and what seals its personal part."""

from collections.abc import Sequence
from typing import Protocol

from agent_core.audit import AuditDraft, AuditEntry
from agent_core.tooling import Json


class Seal(Protocol):
    """Keeps what is personal in the audit log under one key a person, so that it can be erased."""

    def reference(self, person_key: str) -> str:
        """`p:` and 16 hex digits: the same for the same key, and telling nobody whose it is."""
        ...

    def new_key(self) -> str:
        """A fresh key, wrapped by the master key, as it is stored."""
        ...

    def check(self, key: str) -> None:
        """Raises StoreError where this stored key was wrapped by another master key."""
        ...

    def close(self, key: str, text: str, context: str) -> str:
        """`text` sealed under a stored key. Raises StoreError where the master key is another."""
        ...

    def open(self, key: str, sealed: str, context: str) -> str | None:
        """What was sealed under this very key; None where it was another. Raises StoreError."""
        ...


class Audit(Protocol):
    """The audit log: one chain an account, append-only. See agent_core/audit.py."""

    def reference(self, person_key: str) -> str:
        """How this person (`Requester.key`) stands in the log. AGENT and OPERATOR stay."""
        ...

    def check(self) -> None:
        """Raises StoreError where the log was begun with another master key."""
        ...

    def append(self, draft: AuditDraft) -> None:
        """Written with this transaction, as its last statements, in the order of the calls."""
        ...

    def entries(self, chain: str, *, after: int = 0, limit: int = 1000) -> Sequence[AuditEntry]:
        """Rows with seq > `after`, by seq, this transaction's own with them."""
        ...

    def chains(self) -> Sequence[str]:
        """All chains that have a row, sorted."""
        ...

    def opened(self, entries: Sequence[AuditEntry]) -> Sequence[Json | None]:
        """What is personal in each; None: erased. Raises StoreError for another master key."""
        ...

    def destroy_key(self, reference: str) -> bool:
        """What was sealed for this person can be read by nobody any more. False: there was none."""
        ...
