"""What the core needs from the outside, as Protocols. Adapters sit in the folders that implement.

A unit of work is one transaction. Its methods are synchronous and run in a store thread; no model,
account or platform call happens inside. Everything a method returns is a frozen value.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol, TypeVar

from agent_core.audit import AuditDraft, AuditEntry
from agent_core.blocks import Choice, Form
from agent_core.brakes import Brake, BrakeScope
from agent_core.conversation import (
    Audience,
    Conversation,
    ConversationId,
    HistorySummary,
    RoomBinding,
    Speaker,
    TranscriptEntry,
)
from agent_core.escalations import Escalation, EscalationId, EscalationReason, Priority
from agent_core.forgetting import OwnPost, Place, Whereabouts, Whom
from agent_core.journal import InboxKind, InboxRow, JournalEntry, Turn, TurnId, TurnStatus, Waiting
from agent_core.messages import (
    ButtonPressed,
    DestinationId,
    FormSubmitted,
    InboundEvent,
    InboundMessage,
    MessageRef,
    OutboundMessage,
    OutgoingId,
    Participant,
    Platform,
    PlatformIdentity,
    Posted,
    ReplyAddress,
    RoomRef,
    ThreadRef,
)
from agent_core.outgoing import Destination, OutgoingRow
from agent_core.people import AccountId, Capability, JoinCode, Person, PersonId, Requester, Role
from agent_core.policy import Policy
from agent_core.proposals import LedgerEntry, PlanId, Proposal, ProposalId, ProposalStatus
from agent_core.retention import Kept, Walked
from agent_core.tooling import Amount, Json, Tool, ToolCall, ToolName

T = TypeVar("T")


class Held(Protocol):
    """A dead process's place, held while what it left is moved."""

    def release(self) -> None: ...


class Presence(Protocol):
    """This process among others on one database. `name` is its place, after `enter`."""

    @property
    def name(self) -> str: ...
    def holds(self) -> bool:
        """False where others may take this process for dead: it then sends nothing more."""
        ...

    async def enter(self) -> None: ...
    async def leave(self) -> None: ...
    async def dead(self, name: str) -> Held | None:
        """Another's place, if that other is gone. Blocking: `Held.release`."""
        ...


class Clock(Protocol):
    """The time. Aware UTC."""

    def now(self) -> datetime: ...


class Ids(Protocol):
    """Fresh identifiers, unguessable, sortable by time of making. `kind` becomes a prefix."""

    def new(self, kind: str) -> str: ...


# --- store ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """A room, or a whole workspace (`room_id` is `*`), that uninstalled the app."""

    place: RoomRef
    left_at: datetime


class Rooms(Protocol):
    """What each room is to us."""

    def get(self, room: RoomRef) -> RoomBinding | None: ...
    def put(self, binding: RoomBinding) -> None: ...
    def remove(self, room: RoomRef) -> None: ...
    def all(self) -> Sequence[RoomBinding]: ...
    def departed(self) -> Sequence[Departure]:
        """Places that uninstalled the app, the first first."""
        ...

    def note_departed(self, place: RoomRef, at: datetime) -> None:
        """`place`: a room, or a workspace, whose `room_id` is `*`. Replaces an earlier time."""
        ...

    def note_returned(self, place: RoomRef) -> bool:
        """Nothing more is to be erased of it. False where it had not departed."""
        ...


class People(Protocol):
    """Who is who. A `put` replaces the whole person, with roles and identities."""

    def get(self, person_id: PersonId) -> Person | None: ...
    def find(self, identity: PlatformIdentity) -> Person | None: ...
    def put(self, person: Person) -> None:
        """Raises ConversationChanged if an identity belongs to somebody else already."""
        ...

    def remove(self, person_id: PersonId) -> None:
        """The whole person, with roles, capabilities and identities."""
        ...

    def all(self) -> Sequence[Person]: ...
    def with_role(self, account_id: AccountId, roles: frozenset[Role]) -> Sequence[Person]: ...
    def with_capability(self, capability: Capability) -> Sequence[Person]: ...
    def was_told(self, identity: PlatformIdentity) -> bool:
        """Whether this person was told that this is an AI."""
        ...

    def note_told(self, identity: PlatformIdentity, at: datetime) -> None: ...
    def put_join_code(self, code: JoinCode) -> None:
        """Replaces the one with its selector."""
        ...

    def join_code(self, selector: str) -> JoinCode | None:
        """Held against other writers until the transaction ends."""
        ...

    def remove_join_codes(self, identity: PlatformIdentity) -> None:
        """All that this identity asked for."""
        ...


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

    def assert_owner(self, turn_id: TurnId, token: str) -> None: ...
    def append(self, turn_id: TurnId, token: str, entries: Sequence[JournalEntry]) -> None: ...
    def journal(self, turn_id: TurnId) -> Sequence[JournalEntry]: ...
    def close(self, turn_id: TurnId, token: str, status: TurnStatus) -> None: ...


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


class Outgoing(Protocol):
    """Destinations and the rows on their way to them."""

    def put_destination(self, destination: Destination) -> None: ...
    def destination(self, destination_id: DestinationId) -> Destination | None: ...
    def add(self, row: OutgoingRow) -> bool:
        """False where a row with this id is there already."""
        ...

    def get(self, outgoing_id: OutgoingId) -> OutgoingRow | None: ...
    def next_row(self, destination_id: DestinationId) -> OutgoingRow | None:
        """The first READY or STARTED row of the destination."""
        ...

    def save(self, row: OutgoingRow) -> None: ...
    def of_message(self, message: MessageRef) -> OutgoingRow | None:
        """The row that posted this message: whose post is it?"""
        ...

    def lease(
        self, destination_id: DestinationId, holder: str, now: datetime, until: datetime
    ) -> bool:
        """True if nobody else holds the destination; extends the holder's own lease."""
        ...

    def release(self, destination_id: DestinationId, holder: str) -> None: ...
    def waiting(self, limit: int = 1000) -> Sequence[DestinationId]:
        """Destinations with rows that are READY or STARTED: for the reconciler."""
        ...

    def unattended(
        self, now: datetime, limit: int = 1000
    ) -> Sequence[tuple[DestinationId, str | None]]:
        """Destinations with rows that could be sent now, and who holds each; None: nobody."""
        ...

    def release_all(self, holder: str) -> Sequence[DestinationId]:
        """Takes everything from a holder that is dead: what it held."""
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


class Seal(Protocol):
    """Keeps what is personal in the audit log under one key a person, so that it can be erased."""

    def reference(self, person_key: str) -> str:
        """`p:` and 16 hex digits: the same for the same key, and telling nobody whose it is."""
        ...

    def new_key(self) -> str:
        """A fresh key, wrapped by the master key, as it is stored."""
        ...

    def check(self, key: str) -> None:
        """Raises StoreError where this stored key was wrapped by another master key."""
        ...

    def close(self, key: str, text: str, context: str) -> str:
        """`text` sealed under a stored key. Raises StoreError where the master key is another."""
        ...

    def open(self, key: str, sealed: str, context: str) -> str | None:
        """What was sealed under this very key; None where it was another. Raises StoreError."""
        ...


class Audit(Protocol):
    """The audit log: one chain an account, append-only. See agent_core/audit.py."""

    def reference(self, person_key: str) -> str:
        """How this person (`Requester.key`) stands in the log. AGENT and OPERATOR stay."""
        ...

    def check(self) -> None:
        """Raises StoreError where the log was begun with another master key."""
        ...

    def append(self, draft: AuditDraft) -> None:
        """Written with this transaction, as its last statements, in the order of the calls."""
        ...

    def entries(self, chain: str, *, after: int = 0, limit: int = 1000) -> Sequence[AuditEntry]:
        """Rows with seq > `after`, by seq, this transaction's own with them."""
        ...

    def chains(self) -> Sequence[str]:
        """All chains that have a row, sorted."""
        ...

    def opened(self, entries: Sequence[AuditEntry]) -> Sequence[Json | None]:
        """What is personal in each; None: erased. Raises StoreError for another master key."""
        ...

    def destroy_key(self, reference: str) -> bool:
        """What was sealed for this person can be read by nobody any more. False: there was none."""
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


class Upkeep(Protocol):
    """What removes stored rows: retention_sweep.py and forget.py alone use it."""

    def expire(self, kind: Kept, before: datetime, after: object, limit: int) -> Walked:
        """Of the next `limit` rows after `after` (None: the first) those that are over and older
        than `before` are removed."""
        ...

    def whereabouts(self, whom: Whom) -> Whereabouts:
        """Every conversation with something of them. Reads whole tables."""
        ...

    def heard_since(self, place: str, since: datetime) -> bool:
        """Whether somebody wrote in this room or workspace after that."""
        ...

    def doubtful(self, whom: Whom) -> Sequence[str]:
        """Ledger keys of theirs whose outcome nobody knows."""
        ...

    def in_the_way(self, whom: Whom, place: Place) -> Sequence[str]:
        """What of theirs is not over in a conversation that others share, in words."""
        ...

    def on_its_way(self, whom: Whom, place: Place) -> Sequence[str]:
        """What of theirs is being posted, also in the support room, in words."""
        ...

    def unfinished(self, whom: Whom) -> Sequence[str]:
        """What of theirs is at work anywhere, in words."""
        ...

    def own_posts(self, whom: Whom, place: Place) -> Sequence[OwnPost]:
        """Our posts with something of theirs in them, in their thread and in support's."""
        ...

    def erase_conversation(self, whom: Whom, place: Place, at: datetime) -> Counter[str]:
        """How many rows of each table. What others said in it stays."""
        ...

    def erase_rest(self, whom: Whom, at: datetime) -> Counter[str]:
        """What belongs to no one conversation. The books stay, under a pseudonym."""
        ...


class UnitOfWork(Protocol):
    """One transaction. `connection` is for the engine alone (None in memory)."""

    rooms: Rooms
    people: People
    conversations: Conversations
    transcript: Transcript
    inbox: Inbox
    turns: Turns
    proposals: Proposals
    ledger: Ledger
    outgoing: Outgoing
    escalations: Escalations
    brakes: Brakes
    audit: Audit
    upkeep: Upkeep

    @property
    def connection(self) -> object | None: ...
    def after_commit(self, callback: Callable[[], None]) -> None:
        """Runs on the event loop once the transaction is committed; never if it is rolled back."""
        ...


class Store(Protocol):
    """Durable state. `run` is one transaction: commits when `fn` returns, rolls back on a raise."""

    async def run(self, fn: Callable[[UnitOfWork], T]) -> T: ...
    async def close(self) -> None: ...


class DurableStore(Store, Protocol):
    """A store whose bytes outlast the process."""

    async def scrub(self) -> bool:
        """Lets go of the bytes of what was erased; False where others keep it from that."""
        ...


# --- engine ---------------------------------------------------------------------------------


class EngineKind(StrEnum):
    """What an engine entry asks for. It carries ids only, never a message."""

    TURN = "turn"  # conversation `key` has work; one at a time per key
    DELIVER = "deliver"  # destination `key` has rows
    TIMER = "timer"  # `ref` is due; whoever handles it re-reads the state


EngineHandler = Callable[[str, str], Awaitable[None]]  # (key, ref)


class Engine(Protocol):
    """Queues, one-at-a-time, recovery and timers. Its state is disposable."""

    def submit(
        self, tx: UnitOfWork, *, kind: EngineKind, key: str, ref: str, at: datetime | None = None
    ) -> None:
        """Inside the caller's transaction; idempotent by (kind, ref)."""
        ...

    async def start(self, handlers: Mapping[EngineKind, EngineHandler]) -> None: ...
    async def drain(self, seconds: float) -> None:
        """Takes no new work, waits for the running, then stops."""
        ...


# --- model ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens of one call, as the endpoint counts them; 0 where it does not."""

    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelMessage:
    """One message of a prompt. `role`: system, user, assistant or tool."""

    role: str
    content: str
    name: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRequest:
    """One call. The start of `messages`, and `tools`, are byte-stable from turn to turn."""

    messages: tuple[ModelMessage, ...]
    tools: tuple[Tool, ...]
    timeout_seconds: float
    max_output_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelReply:
    """What came back: words, or calls, or both.

    `model`: the label of the one that answered, where several stand behind one; "" where not.
    `finish` and `answered_by`: why the endpoint stopped, and what it calls the model, in its own
    words; "" where it does not say.
    """

    text: str
    tool_calls: tuple[ToolCall, ...] = ()
    usage: Usage = field(default_factory=Usage)
    finish: str = ""
    answered_by: str = ""
    model: str = ""


class ChatModel(Protocol):
    """A model. `label` is shown to people; `is_language_model` is false for scripted ones."""

    @property
    def label(self) -> str: ...
    @property
    def is_language_model(self) -> bool: ...
    async def reply(self, request: ModelRequest) -> ModelReply:
        """Raises ModelUnavailable or ModelOutputInvalid."""
        ...

    async def close(self) -> None: ...


# --- platforms ------------------------------------------------------------------------------


class PlatformAdapter(Protocol):
    """A chat platform's way out. Raises PlatformError by family.

    `can_look_up`: whether `find` can tell if an ambiguous post arrived.
    """

    @property
    def platform(self) -> Platform: ...
    @property
    def can_look_up(self) -> bool: ...
    async def post(
        self, address: ReplyAddress, message: OutboundMessage, outgoing_id: OutgoingId
    ) -> Posted:
        """`outgoing_id` travels with the post, so that `find` can find it."""
        ...

    async def update(
        self, address: ReplyAddress, posted: MessageRef, message: OutboundMessage
    ) -> None: ...
    async def find(self, address: ReplyAddress, outgoing_id: OutgoingId) -> Posted | None: ...
    async def close(self) -> None: ...


class PostRemover(Protocol):
    """A platform on which our own posts can be deleted. Raises PlatformError by family."""

    async def remove(
        self,
        address: ReplyAddress,
        posted: MessageRef,
        message: OutboundMessage,
        outgoing_id: OutgoingId,
    ) -> int:
        """How many parts of it could not be reached and are still there.

        Raises DestinationGone where it is not there any more.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is owed inside the request. Built from stored state, with no model and no queue.

    `notice`: a sentence for the one who acted, in private. `form`: to be opened now.
    `form_errors`: by input id; the form stays open. `card`: how the pressed card looks now.
    `options`: for a picker. All empty: a bare acknowledgement.
    """

    notice: str = ""
    form: Form | None = None
    form_errors: Mapping[str, str] = field(default_factory=dict)
    card: OutboundMessage | None = None
    options: tuple[Choice, ...] = ()


class Receiver(Protocol):
    """The way in: what each adapter's webhook calls once a delivery is verified and parsed."""

    async def receive(self, event: InboundEvent) -> Answer:
        """Returns once the event is committed. Idempotent by the event's own identity."""
        ...


# --- what the core asks of tools, policy and escalation ----------------------------------------


class ToolCatalog(Protocol):
    """Which tools an audience gets: by audience, so that the prompt's prefix is stable."""

    def for_audience(self, audience: Audience) -> tuple[Tool, ...]: ...
    def get(self, name: ToolName) -> Tool | None: ...


class AccountDirectory(Protocol):
    """What the core and the desk may know of accounts, without tools."""

    async def summary(self, account_id: AccountId) -> tuple[tuple[str, str], ...]:
        """Label and value lines for a brief. Raises ToolError."""
        ...

    async def search(self, query: str, limit: int = 20) -> Sequence[tuple[AccountId, str]]:
        """Accounts by id or name, for staff's picker."""
        ...


class PolicySource(Protocol):
    """The policy in force."""

    def current(self) -> Policy: ...


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
