"""The commit of one boundary: journal, newer messages and outgoing rows, in one transaction."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from agent_core import notices
from agent_core.conversation import (
    Audience,
    Conversation,
    ConversationStatus,
    Speaker,
    TranscriptEntry,
)
from agent_core.directory import requester_of
from agent_core.history import read_entries
from agent_core.holds import Hold, give_to_people, hold_on, words_of
from agent_core.journal import InboxRow, JournalEntry, TurnStatus
from agent_core.live_turn import LiveTurn, entry_at, progress_row, row_body
from agent_core.messages import Author, OutboundMessage, OutgoingId
from agent_core.outgoing import OutgoingRow
from agent_core.people import Requester
from agent_core.ports import UnitOfWork
from agent_core.services import Services
from agent_core.summing_up import ask_for_summary
from agent_core.tooling import Json
from agent_core.turn_state import Kind, state_of

AGENT_NAME = "Handrail"
OPENED_UP = (
    "People of another company can read this channel now, so I stop here. Please ask in one of "
    "your own, or start a new thread."
)


@dataclass(slots=True)
class Boundary:
    """One open transaction of a turn. Holds its news until the commit succeeds."""

    tx: UnitOfWork
    services: Services
    live: LiveTurn
    conversation: Conversation
    requester: Requester
    at: datetime
    news: list[JournalEntry] = field(default_factory=list)
    joined: list[InboxRow] = field(default_factory=list)
    transcript: dict[int, TranscriptEntry] = field(default_factory=dict)
    silenced: bool = False
    closes: bool = False  # the turn ends with this commit
    newest: int = 0  # the last entry of the transcript that this transaction has written
    more: bool = False

    def note(self, kind: Kind, body: Json) -> None:
        """Adds a journal entry."""
        position = len(self.live.journal) + len(self.news)
        self.news.append(entry_at(self.live.turn, position, kind, body, self.at))

    def post(
        self,
        row_id: str,
        message: OutboundMessage,
        *,
        updates: OutgoingId | None = None,
        remember: bool = True,
    ) -> OutgoingId:
        """Puts a message on its way and into the transcript. The same id is posted once.

        Agent rows bear the turn's epoch. While a case is open, support sees what code posts.
        What is for one person alone enters no transcript: the next turn may be another's.
        """
        outgoing_id = OutgoingId(row_id)
        if self.tx.outgoing.get(outgoing_id) is not None:
            return outgoing_id
        by_agent = message.author is Author.AGENT
        alone = message.private_to is not None
        if updates is None and not alone:  # what only they see may not last: it is told in the room
            message = self._disclosed(message)
        row = OutgoingRow(
            id=outgoing_id,
            destination=self.conversation.destination,
            message=message,
            created_at=self.at,
            conversation_id=self.conversation.id,
            epoch=self.live.turn.epoch if by_agent else None,
            updates=updates,
        )
        self.services.outbox.queue(self.tx, row)
        if remember and updates is None and not alone:
            self._remember(message)
        return outgoing_id

    def _disclosed(self, message: OutboundMessage) -> OutboundMessage:
        """A person's first exchange opens with the sentence that this is an AI."""
        person = self.requester.identity
        if self.tx.people.was_told(person):
            return message
        self.tx.people.note_told(person, self.at)
        return replace(message, discloses_ai=True)

    def _remember(self, message: OutboundMessage) -> None:
        by_agent = message.author is Author.AGENT
        entry = TranscriptEntry(
            conversation_id=self.conversation.id,
            speaker=Speaker.AGENT if by_agent else Speaker.CODE,
            name=AGENT_NAME,
            text=message.fallback,
            at=self.at,
            told=self.requester.identity,
        )
        entry = replace(entry, seq=self.tx.transcript.append(entry))
        self.newest = entry.seq
        case = None if by_agent else self.tx.escalations.open_in(self.conversation.id)
        if case is not None:
            self.services.desk.relay(self.tx, case, entry)

    def save_conversation(self, conversation: Conversation) -> None:
        """Compare-and-set; the epoch stays."""
        self.tx.conversations.save(conversation, expected_epoch=self.conversation.epoch)
        self.conversation = conversation


Effect = Callable[[Boundary], None]


async def commit(
    services: Services,
    live: LiveTurn,
    effect: Effect | None = None,
    *,
    claims: bool = True,
    closes: bool = False,
    always: bool = False,
) -> Boundary:
    """Commits what is pending, and `effect` with it.

    `claims`: newer messages of the same person join the turn. `closes`: the turn ends here.
    `always`: the effect happens also after a person took the conversation (a started action
    finishes). Otherwise the effect is left out then, and the turn falls silent.
    Raises TurnLost where another worker owns the turn.
    """
    at = services.clock.now()

    def run(tx: UnitOfWork) -> Boundary:
        boundary = open_boundary(tx, services, live, at)
        _withhold_if_rights_changed(boundary)
        boundary.closes = closes
        if not always:
            _notice_owner(boundary)
        if claims and not boundary.silenced:
            _claim_newer(boundary)
        if effect is not None and not boundary.silenced:
            effect(boundary)
        _write(boundary)
        return boundary

    boundary = await services.transact(run)
    _take_over_news(live, boundary)
    return boundary


def open_boundary(tx: UnitOfWork, services: Services, live: LiveTurn, at: datetime) -> Boundary:
    """Asserts the token and reads the conversation and the requester's roles of this moment."""
    tx.turns.assert_owner(live.turn.id, live.turn.token)
    conversation = tx.conversations.get(live.turn.conversation_id) or live.conversation
    conversation = as_trusted(tx, conversation)
    return Boundary(
        tx=tx,
        services=services,
        live=live,
        conversation=conversation,
        requester=requester_of(tx, live.turn.author),
        at=at,
    )


def _withhold_if_rights_changed(boundary: Boundary) -> None:
    """What was read while a role was taken away reaches no model: the read went by older rights."""
    live, account = boundary.live, boundary.conversation.account
    before, now = live.requester, boundary.requester
    if (before.role_in(account), before.capabilities) == (now.role_in(account), now.capabilities):
        return
    reason = "What this person may see has changed meanwhile. It may be asked for again."
    live.pending = [
        replace(entry, body={**entry.body, "content": {"status": "refused", "reason": reason}})
        if entry.kind == Kind.RESULT and not entry.body["told"] and entry.body["run"] is None
        else entry
        for entry in live.pending
    ]


def as_trusted(tx: UnitOfWork, conversation: Conversation) -> Conversation:
    """The conversation as its room is now: once an internal room is shared, others read along, and
    the account that staff had named in it is no longer meant there."""
    if conversation.audience is not Audience.INTERNAL:
        return conversation
    binding = tx.rooms.get(conversation.room)
    if binding is None or binding.audience is not Audience.SHARED:
        return conversation
    return replace(conversation, audience=Audience.SHARED, subject=None)


def _notice_owner(boundary: Boundary) -> None:
    """A person took the conversation, or it changed hands: the agent says nothing more."""
    conversation, turn = boundary.conversation, boundary.live.turn
    if state_of(boundary.live.journal).silent:
        return
    began_in = boundary.live.entries[0].body.get("audience") if boundary.live.entries else None
    if began_in == Audience.INTERNAL and conversation.audience is Audience.SHARED:
        # What was read so far was read for insiders: nothing of it may be said here.
        boundary.post(f"opened-up:{turn.id}", notices.notice(OPENED_UP))
        boundary.silenced = True
        boundary.note(Kind.SILENCED, {})
        return
    if (hold := _new_hold(boundary)) is not None:
        asked = words_of(boundary.tx, boundary.live.rows)
        give_to_people(boundary.tx, boundary.services, conversation, hold, turn.author, asked)
        conversation = boundary.tx.conversations.get(conversation.id) or conversation
        boundary.conversation = conversation
    if conversation.epoch != turn.epoch or conversation.status is not ConversationStatus.WITH_AGENT:
        boundary.silenced = True
        boundary.note(Kind.SILENCED, {})


def _new_hold(boundary: Boundary) -> Hold | None:
    """A brake that was set while the turn ran: it stops at this boundary."""
    if boundary.conversation.status is not ConversationStatus.WITH_AGENT:
        return None
    return hold_on(boundary.tx, boundary.services, boundary.conversation)


def rows_of_one(rows: list[InboxRow], author_key: str) -> list[InboxRow]:
    """The rows at the front that are this person's."""
    front: list[InboxRow] = []
    for row in rows:
        if row.author_key != author_key:
            break
        front.append(row)
    return front


def _claim_newer(boundary: Boundary) -> None:
    turn, tx = boundary.live.turn, boundary.tx
    if state_of(boundary.live.journal).silent:
        return
    newer = rows_of_one(list(tx.inbox.new_rows(turn.conversation_id)), turn.author_key)
    if not newer:
        return
    tx.inbox.claim([row.seq for row in newer], turn.id)
    boundary.joined = newer
    boundary.transcript = read_transcript(boundary)
    upto = max(boundary.transcript, default=0)
    boundary.note(Kind.JOINED, {"rows": [row_body(row) for row in newer], "upto": upto})


def read_transcript(boundary: Boundary) -> dict[int, TranscriptEntry]:
    """What the turn needs of it, as far as everybody in the room may know it."""
    rows = [*boundary.live.rows, *boundary.joined]
    first = min((row.transcript_seq for row in rows if row.transcript_seq), default=None)
    limits = boundary.services.limits
    return read_entries(boundary.tx, boundary.conversation, first, limits)


def _write(boundary: Boundary) -> None:
    tx, turn = boundary.tx, boundary.live.turn
    boundary.closes = boundary.closes and not boundary.silenced
    if boundary.closes:
        boundary.note(Kind.CLOSED, {"status": TurnStatus.FINISHED.value})
    tx.turns.append(turn.id, turn.token, [*boundary.live.pending, *boundary.news])
    if not boundary.closes:
        return
    _take_down_progress(boundary)
    _ask_for_summary(boundary)
    rows = [row.seq for row in tx.inbox.of_turn(turn.id)]
    tx.inbox.finish(rows)
    tx.turns.close(turn.id, turn.token, TurnStatus.FINISHED)
    boundary.more = bool(tx.inbox.new_rows(turn.conversation_id, 1))


def _ask_for_summary(boundary: Boundary) -> None:
    """Enough was said since the last summary for the next one: it is made beside the turns."""
    live, limits = boundary.live, boundary.services.limits
    shown = live.journal[0].body if live.journal else {}
    newest = max(boundary.newest, *live.transcript, *boundary.transcript, 0)
    if newest - shown.get("from", 1) + 1 >= limits.history + limits.history_block:
        ask_for_summary(
            boundary.tx, boundary.services.engine, boundary.conversation.id, live.turn.id
        )


def _take_down_progress(boundary: Boundary) -> None:
    """The sign that the turn is at work has no button any more."""
    live = boundary.live
    sign = progress_row(live.turn)
    resumed = any(entry.kind == Kind.RESUMED for entry in live.entries)  # it may have shown it
    shown = live.shows_progress or resumed
    if shown and boundary.tx.outgoing.get(sign) is not None:
        boundary.post(f"{sign}:over", notices.notice("I have worked on this."), updates=sign)


def _take_over_news(live: LiveTurn, boundary: Boundary) -> None:
    live.entries = [*live.journal, *boundary.news]
    live.pending = []
    live.conversation = boundary.conversation
    live.requester = boundary.requester
    live.rows = [*live.rows, *boundary.joined]
    live.transcript = {**live.transcript, **boundary.transcript}
