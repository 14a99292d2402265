"""The rows that delivery sends: what goes where, in which order, and how far it got."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from agent_core.conversation import ConversationId
from agent_core.messages import DestinationId, MessageRef, OutboundMessage, OutgoingId, ReplyAddress

ALONE: Final = "alone:"  # begins the ids of rows with what the room may not read (alone.py)


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """A thread to send to, also before it exists: the first post fills in `address.thread_id`."""

    id: DestinationId
    address: ReplyAddress
    opens_thread: bool  # the first post opens the thread that later posts reply in


# Begins the id of the row that is an approval's card in the support room, and heads its thread.
APPROVAL_CARD: Final = "desk-approval:"
# Begins the id of an answer without a conversation; it ends with whom it is for.
TOLD_ALONE: Final = "tell:"
# Begins the id of the support room's post of an hour that quotes cases which wait for their cards.
CROWD: Final = "crowd:"
CROWD_HOUR: Final = "%Y%m%d%H"  # follows it


class OutgoingStatus(StrEnum):
    """`READY` → `STARTED` (the call may have been made) → one of the rest."""

    READY = "ready"
    STARTED = "started"
    SENT = "sent"
    DROPPED = "dropped"  # its epoch was over before it started
    FAILED = "failed"  # given up; the operators and the case were told


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingRow:
    """One message on its way.

    `id` is unique and made from what caused it, so that the same cause never posts twice.
    `seq` orders rows of one destination (0 until stored). `epoch` is set on agent rows only:
    they are dropped when the conversation's epoch has moved before they started.
    `updates` replaces the message that this other row posted, once it has been posted.
    `not_before` is when the next try may begin; once it is sent, when the last one began.
    """

    id: OutgoingId
    destination: DestinationId
    message: OutboundMessage
    created_at: datetime
    conversation_id: ConversationId | None = None
    epoch: int | None = None
    updates: OutgoingId | None = None
    seq: int = 0
    status: OutgoingStatus = OutgoingStatus.READY
    attempts: int = 0
    not_before: datetime | None = None
    posted: MessageRef | None = None
    problem: str = ""
    trace: str | None = None  # W3C traceparent of what caused it

    @property
    def out_since(self) -> datetime | None:
        """Nobody can have seen it before; None where it is not known to be out."""
        if self.status is not OutgoingStatus.SENT:
            return None
        return max(self.created_at, self.not_before or self.created_at)

    @property
    def is_inside(self) -> bool:
        """Support's own: it belongs to no conversation, and answers nobody who has none."""
        return self.conversation_id is None and not self.id.startswith(TOLD_ALONE)
