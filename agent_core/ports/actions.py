"""Proposals, the ledger of their effects, and what is stopped for now."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from agent_core.brakes import Brake, BrakeScope
from agent_core.conversation import ConversationId
from agent_core.people import AccountId
from agent_core.proposals import LedgerEntry, PlanId, Proposal, ProposalId, ProposalStatus
from agent_core.tooling import Amount, ToolName


class Proposals(Protocol):
    """Proposals. (account, fingerprint, occurrence) is unique."""

    def add(self, proposal: Proposal) -> None: ...
    def get(self, proposal_id: ProposalId) -> Proposal | None: ...
    def save(self, proposal: Proposal, *, expected: ProposalStatus) -> None:
        """Compare-and-set on the status. Raises ConversationChanged.

        Account, fingerprint and occurrence stay as they were added.
        """
        ...

    def open_in(self, conversation_id: ConversationId) -> Sequence[Proposal]:
        """Those with an open status, oldest first."""
        ...

    def twins(self, account_id: AccountId, fingerprint: str) -> Sequence[Proposal]:
        """All with this fingerprint, by occurrence."""
        ...

    def of_plan(self, plan_id: PlanId) -> Sequence[Proposal]:
        """All of a plan, by step; held against other writers until the transaction ends."""
        ...

    def undoing(self, key: ProposalId) -> Sequence[Proposal]:
        """Those that take back the effect under this ledger key, oldest first."""
        ...

    def undecided(self, limit: int = 200) -> Sequence[Proposal]:
        """Those that wait for somebody's yes, in any conversation; the soonest to expire first."""
        ...


class Ledger(Protocol):
    """External effects, written before they happen."""

    def intend(self, entry: LedgerEntry) -> None:
        """Raises ConversationChanged if the key is there already."""
        ...

    def get(self, key: ProposalId) -> LedgerEntry | None: ...
    def settle(self, entry: LedgerEntry) -> None:
        """Writes the outcome. A settled entry other than UNKNOWN is never changed: raises."""
        ...

    def of_conversation(
        self, conversation_id: ConversationId, limit: int = 50
    ) -> Sequence[LedgerEntry]: ...
    def of_account(self, account_id: AccountId, limit: int = 50) -> Sequence[LedgerEntry]: ...
    def unsettled(self, limit: int = 100) -> Sequence[LedgerEntry]: ...
    def hold(self, scopes: Sequence[str]) -> None:
        """Until this transaction ends, whoever holds one of these scopes too waits."""
        ...

    def used(
        self,
        tools: frozenset[ToolName],
        since: datetime,
        *,
        account_id: AccountId | None = None,
        person: str | None = None,
        addresses: frozenset[str] = frozenset(),
    ) -> Sequence[tuple[Amount | None, int]]:
        """Amounts, and how often each was intended since then and was not refused and did not fail.

        `account_id` and `person` (a `Requester.key`) narrow it down. With `person`, what was
        intended under one of `addresses` (identities, written out) counts as theirs too.
        """
        ...


class Brakes(Protocol):
    """What is stopped for now. A handful of rows, read whole."""

    def all(self) -> Sequence[Brake]: ...
    def set(self, brake: Brake) -> None:
        """Replaces one of the same scope and target."""
        ...

    def release(self, scope: BrakeScope, target: str) -> bool:
        """False where there was none."""
        ...
