"""Proposals, the yeses they need, and the ledger of what was done."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

from agent_core.blocks import Change, Field
from agent_core.conversation import ConversationId
from agent_core.messages import OutgoingId, PlatformIdentity
from agent_core.people import AccountId, PersonId
from agent_core.policy import ApprovalNeed
from agent_core.tooling import Amount, Json, ToolName

ProposalId = NewType("ProposalId", str)
PlanId = NewType("PlanId", str)


class ProposalStatus(StrEnum):
    """Where a proposal stands. The last five are final."""

    AWAITING_CONFIRMATION = "awaiting_confirmation"
    AWAITING_APPROVAL = "awaiting_approval"
    DECIDED = "decided"  # every yes is there (or none was needed); not yet run
    CONSUMED = "consumed"  # the yes was used: the ledger tells the rest
    CANCELLED = "cancelled"  # the requester said no, or it was replaced
    DECLINED = "declined"  # the approver said no
    EXPIRED = "expired"
    REFUSED = "refused"  # a step that policy refused: shown in its plan, never run

    @property
    def is_open(self) -> bool:
        return self in (
            ProposalStatus.AWAITING_CONFIRMATION,
            ProposalStatus.AWAITING_APPROVAL,
            ProposalStatus.DECIDED,
        )


def canonical(arguments: Json) -> str:
    """The one spelling of these arguments: sorted keys, no spaces, no floats."""
    return json.dumps(arguments, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def fingerprint(account_id: AccountId, tool: ToolName, arguments: Json) -> str:
    """What makes two wishes the same wish: account, tool and `Tool.identity`. Hex SHA-256."""
    text = "\n".join((account_id, tool, canonical(arguments)))
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """One person's yes to somebody else's request. `key` is their `Requester.key`."""

    identity: PlatformIdentity
    key: str
    name: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedAs:
    """Who the requester was when they asked: all their identities then, and whether as a guest."""

    identities: tuple[PlatformIdentity, ...]
    is_guest: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """An action with its exact arguments, and the yeses it needs.

    `id` is the ledger key and the provider's idempotency key. (account_id, fingerprint,
    occurrence) is unique. `version` is the account's when it was shown. `epoch` is the
    conversation's: a claim cancels open confirmations. `requester_key` is `Requester.key`.
    The steps of one plan share `plan_id`, and one card. `undoes` is the ledger key of the effect
    that this takes back. `approvals` are those given so far, one a person; `approver` is who gave
    the last of them, or said no. `from_outside`: nothing of it is in the requester's own words (see
    agent_core/provenance.py).
    """

    id: ProposalId
    conversation_id: ConversationId
    account_id: AccountId
    tool: ToolName
    arguments: Json
    fingerprint: str
    occurrence: int
    title: str
    changes: tuple[Change, ...]
    notes: tuple[str, ...]
    amount: Amount | None
    version: int
    requester: PlatformIdentity
    requester_key: str
    requester_name: str
    status: ProposalStatus
    rule: str  # which rule of which policy version decided
    needs_confirmation: bool
    approval: ApprovalNeed | None
    epoch: int
    inbox_seqs: tuple[int, ...]  # the messages it came from
    proposed_at: datetime
    expires_at: datetime
    confirmed_at: datetime | None = None
    approver: PlatformIdentity | None = None
    approver_name: str = ""
    approved_at: datetime | None = None
    account_name: str = ""  # as shown on the cards
    card: OutgoingId | None = None  # the requester's card, to be updated once decided
    approval_card: OutgoingId | None = None
    plan_id: PlanId | None = None
    step: int = 0  # in its plan, from 1
    undoes: ProposalId | None = None
    approvals: tuple[Approval, ...] = ()
    from_outside: bool = False
    asked_as: AskedAs | None = None  # None: from before this was written down

    @property
    def mark(self) -> str:
        """How it stands, for the ids of what is posted about it: no two states share one."""
        given = f":{len(self.approvals)}" if self.status is ProposalStatus.AWAITING_APPROVAL else ""
        passed = ":passed" if given and self.approval and self.approval.passed_on else ""
        return f"{self.status}{given if given != ':0' else ''}{passed}"


class Outcome(StrEnum):
    """How an effect ended."""

    SUCCEEDED = "succeeded"
    REFUSED = "refused"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """One external effect, written before it happens. `outcome` is None until it is known.

    `key` is the proposal's id. `content` is what the model is told; title and fields, the receipt.
    `undo_until`: how long people may take it back; None where nothing does that.
    """

    key: ProposalId
    conversation_id: ConversationId
    account_id: AccountId
    tool: ToolName
    arguments: Json
    amount: Amount | None
    requester: PlatformIdentity
    person_id: PersonId | None
    intended_at: datetime
    outcome: Outcome | None = None
    settled_at: datetime | None = None
    title: str = ""
    fields: tuple[Field, ...] = ()
    content: Json | None = None
    reason: str = ""  # why it was refused, failed or is unknown
    undo_until: datetime | None = None
