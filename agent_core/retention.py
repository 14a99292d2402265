"""How long each kind of data is kept."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Kept(StrEnum):
    """A kind of data with a time of its own, in the order in which they are removed."""

    DELIVERIES = "deliveries"
    CODES = "codes"
    TOLD = "told"
    JOURNALS = "journals"
    INBOX = "inbox"
    OUTGOING = "outgoing"
    CASES = "cases"
    CONVERSATIONS = "conversations"
    LEDGER = "ledger"
    PROPOSALS = "proposals"


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """Days; None: kept for good. `workspaces`: after an uninstallation.

    Books are kept far longer than talk, because tax and trade law want them. The audit log has no
    time: a row that is taken out breaks its chain. Its personal part ends when a person is
    forgotten.
    """

    conversations: int | None = 365
    journals: int | None = 30
    outgoing: int | None = 90
    deliveries: int | None = 14
    ledger: int | None = 3650
    workspaces: int | None = 30

    def days(self, kind: Kept) -> int | None:
        """How long this kind is kept."""
        match kind:
            case Kept.DELIVERIES:
                return self.deliveries
            case Kept.CODES:
                return 1
            case Kept.JOURNALS | Kept.INBOX:
                return self.journals
            case Kept.OUTGOING:
                return self.outgoing
            case Kept.TOLD | Kept.CASES | Kept.CONVERSATIONS:
                return self.conversations
            case Kept.LEDGER | Kept.PROPOSALS:
                return self.ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Walked:
    """One batch: how many rows went, and where the next begins; None: at the start again."""

    removed: int
    next: Any
