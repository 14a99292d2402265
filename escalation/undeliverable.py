"""Tells people when a message to a customer cannot be delivered: nothing fails in silence."""

from collections.abc import Callable
from dataclasses import replace

from agent_core.conversation import Conversation, Speaker, TranscriptEntry
from agent_core.escalations import EscalationReason, Priority
from agent_core.messages import Platform, PlatformIdentity
from agent_core.outgoing import OutgoingRow, OutgoingStatus
from agent_core.people import Requester
from agent_core.ports import Clock, UnitOfWork
from escalation.desk import Desk


def teller(desk: Desk, clock: Clock) -> Callable[[UnitOfWork, OutgoingRow, str], None]:
    """What delivery calls in the transaction that gives a row up or leaves an agent's out."""

    def tell(tx: UnitOfWork, row: OutgoingRow, reason: str) -> None:
        conversation = tx.conversations.get(row.conversation_id) if row.conversation_id else None
        if conversation is None:
            return
        if row.status is OutgoingStatus.DROPPED:
            _note_left_out(tx, desk, conversation, clock, certain=row.attempts == 0)
            return
        about_a_case = str(row.id).startswith("case:")
        if about_a_case and tx.escalations.open_in(conversation.id) is None:
            return  # that a case was closed opens no new one: it would never end
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


def _note_left_out(
    tx: UnitOfWork, desk: Desk, conversation: Conversation, clock: Clock, *, certain: bool
) -> None:
    """The transcript must not show words as said that the customer never got."""
    entry = TranscriptEntry(
        conversation_id=conversation.id,
        speaker=Speaker.CODE,
        name="Handrail",
        text=(
            "The AI agent's last answer was not posted: a person was called or took over first."
            if certain
            else "It is not certain that the AI agent's last answer was posted: no word came back "
            "before a person was called or took over, and it was not sent again."
        ),
        at=clock.now(),
    )
    entry = replace(entry, seq=tx.transcript.append(entry))
    case = tx.escalations.open_in(conversation.id)
    if case is not None:
        desk.relay(tx, case, entry)
