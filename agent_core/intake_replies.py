"""What code says in a conversation while it takes somebody's words in."""

from datetime import datetime, timedelta

from agent_core import notices
from agent_core.conversation import (
    Conversation,
    ConversationStatus,
    RoomMode,
    Speaker,
    TranscriptEntry,
)
from agent_core.disclosure import disclosed
from agent_core.escalations import Escalation
from agent_core.messages import (
    DestinationId,
    InboundMessage,
    OutboundMessage,
    OutgoingId,
    PlatformIdentity,
)
from agent_core.outgoing import TOLD_ALONE, Destination, OutgoingRow
from agent_core.ports import Outbox, UnitOfWork
from agent_core.router import Situation


class IntakeReplies:
    """Queues them, each with the transaction that takes the words in."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    def alone(
        self, tx: UnitOfWork, event: InboundMessage, message: OutboundMessage, now: datetime
    ) -> None:
        """An answer to words that are kept nowhere: no conversation, no transcript.

        Its row names whom it is for: by nothing else could it be found when they are forgotten.
        """
        destination = DestinationId(f"thread:{event.thread}")
        if tx.outgoing.destination(destination) is None:
            tx.outgoing.put_destination(
                Destination(id=destination, address=event.reply_to, opens_thread=False)
            )
        row = OutgoingRow(
            id=OutgoingId(f"{TOLD_ALONE}{event.message}:{event.author.identity}"),
            destination=destination,
            message=message,
            created_at=now,
        )
        self._outbox.queue(tx, row)

    def added_to_case(
        self,
        tx: UnitOfWork,
        situation: Situation,
        conversation: Conversation,
        case: Escalation,
        now: datetime,
    ) -> None:
        """Says that the words have reached the case, once an hour: nobody writes into silence.

        Once a person has it, that person answers.
        """
        if conversation.status is not ConversationStatus.WAITING_FOR_SUPPORT:
            return
        if situation.mode is RoomMode.SILENT:
            return
        row_id = OutgoingId(f"added:{case.id}:{(now - case.opened_at) // timedelta(hours=1)}")
        if tx.outgoing.get(row_id) is None:
            sentence = f"This is added to {case.label}. A person will answer you here."
            message, told = notices.notice(sentence), situation.who.identity
            self._say(tx, conversation, row_id, sentence, message, now, told)

    def tell(
        self,
        tx: UnitOfWork,
        event: InboundMessage,
        conversation: Conversation,
        sentence: str,
        now: datetime,
    ) -> None:
        """A sentence in the thread, as the answer to these words."""
        told = event.author.identity
        message = disclosed(tx, notices.notice(sentence), told, now)
        row_id = OutgoingId(f"tell:{event.message}")
        self._say(tx, conversation, row_id, sentence, message, now, told)

    def _say(
        self,
        tx: UnitOfWork,
        conversation: Conversation,
        row_id: OutgoingId,
        sentence: str,
        message: OutboundMessage,
        now: datetime,
        told: PlatformIdentity,
    ) -> None:
        tx.transcript.append(
            TranscriptEntry(
                conversation_id=conversation.id,
                speaker=Speaker.CODE,
                name="Handrail",
                text=sentence,
                at=now,
                told=told,
            )
        )
        self._outbox.queue(
            tx,
            OutgoingRow(
                id=row_id,
                destination=conversation.destination,
                message=message,
                created_at=now,
                conversation_id=conversation.id,
            ),
        )
