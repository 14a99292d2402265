"""The inbox, turns and their journals, in SQL."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from agent_core.conversation import ConversationId
from agent_core.errors import ConversationChanged, TurnLost
from agent_core.journal import (
    InboxKind,
    InboxRow,
    InboxStatus,
    JournalEntry,
    Turn,
    TurnId,
    TurnStatus,
    Waiting,
)
from agent_core.messages import Participant
from agent_core.proposals import ProposalId
from agent_core.store import tables
from agent_core.store.rows import CONVERSATIONS, INBOX, JOURNAL, TURNS
from agent_core.store.sql import Sql, given, given_many
from agent_core.telemetry import trace_in_force

_DELIVERIES = tables.table(tables.DeliveryTable)
_INBOX = INBOX.table
_ADD = sa.insert(_INBOX).returning(_INBOX.c.seq)
_NEW = (
    INBOX.select()
    .where(_INBOX.c.conversation_id == given("id"), sa.text(tables.NEW_INBOX))
    .order_by(_INBOX.c.seq)
    .limit(given("limit"))
)
_OF_TURN = INBOX.select().where(_INBOX.c.turn_id == given("turn")).order_by(_INBOX.c.seq)
_CLAIM = sa.update(_INBOX).where(
    _INBOX.c.seq.in_(given_many("seqs")),
    sa.or_(
        _INBOX.c.status == "new",
        sa.and_(_INBOX.c.status == "claimed", _INBOX.c.turn_id == given("turn")),
    ),
)
_FINISH = sa.update(_INBOX).where(_INBOX.c.seq.in_(given_many("seqs")))
_UNFINISHED = (
    sa.select(_INBOX.c.conversation_id)
    .where(sa.text(tables.UNFINISHED_INBOX))
    .group_by(_INBOX.c.conversation_id)
    .order_by(_INBOX.c.conversation_id)
    .limit(given("limit"))
)
_CONVERSATIONS = CONVERSATIONS.table
_SHARE = sa.func.coalesce(_CONVERSATIONS.c.account_id, _CONVERSATIONS.c.room)
# Over the index of unfinished rows, and one look by key for each conversation among them.
_WAITING = (
    sa.select(_INBOX.c.conversation_id, sa.func.count().label("rows"))
    .where(sa.text(tables.UNFINISHED_INBOX))
    .group_by(_INBOX.c.conversation_id)
    .order_by(sa.func.min(_INBOX.c.seq))
    .limit(given("limit"))
    .subquery()
)
_BACKLOG = sa.select(_WAITING.c.conversation_id, _SHARE.label("share"), _WAITING.c.rows).join(
    _CONVERSATIONS, _CONVERSATIONS.c.id == _WAITING.c.conversation_id
)

_TURNS = TURNS.table
_RUNNING = TURNS.select().where(
    _TURNS.c.conversation_id == given("id"), sa.text(tables.RUNNING_TURN)
)
_TAKE_OVER = (
    sa.update(_TURNS)
    .where(_TURNS.c.id == given("id"), sa.text(tables.RUNNING_TURN))
    .values(attempts=_TURNS.c.attempts + 1, token=given("token"))
    .returning(*TURNS.columns)
)
_OWNED = (
    _TURNS.c.id == given("id"),
    _TURNS.c.token == given("token"),
    sa.text(tables.RUNNING_TURN),
)
# Held until the commit: a worker that takes over waits, and sees what was written.
_ASSERT = sa.select(_TURNS.c.id).where(*_OWNED).with_for_update()
_CLOSE = sa.update(_TURNS).where(*_OWNED)
_GIVE_BACK = sa.update(_TURNS).where(*_OWNED).values(attempts=_TURNS.c.attempts - 1)
_JOURNAL = JOURNAL.table
_OF_JOURNAL = (
    JOURNAL.select().where(_JOURNAL.c.turn_id == given("id")).order_by(_JOURNAL.c.position)
)


class SqlInbox:
    """`ports.Inbox`."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def take(self, key: str, at: datetime) -> bool:
        return self._sql.add(_DELIVERIES, {"key": key, "at": at})

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
        row = InboxRow(
            seq=0,
            conversation_id=conversation_id,
            kind=kind,
            author=author,
            author_key=author_key,
            received_at=at,
            transcript_seq=transcript_seq,
            proposal_id=proposal_id,
            trace=trace_in_force(),
        )
        params = INBOX.to_row(row)
        del params["seq"]
        added = self._sql.one(_ADD, **params)
        assert added is not None
        seq = added[0]
        return INBOX.from_row([seq if name == "seq" else params[name] for name in INBOX.names])

    def new_rows(self, conversation_id: ConversationId, limit: int = 50) -> Sequence[InboxRow]:
        rows = self._sql.all(_NEW, b_id=conversation_id, b_limit=limit)
        return [INBOX.from_row(row) for row in rows]

    def of_turn(self, turn_id: TurnId) -> Sequence[InboxRow]:
        return [INBOX.from_row(row) for row in self._sql.all(_OF_TURN, b_turn=turn_id)]

    def claim(self, seqs: Sequence[int], turn_id: TurnId) -> None:
        """Raises ConversationChanged where a row is done or another turn's."""
        wanted = sorted(set(seqs))
        params = {
            "b_seqs": wanted,
            "b_turn": turn_id,
            "turn_id": turn_id,
            "status": InboxStatus.CLAIMED.value,
        }
        if wanted and self._sql.change(_CLAIM, params) != len(wanted):
            raise ConversationChanged("an inbox row is done or claimed by another turn")

    def finish(self, seqs: Sequence[int]) -> None:
        if seqs:
            self._sql.change(_FINISH, {"b_seqs": list(seqs), "status": InboxStatus.DONE.value})

    def unfinished(self, limit: int = 1000) -> Sequence[ConversationId]:
        return [ConversationId(row[0]) for row in self._sql.all(_UNFINISHED, b_limit=limit)]

    def backlog(self, limit: int) -> Sequence[Waiting]:
        return [
            Waiting(conversation_id=ConversationId(key), share=share, rows=rows)
            for key, share, rows in self._sql.all(_BACKLOG, b_limit=limit)
        ]


class SqlTurns:
    """`ports.Turns`.

    Asserting a token locks the turn until the commit, so one transaction asks once for each.
    """

    def __init__(self, sql: Sql) -> None:
        self._sql = sql
        self._owned: dict[TurnId, str] = {}

    def running(self, conversation_id: ConversationId) -> Turn | None:
        row = self._sql.one(_RUNNING, b_id=conversation_id)
        return TURNS.from_row(row) if row else None

    def add(self, turn: Turn) -> None:
        """Raises ConversationChanged where the conversation has a running turn."""
        if not self._sql.add(_TURNS, TURNS.to_row(turn)):
            raise ConversationChanged(
                f"conversation {turn.conversation_id} has a running turn already"
            )
        if turn.status is TurnStatus.RUNNING:
            self._owned[turn.id] = turn.token

    def take_over(self, turn_id: TurnId, token: str) -> Turn:
        row = self._sql.one(_TAKE_OVER, b_id=turn_id, b_token=token)
        if row is None:
            raise TurnLost(f"turn {turn_id} is over")
        self._owned[turn_id] = token
        return TURNS.from_row(row)

    def give_back(self, turn_id: TurnId, token: str) -> None:
        if not self._sql.change(_GIVE_BACK, {"b_id": turn_id, "b_token": token}):
            raise TurnLost(f"turn {turn_id} has another owner or is over")

    def assert_owner(self, turn_id: TurnId, token: str) -> None:
        if self._owned.get(turn_id) == token:
            return
        if self._sql.one(_ASSERT, b_id=turn_id, b_token=token) is None:
            raise TurnLost(f"turn {turn_id} has another owner or is over")
        self._owned[turn_id] = token

    def append(self, turn_id: TurnId, token: str, entries: Sequence[JournalEntry]) -> None:
        """Raises ConversationChanged where a position is written already."""
        self.assert_owner(turn_id, token)
        if not self._sql.add_all(_JOURNAL, [JOURNAL.to_row(entry) for entry in entries]):
            raise ConversationChanged(f"turn {turn_id} has one of these journal entries already")

    def journal(self, turn_id: TurnId) -> Sequence[JournalEntry]:
        return [JOURNAL.from_row(row) for row in self._sql.all(_OF_JOURNAL, b_id=turn_id)]

    def close(self, turn_id: TurnId, token: str, status: TurnStatus) -> None:
        self._owned.pop(turn_id, None)
        params = {"b_id": turn_id, "b_token": token, "status": status.value}
        if not self._sql.change(_CLOSE, params):
            raise TurnLost(f"turn {turn_id} has another owner or is over")
