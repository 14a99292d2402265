"""The rows a turn lives on: the inbox it takes from, and the journal it writes."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

from agent_core.conversation import ConversationId
from agent_core.messages import Participant
from agent_core.proposals import ProposalId
from agent_core.tooling import Json

TurnId = NewType("TurnId", str)


class InboxKind(StrEnum):
    """What asks for a turn."""

    MESSAGE = "message"  # a person wrote; the transcript entry `transcript_seq` holds the words
    DECISION = "decision"  # every yes of `proposal_id` is there: run it
    REFUSAL = "refusal"  # `proposal_id` was declined, cancelled or expired: tell the requester
    UNDO = "undo"  # the author wants the effect under the ledger key `proposal_id` taken back


class InboxStatus(StrEnum):
    """New → claimed by a turn → done."""

    NEW = "new"
    CLAIMED = "claimed"
    DONE = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxRow:
    """One reason for agent work in a conversation. `seq` grows over the whole table.

    `author_key` is `Requester.key`: a turn claims only consecutive rows with the same one.
    """

    seq: int
    conversation_id: ConversationId
    kind: InboxKind
    author: Participant
    author_key: str
    received_at: datetime
    transcript_seq: int | None = None
    proposal_id: ProposalId | None = None
    status: InboxStatus = InboxStatus.NEW
    turn_id: TurnId | None = None
    trace: str | None = None  # W3C traceparent of the delivery (telemetry.py)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A conversation with `rows` inbox rows that are not done. `share`: see Conversation."""

    conversation_id: ConversationId
    share: str
    rows: int


class TurnStatus(StrEnum):
    """A turn is running until it finishes, whoever runs it."""

    RUNNING = "running"
    FINISHED = "finished"
    GIVEN_UP = "given_up"  # after three attempts, or when a person took over


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One piece of agent work for one person. `token` fences: only its holder may write."""

    id: TurnId
    conversation_id: ConversationId
    author: Participant
    author_key: str
    epoch: int
    token: str
    attempts: int
    status: TurnStatus
    started_at: datetime
    trace: str | None = None  # of the first row that it took


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """One thing that happened in a turn. `position` counts from 0; `body` is JSON by `kind`."""

    turn_id: TurnId
    position: int
    kind: str
    body: Json
    at: datetime
