"""What asks for turns, and the turns with their journals."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from agent_core.conversation import ConversationId
from agent_core.journal import InboxKind, InboxRow, JournalEntry, Turn, TurnId, TurnStatus, Waiting
from agent_core.messages import Participant
from agent_core.proposals import ProposalId


class Inbox(Protocol):
    """Deliveries taken once, and the rows that ask for turns."""

    def take(self, key: str, at: datetime) -> bool:
        """True for the first caller with this key, false for all others, forever."""
        ...

    def add(
        self,
        conversation_id: ConversationId,
        kind: InboxKind,
        *,
        author: Participant,
        author_key: str,
        at: datetime,
        transcript_seq: int | None = None,
        proposal_id: ProposalId | None = None,
    ) -> InboxRow:
        """The row keeps the trace in force."""
        ...

    def new_rows(self, conversation_id: ConversationId, limit: int = 50) -> Sequence[InboxRow]:
        """Rows that no turn has claimed, oldest first."""
        ...

    def of_turn(self, turn_id: TurnId) -> Sequence[InboxRow]: ...
    def claim(self, seqs: Sequence[int], turn_id: TurnId) -> None: ...
    def finish(self, seqs: Sequence[int]) -> None:
        """Marks rows done, claimed or not (a person took the conversation)."""
        ...

    def unfinished(self, limit: int = 1000) -> Sequence[ConversationId]:
        """Conversations that have rows which are not done: for the reconciler."""
        ...

    def backlog(self, limit: int) -> Sequence[Waiting]:
        """The same with their shares and counts; those with the oldest rows first."""
        ...


class Turns(Protocol):
    """Turns and their journals. Every write asserts the token and raises TurnLost."""

    def running(self, conversation_id: ConversationId) -> Turn | None: ...
    def add(self, turn: Turn) -> None: ...
    def take_over(self, turn_id: TurnId, token: str) -> Turn:
        """attempts + 1 and a new token: whoever held the old one can write nothing more."""
        ...

    def give_back(self, turn_id: TurnId, token: str) -> None:
        """attempts - 1: this one was cut off by a stop, which says nothing against the turn."""
        ...

    def assert_owner(self, turn_id: TurnId, token: str) -> None: ...
    def append(self, turn_id: TurnId, token: str, entries: Sequence[JournalEntry]) -> None: ...
    def journal(self, turn_id: TurnId) -> Sequence[JournalEntry]: ...
    def close(self, turn_id: TurnId, token: str, status: TurnStatus) -> None: ...
