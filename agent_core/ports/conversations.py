"""Conversations, what was said in them, and the cases they became."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from agent_core.conversation import (
    Audience,
    Conversation,
    ConversationId,
    HistorySummary,
    Speaker,
    TranscriptEntry,
)
from agent_core.escalations import Escalation, EscalationId
from agent_core.messages import DestinationId, MessageRef, ThreadRef


class Conversations(Protocol):
    """Conversations and the threads that belong to them."""

    def get(self, conversation_id: ConversationId) -> Conversation | None: ...
    def of_thread(self, thread: ThreadRef) -> Conversation | None: ...
    def add(self, conversation: Conversation, thread: ThreadRef) -> None: ...
    def attach(self, conversation_id: ConversationId, thread: ThreadRef) -> None: ...
    def save(self, conversation: Conversation, *, expected_epoch: int) -> None:
        """Compare-and-set on the epoch. Raises ConversationChanged."""
        ...


class Transcript(Protocol):
    """What was said. `append` returns the entry's seq within its conversation, from 1."""

    def append(self, entry: TranscriptEntry) -> int: ...
    def last(
        self, conversation_id: ConversationId, limit: int, *, upto: int | None = None
    ) -> Sequence[TranscriptEntry]:
        """The newest `limit` entries with seq ≤ `upto`, oldest first."""
        ...

    def get(self, conversation_id: ConversationId, seq: int) -> TranscriptEntry | None: ...
    def of_message(self, message: MessageRef) -> TranscriptEntry | None: ...
    def edit(self, message: MessageRef, text: str, at: datetime) -> bool:
        """False where there is no such message. Summaries that knew the old words go."""
        ...

    def delete(self, message: MessageRef, at: datetime) -> bool:
        """Its words are not kept, here or in a summary. False where there is no such message."""
        ...

    def newest_by(self, conversation_id: ConversationId, speaker: Speaker) -> int:
        """The seq of the newest entry of this speaker; 0 where there is none."""
        ...

    def summary(
        self, conversation_id: ConversationId, upto: int, audience: Audience
    ) -> HistorySummary | None:
        """The newest one that covers nothing beyond `upto`. For a shared room: made for one."""
        ...

    def add_summary(self, summary: HistorySummary) -> bool:
        """False where the conversation has one with this `upto` and audience already."""
        ...

    def erase_summaries(self, conversation_id: ConversationId, *, since: int = 0) -> int:
        """Those that cover `since` or later entries; all by default. How many there were."""
        ...


class Escalations(Protocol):
    """Cases."""

    def next_number(self) -> int: ...
    def add(self, escalation: Escalation) -> None: ...
    def get(self, escalation_id: EscalationId) -> Escalation | None: ...
    def open_in(self, conversation_id: ConversationId) -> Escalation | None: ...
    def of_destination(self, destination_id: DestinationId) -> Escalation | None: ...
    def of_thread(self, thread: ThreadRef) -> Escalation | None:
        """The case whose support thread this is (known once its first post is out)."""
        ...

    def save(self, escalation: Escalation, *, expected: Escalation) -> None:
        """Compare-and-set on status and claimed_by. Raises ConversationChanged."""
        ...

    def waiting(self) -> Sequence[Escalation]: ...
