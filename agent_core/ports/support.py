"""What the core asks of delivery and of the people who take cases."""

from datetime import datetime
from typing import Protocol

from agent_core.conversation import Conversation, TranscriptEntry
from agent_core.escalations import Escalation, EscalationReason, Priority
from agent_core.messages import ButtonPressed, FormSubmitted, InboundMessage
from agent_core.outgoing import OutgoingRow
from agent_core.people import Capability, Requester
from agent_core.ports.platform import Answer
from agent_core.ports.store import UnitOfWork
from agent_core.proposals import Proposal


class Outbox(Protocol):
    """Puts messages on their way: durable with the caller's transaction, sent after its commit."""

    def queue(self, tx: UnitOfWork, row: OutgoingRow) -> None:
        """Idempotent by `row.id`."""
        ...


class SupportDesk(Protocol):
    """What the core asks of escalation. Synchronous, inside the caller's transaction."""

    def open(
        self,
        tx: UnitOfWork,
        conversation: Conversation,
        *,
        reason: EscalationReason,
        asked: str,
        asked_by: Requester,
        suggestion: str,
        at: datetime,
        priority: Priority = Priority.NORMAL,
    ) -> Escalation:
        """Opens a case, or returns the open one; moves the conversation to waiting_for_support.

        Queues the support thread's posts and the customer's notice with the case number. The
        caller must have read `conversation` in this transaction.
        """
        ...

    def relay(self, tx: UnitOfWork, escalation: Escalation, entry: TranscriptEntry) -> None:
        """Shows what the customer wrote, or code posted to them, in the support thread."""
        ...

    def ask_approval(self, tx: UnitOfWork, proposal: Proposal, conversation: Conversation) -> None:
        """Posts the approval card for support's approvers, with the very arguments that run."""
        ...

    def chase_approval(
        self,
        tx: UnitOfWork,
        proposal: Proposal,
        *,
        whom: frozenset[Capability],
        text: str,
        mark: str,
    ) -> None:
        """Calls these of the vendor's people about an approval that is not given; once a `mark`."""
        ...

    def proposal_changed(self, tx: UnitOfWork, proposal: Proposal) -> None:
        """Redraws the approval card after any decision."""
        ...


class SupportCommands(Protocol):
    """What support people do with cases. Synchronous, inside the caller's transaction."""

    def take_over(
        self,
        tx: UnitOfWork,
        conversation: Conversation,
        who: Requester,
        entry: TranscriptEntry,
    ) -> Escalation:
        """One of our own people wrote `entry` in the customer's thread: it is theirs at once.

        Opens a case claimed by them, or claims the waiting one; the agent is silent from here on.
        """
        ...

    def press(self, tx: UnitOfWork, event: ButtonPressed, who: Requester) -> Answer:
        """Decides a `case.*` button."""
        ...

    def submit(self, tx: UnitOfWork, event: FormSubmitted, who: Requester) -> Answer:
        """Decides a `case.*` form."""
        ...

    def remark(
        self, tx: UnitOfWork, escalation: Escalation, event: InboundMessage, who: Requester
    ) -> None:
        """Somebody typed in the support thread: it stays inside, and its author is told so."""
        ...
