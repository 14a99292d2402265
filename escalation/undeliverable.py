"""Tells people when a message to a customer cannot be delivered: nothing fails in silence."""

from collections.abc import Callable

from agent_core.escalations import EscalationReason, Priority
from agent_core.messages import Platform, PlatformIdentity
from agent_core.outgoing import OutgoingRow
from agent_core.people import Requester
from agent_core.ports import Clock, UnitOfWork
from escalation.desk import Desk


def teller(desk: Desk, clock: Clock) -> Callable[[UnitOfWork, OutgoingRow, str], None]:
    """What delivery calls in the transaction that gives a row up."""

    def tell(tx: UnitOfWork, row: OutgoingRow, reason: str) -> None:
        conversation = tx.conversations.get(row.conversation_id) if row.conversation_id else None
        if conversation is None:
            return
        entries = tx.transcript.last(conversation.id, 20)
        asked = next((e for e in reversed(entries) if e.identity is not None), None)
        unknown = PlatformIdentity(platform=Platform.SLACK, tenant_id="-", user_id="-")
        desk.open(
            tx,
            conversation,
            reason=EscalationReason.DELIVERY_FAILURE,
            priority=Priority.HIGH,
            asked=asked.text if asked else row.message.fallback,
            asked_by=Requester(
                identity=asked.identity if asked and asked.identity else unknown,
                name=asked.name if asked else "the customer",
                person=None,
            ),
            suggestion=f"This could not be posted ({reason}); tell them another way: "
            f"{row.message.fallback[:1000]}",
            at=clock.now(),
            quiet=True,
        )

    return tell
