"""A turn while it is worked on: what is committed, what is not yet, and what it knows."""

from dataclasses import dataclass, field
from datetime import datetime

from agent_core.conversation import Conversation, ConversationId, HistorySummary, TranscriptEntry
from agent_core.journal import InboxRow, JournalEntry, Turn
from agent_core.messages import OutgoingId
from agent_core.people import AccountId, Requester
from agent_core.tooling import Json
from agent_core.turn_state import Kind


@dataclass(slots=True)
class LiveTurn:
    """The driver's own view. Only what `entries` holds has been committed.

    `pending` is what happened since the last commit; if the process dies it is done again.
    """

    turn: Turn
    conversation: Conversation
    requester: Requester
    entries: list[JournalEntry]
    transcript: dict[int, TranscriptEntry]
    rows: list[InboxRow]
    pending: list[JournalEntry] = field(default_factory=list)
    names: dict[AccountId, str] = field(default_factory=dict)
    shows_progress: bool = False
    summary: HistorySummary | None = None  # of what came before the history that is shown

    @property
    def journal(self) -> list[JournalEntry]:
        return [*self.entries, *self.pending]

    @property
    def account_name(self) -> str:
        account = self.conversation.account
        return self.names.get(account, str(account)) if account else ""

    def note(self, kind: Kind, body: Json, at: datetime) -> None:
        """Adds an entry that the next commit will store."""
        self.pending.append(entry_at(self.turn, len(self.journal), kind, body, at))


def asked_text(live: LiveTurn) -> str:
    """What the person asks, in their own words, at most 500 characters."""
    said = [
        live.transcript[row.transcript_seq].text
        for row in live.rows
        if row.transcript_seq in live.transcript and row.transcript_seq is not None
    ]
    return "\n".join(said)[-500:] or "(no words: a decision was being carried out)"


def progress_row(turn: Turn) -> OutgoingId:
    """The row that shows that this turn is at work."""
    return OutgoingId(f"progress:{turn.id}")


def stopped_row(conversation: ConversationId, epoch: int) -> OutgoingId:
    """The row that says that somebody stopped the agent. `epoch`: the one that this began."""
    return OutgoingId(f"stopped:{conversation}:{epoch}")


def entry_at(turn: Turn, position: int, kind: Kind, body: Json, at: datetime) -> JournalEntry:
    return JournalEntry(turn_id=turn.id, position=position, kind=kind.value, body=body, at=at)


def row_body(row: InboxRow) -> Json:
    """An inbox row as ENTERED and JOINED bodies hold it."""
    return {
        "seq": row.seq,
        "kind": row.kind.value,
        "transcript": row.transcript_seq,
        "proposal": str(row.proposal_id) if row.proposal_id else None,
    }
