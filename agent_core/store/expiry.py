"""Removes rows that were kept long enough, a batch of one kind at a time."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from agent_core.conversation import Audience, ConversationId
from agent_core.delivery import room_destination
from agent_core.escalations import EscalationStatus
from agent_core.journal import InboxStatus, TurnStatus
from agent_core.messages import DestinationId, ReplyAddress
from agent_core.open_work import open_work
from agent_core.outgoing import OutgoingStatus
from agent_core.ports import UnitOfWork
from agent_core.proposals import Outcome, ProposalId, ProposalStatus
from agent_core.retention import Kept, Walked
from agent_core.store.holdings import HOLDINGS, with_conversation
from agent_core.store.places import left_places
from agent_core.store.records import Records, Row

# What is walked for each kind, by which primary key.
_TABLES: Final[Mapping[Kept, tuple[str, str]]] = {
    Kept.DELIVERIES: ("hr_deliveries", "key"),
    Kept.CODES: ("hr_join_codes", "selector"),
    Kept.TOLD: ("hr_told", "identity"),
    Kept.JOURNALS: ("hr_turns", "id"),
    Kept.INBOX: ("hr_inbox", "seq"),
    Kept.OUTGOING: ("hr_outgoing", "id"),
    Kept.CASES: ("hr_escalations", "id"),
    Kept.CONVERSATIONS: ("hr_conversations", "id"),
    Kept.LEDGER: ("hr_ledger", "key"),
    Kept.PROPOSALS: ("hr_proposals", "id"),
}
# These have retention times of their own, which are no longer, and so go by themselves.
_BY_THEMSELVES: Final = frozenset({"hr_inbox", "hr_turns", "hr_outgoing"})
_SENT: Final = {OutgoingStatus.SENT, OutgoingStatus.DROPPED, OutgoingStatus.FAILED}
_OVER: Final = {EscalationStatus.HANDED_BACK, EscalationStatus.RESOLVED}
_Remove = Callable[[Sequence[Row], datetime], int]


class Expiry:
    """One transaction's part of the retention job."""

    def __init__(self, tx: UnitOfWork, records: Records) -> None:
        self._tx = tx
        self._records = records
        self._by_kind: Mapping[Kept, _Remove] = {
            Kept.DELIVERIES: lambda rows, before: self._old("hr_deliveries", "key", rows, before),
            Kept.TOLD: lambda rows, before: self._old("hr_told", "identity", rows, before),
            Kept.CODES: self._codes,
            Kept.JOURNALS: self._turns,
            Kept.INBOX: self._inbox,
            Kept.OUTGOING: self._outgoing,
            Kept.CASES: self._cases,
            Kept.CONVERSATIONS: self._conversations,
            Kept.LEDGER: self._ledger,
            Kept.PROPOSALS: self._proposals,
        }

    def expire(self, kind: Kept, before: datetime, after: Any, limit: int) -> Walked:
        """Looks at the next `limit` rows and removes what is over and older than that."""
        table, key = _TABLES[kind]
        rows = self._records.walk(table, key, after, limit)
        removed = self._by_kind[kind](rows, before) if rows else 0
        return Walked(removed=removed, next=rows[-1][key] if len(rows) == limit else None)

    # --- each kind --------------------------------------------------------------------------

    def _old(self, table: str, key: str, rows: Sequence[Row], before: datetime) -> int:
        gone = [row[key] for row in rows if row["at"] < before]
        return self._records.delete(table, key, gone)

    def _codes(self, rows: Sequence[Row], before: datetime) -> int:
        gone = [row["selector"] for row in rows if row["expires_at"] < before]
        return self._records.delete("hr_join_codes", "selector", gone)

    def _turns(self, rows: Sequence[Row], before: datetime) -> int:
        """A finished turn with its journal, and the inbox rows that it did."""
        gone = [
            row["id"]
            for row in rows
            if row["status"] != TurnStatus.RUNNING and row["started_at"] < before
        ]
        inbox = self._records.rows("hr_inbox", "turn_id", gone)
        done = [row["seq"] for row in inbox if row["status"] == InboxStatus.DONE]
        left = {row["turn_id"] for row in inbox if row["status"] != InboxStatus.DONE}
        gone = [turn for turn in gone if turn not in left]
        self._records.delete("hr_journal", "turn_id", gone)
        self._records.delete("hr_inbox", "seq", done)
        return self._records.delete("hr_turns", "id", gone)

    def _inbox(self, rows: Sequence[Row], before: datetime) -> int:
        """Rows that were done without a turn."""
        gone = [
            row["seq"]
            for row in rows
            if row["status"] == InboxStatus.DONE
            and row["turn_id"] is None
            and row["received_at"] < before
        ]
        return self._records.delete("hr_inbox", "seq", gone)

    def _outgoing(self, rows: Sequence[Row], before: datetime) -> int:
        old = [row for row in rows if row["status"] in _SENT and row["created_at"] < before]
        gone = [row for row in old if not self._is_needed(row)]
        removed = self._records.delete("hr_outgoing", "id", [row["id"] for row in gone])
        alone = {row["destination"] for row in gone if row["conversation_id"] is None}
        self._records.delete("hr_destinations", "id", left_places(self._records, alone))
        return removed

    def _is_needed(self, row: Row) -> bool:
        """A card that may still change: of an open case, or of an action that waits."""
        case = self._tx.escalations.of_destination(DestinationId(row["destination"]))
        if case is not None and case.status.is_open:
            return True
        kind, _, subject = row["destination"].partition(":")
        if kind == "approval":
            proposal = self._tx.proposals.get(ProposalId(subject))
            return proposal is not None and proposal.status.is_open
        if row["conversation_id"] is None:
            return False
        conversation = ConversationId(row["conversation_id"])
        return self._tx.escalations.open_in(conversation) is not None or bool(
            self._tx.proposals.open_in(conversation)
        )

    def _cases(self, rows: Sequence[Row], before: datetime) -> int:
        old = [
            row
            for row in rows
            if row["status"] in _OVER and (row["closed_at"] or row["opened_at"]) < before
        ]
        gone = [row for row in old if not self._has_rows(row["destination"])]
        removed = self._records.delete("hr_escalations", "id", [row["id"] for row in gone])
        self._records.delete("hr_destinations", "id", [row["destination"] for row in gone])
        return removed

    def _conversations(self, rows: Sequence[Row], before: datetime) -> int:
        return sum(self._conversation(row, before) for row in rows if row["opened_at"] < before)

    def _conversation(self, row: Row, before: datetime) -> int:
        conversation = self._tx.conversations.get(ConversationId(row["id"]))
        if conversation is None:
            return 0
        last = self._tx.transcript.last(conversation.id, 1)
        if last and last[0].at >= before:
            return 0
        if open_work(self._tx, conversation) or self._has_rows(conversation.destination):
            return 0
        for table in with_conversation():
            if table not in _BY_THEMSELVES:
                self._records.delete(table, HOLDINGS[table].of_conversation, [conversation.id])
        places = [conversation.destination]
        if conversation.audience is Audience.PRIVATE:
            chat = ReplyAddress(room=conversation.room, thread_id=None)
            places += [one for one in (room_destination(chat),) if not self._has_rows(one)]
        self._records.delete("hr_destinations", "id", places)
        return 1

    def _has_rows(self, destination: str) -> bool:
        return bool(self._records.rows("hr_outgoing", "destination", [destination]))

    def _ledger(self, rows: Sequence[Row], before: datetime) -> int:
        """Money in doubt stays for as long as it is."""
        gone = [
            row["key"]
            for row in rows
            if row["outcome"] not in (None, Outcome.UNKNOWN) and row["intended_at"] < before
        ]
        return self._records.delete("hr_ledger", "key", gone)

    def _proposals(self, rows: Sequence[Row], before: datetime) -> int:
        old = [
            row["id"]
            for row in rows
            if not ProposalStatus(row["status"]).is_open and row["proposed_at"] < before
        ]
        booked = {row["key"] for row in self._records.rows("hr_ledger", "key", old)}
        return self._records.delete("hr_proposals", "id", [one for one in old if one not in booked])
