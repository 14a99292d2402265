"""Conversations, their threads and what was said in them, in SQL."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from agent_core.conversation import (
    Audience,
    Conversation,
    ConversationId,
    HistorySummary,
    Speaker,
    TranscriptEntry,
)
from agent_core.errors import ConversationChanged, StoreError
from agent_core.messages import MessageRef, ThreadRef
from agent_core.store import tables
from agent_core.store.rows import CONVERSATIONS, SUMMARIES, TRANSCRIPT, message_key, thread_key
from agent_core.store.sql import Sql, given

_TABLE = CONVERSATIONS.table
_THREADS = tables.table(tables.ThreadTable)
# Whoever reads a conversation holds it until the commit, so that nobody decides on what another
# transaction is changing. SQLite has one writer and needs no such lock: it leaves the words out.
_GET = CONVERSATIONS.select().where(_TABLE.c.id == given("id")).with_for_update()
_OF_THREAD = (
    CONVERSATIONS.select()
    .join(_THREADS, _THREADS.c.conversation_id == _TABLE.c.id)
    .where(_THREADS.c.thread == given("thread"))
    .with_for_update(of=_TABLE)
)
_OWNER_OF_THREAD = sa.select(_THREADS.c.conversation_id).where(_THREADS.c.thread == given("thread"))
_SAVE = sa.update(_TABLE).where(_TABLE.c.id == given("id"), _TABLE.c.epoch == given("epoch"))


def _at(name: str) -> sa.BindParameter[datetime]:
    return sa.bindparam(f"b_{name}", type_=tables.UtcTime())


_LINES = TRANSCRIPT.table
_NEXT_SEQ = (
    sa.update(_TABLE)
    .where(_TABLE.c.id == given("id"))
    .values(last_seq=_TABLE.c.last_seq + 1)
    .returning(_TABLE.c.last_seq)
)
_ADD_LINE = sa.insert(_LINES)
_NEWEST = (
    TRANSCRIPT.select()
    .where(_LINES.c.conversation_id == given("id"))
    .order_by(_LINES.c.seq.desc())
    .limit(given("limit"))
)
_NEWEST_UPTO = _NEWEST.where(_LINES.c.seq <= given("upto"))
_LINE = TRANSCRIPT.select().where(
    _LINES.c.conversation_id == given("id"), _LINES.c.seq == given("seq")
)
_OF_MESSAGE = (
    TRANSCRIPT.select()
    .where(_LINES.c.message == given("message"))
    .order_by(_LINES.c.at, _LINES.c.seq)
    .limit(1)
)
_CHANGED = (
    sa.update(_LINES)
    .where(_LINES.c.message == given("message"), _LINES.c.deleted_at.is_(None))
    .returning(_LINES.c.conversation_id, _LINES.c.seq)
)
_EDIT_LINE = _CHANGED.values(text=given("text"), edited_at=_at("edited"))
_DELETE_LINE = _CHANGED.values(text="", deleted_at=_at("deleted"))
_NEWEST_BY = sa.select(sa.func.max(_LINES.c.seq)).where(
    _LINES.c.conversation_id == given("id"), _LINES.c.speaker == given("speaker")
)
# The words are the index's own, so that it is used.
_NEWEST_BY_STAFF = sa.select(sa.func.max(_LINES.c.seq)).where(
    _LINES.c.conversation_id == given("id"), sa.text(tables.STAFF_SPOKE)
)

_SUMMARIES = SUMMARIES.table
_SUMMARY = (
    SUMMARIES.select()
    .where(_SUMMARIES.c.conversation_id == given("id"), _SUMMARIES.c.upto <= given("upto"))
    .order_by(_SUMMARIES.c.upto.desc(), _SUMMARIES.c.at.desc())
    .limit(1)
)
_SHARED_SUMMARY = _SUMMARY.where(_SUMMARIES.c.audience == Audience.SHARED.value)
_ERASE_SUMMARIES = sa.delete(_SUMMARIES).where(
    _SUMMARIES.c.conversation_id == given("id"), _SUMMARIES.c.upto >= given("since")
)


class SqlConversations:
    """`ports.Conversations`."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def get(self, conversation_id: ConversationId) -> Conversation | None:
        row = self._sql.one(_GET, b_id=conversation_id)
        return CONVERSATIONS.from_row(row) if row else None

    def of_thread(self, thread: ThreadRef) -> Conversation | None:
        row = self._sql.one(_OF_THREAD, b_thread=thread_key(thread))
        return CONVERSATIONS.from_row(row) if row else None

    def add(self, conversation: Conversation, thread: ThreadRef) -> None:
        row = {**CONVERSATIONS.to_row(conversation), "last_seq": 0}
        if not self._sql.add(_TABLE, row):
            raise ConversationChanged(f"conversation {conversation.id} exists already")
        self.attach(conversation.id, thread)

    def attach(self, conversation_id: ConversationId, thread: ThreadRef) -> None:
        """Raises ConversationChanged where the thread belongs to another conversation."""
        row = {"thread": thread_key(thread), "conversation_id": conversation_id}
        if self._sql.add(_THREADS, row):
            return
        owner = self._sql.one(_OWNER_OF_THREAD, b_thread=row["thread"])
        if owner is None or owner[0] != conversation_id:
            raise ConversationChanged("this thread belongs to another conversation")

    def save(self, conversation: Conversation, *, expected_epoch: int) -> None:
        params = {
            **CONVERSATIONS.to_row(conversation),
            "b_id": conversation.id,
            "b_epoch": expected_epoch,
        }
        if not self._sql.change(_SAVE, params):
            raise ConversationChanged(
                f"conversation {conversation.id} is no longer in epoch {expected_epoch}"
            )


class SqlTranscript:
    """`ports.Transcript`."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def append(self, entry: TranscriptEntry) -> int:
        """Raises StoreError for an unknown conversation."""
        counted = self._sql.one(_NEXT_SEQ, b_id=entry.conversation_id)
        if counted is None:
            raise StoreError(f"conversation {entry.conversation_id} does not exist")
        seq: int = counted[0]
        self._sql.change(_ADD_LINE, {**TRANSCRIPT.to_row(entry), "seq": seq})
        return seq

    def last(
        self, conversation_id: ConversationId, limit: int, *, upto: int | None = None
    ) -> Sequence[TranscriptEntry]:
        if upto is None:
            rows = self._sql.all(_NEWEST, b_id=conversation_id, b_limit=limit)
        else:
            rows = self._sql.all(_NEWEST_UPTO, b_id=conversation_id, b_limit=limit, b_upto=upto)
        return [TRANSCRIPT.from_row(row) for row in reversed(rows)]

    def get(self, conversation_id: ConversationId, seq: int) -> TranscriptEntry | None:
        row = self._sql.one(_LINE, b_id=conversation_id, b_seq=seq)
        return TRANSCRIPT.from_row(row) if row else None

    def of_message(self, message: MessageRef) -> TranscriptEntry | None:
        row = self._sql.one(_OF_MESSAGE, b_message=message_key(message))
        return TRANSCRIPT.from_row(row) if row else None

    def edit(self, message: MessageRef, text: str, at: datetime) -> bool:
        return self._change(_EDIT_LINE, message, b_text=text, b_edited=at)

    def delete(self, message: MessageRef, at: datetime) -> bool:
        """What its author deleted is not kept: the entry stays, its words go."""
        return self._change(_DELETE_LINE, message, b_deleted=at)

    def _change(self, statement: sa.Executable, message: MessageRef, **params: object) -> bool:
        found = self._sql.all(statement, b_message=message_key(message), **params)
        for conversation_id, seq in found:
            self.erase_summaries(conversation_id, since=seq)
        return bool(found)

    def newest_by(self, conversation_id: ConversationId, speaker: Speaker) -> int:
        if speaker is Speaker.STAFF:
            found = self._sql.one(_NEWEST_BY_STAFF, b_id=conversation_id)
        else:
            found = self._sql.one(_NEWEST_BY, b_id=conversation_id, b_speaker=speaker.value)
        return (found[0] if found else None) or 0

    def summary(
        self, conversation_id: ConversationId, upto: int, audience: Audience
    ) -> HistorySummary | None:
        statement = _SHARED_SUMMARY if audience is Audience.SHARED else _SUMMARY
        row = self._sql.one(statement, b_id=conversation_id, b_upto=upto)
        return SUMMARIES.from_row(row) if row else None

    def add_summary(self, summary: HistorySummary) -> bool:
        return self._sql.add(_SUMMARIES, SUMMARIES.to_row(summary))

    def erase_summaries(self, conversation_id: ConversationId, *, since: int = 0) -> int:
        return self._sql.change(_ERASE_SUMMARIES, {"b_id": conversation_id, "b_since": since})
