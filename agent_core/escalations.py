"""A case that people work on, and the full context they get with it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

from agent_core.conversation import ConversationId, TranscriptEntry
from agent_core.messages import DestinationId, OutgoingId, PlatformIdentity
from agent_core.people import AccountId, PersonId
from agent_core.proposals import LedgerEntry, Proposal

EscalationId = NewType("EscalationId", str)


class EscalationReason(StrEnum):
    """Why a person is needed."""

    ASKED_FOR = "asked_for"
    POLICY = "policy"
    REPEATED_FAILURE = "repeated_failure"
    TOOL_FAILURE = "tool_failure"
    MODEL_FAILURE = "model_failure"
    UNKNOWN_OUTCOME = "unknown_outcome"
    BEYOND_SCOPE = "beyond_scope"
    TAKEN_OVER = "taken_over"  # one of our people answered in the customer's thread
    DELIVERY_FAILURE = "delivery_failure"  # what we owe the customer cannot be posted
    UNANSWERED_APPROVAL = "unanswered_approval"
    PAUSED = "paused"  # a brake keeps the agent out
    REPLY_BUDGET = "reply_budget"  # the agent answered too often in a short time
    OVERLOADED = "overloaded"  # too much waits for the agent already
    ACCESS = "access"  # an unknown person asks for a role


class Priority(StrEnum):
    """How soon. `URGENT` is money in doubt or a person locked out."""

    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"


class EscalationStatus(StrEnum):
    """Where a case stands. The last two are final."""

    WAITING = "waiting"
    CLAIMED = "claimed"
    HANDED_BACK = "handed_back"
    RESOLVED = "resolved"

    @property
    def is_open(self) -> bool:
        return self in (EscalationStatus.WAITING, EscalationStatus.CLAIMED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """One case. `number` is short and seen by both sides. `destination` is the support thread."""

    id: EscalationId
    number: int
    conversation_id: ConversationId
    account_id: AccountId | None
    reason: EscalationReason
    priority: Priority
    status: EscalationStatus
    asked: str  # what is asked, in the customer's words, at most 500 characters
    asked_by: str
    suggestion: str  # the suggested next step
    destination: DestinationId
    opened_at: datetime
    card: OutgoingId | None = None  # first post of the support thread, updated when things change
    claimed_by: PersonId | None = None
    claimed_by_name: str = ""
    claimed_at: datetime | None = None
    closed_at: datetime | None = None
    trace: str | None = None  # W3C traceparent of the request that opened it
    asker: PlatformIdentity | None = None  # None: opened by a version that kept the name alone

    @property
    def label(self) -> str:
        """What both sides call it, e.g. "Case 12"."""
        return f"Case {self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """All that a support person needs. Drawn by `escalation/post`; customers never see it."""

    escalation: Escalation
    account_lines: tuple[tuple[str, str], ...]  # label, value: name, plan, seats, balance …
    room: str
    transcript: tuple[TranscriptEntry, ...]
    ledger: tuple[LedgerEntry, ...]
    open_proposals: tuple[Proposal, ...]
