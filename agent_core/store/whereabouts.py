"""Finds every conversation with something of a person or an account."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from typing import Final

from agent_core.conversation import ConversationId, Speaker
from agent_core.forgetting import Place, Whereabouts, Whom
from agent_core.messages import PlatformIdentity
from agent_core.ports import UnitOfWork
from agent_core.store.records import Records
from agent_core.store.their_rows import TheirRows, asked_for, is_by

_CUSTOMERS: Final = (Speaker.CUSTOMER.value, Speaker.STAFF.value)


class Search:
    """One transaction's look at where somebody is."""

    def __init__(self, tx: UnitOfWork, records: Records) -> None:
        self._tx = tx
        self._records = records
        self._rows = TheirRows(records)

    def whereabouts(self, whom: Whom) -> Whereabouts:
        """Every conversation with something of them, and who else belongs to an account."""
        of_account = self._conversations_of(whom.account) | self._conversations_in(whom.rooms)
        whom = self._with_strangers(whom, of_account)
        said = self._records.rows("hr_transcript", "identity", whom.addresses)
        asked = self._records.rows("hr_escalations", "asker", whom.addresses)
        names = {row["name"] for row in said} | {row["asked_by"] for row in asked}
        whom = replace(whom, names=whom.names | (names - {""}))
        took_part = {row["conversation_id"] for row in asked if asked_for(row, whom)}
        took_part |= {row["conversation_id"] for row in said if row["speaker"] in _CUSTOMERS}
        told = self._records.rows("hr_transcript", "told", whom.addresses)
        took_part |= {row["conversation_id"] for row in told}
        for table in ("hr_inbox", "hr_turns"):
            took_part |= {row["conversation_id"] for row in self._rows.work_of(table, whom)}
        if whom.account is not None:
            cases = self._records.rows("hr_escalations", "account_id", [whom.account])
            took_part |= {row["conversation_id"] for row in cases}
        for row in self._rows.actions("hr_proposals", whom):
            took_part.add(row["conversation_id"])
        shared = self._with_others(took_part, whom)
        places = [Place(conversation=one, whole=True) for one in sorted(of_account)]
        places += [
            Place(conversation=ConversationId(one), whole=one not in shared)
            for one in sorted(took_part - of_account)
        ]
        return Whereabouts(whom=whom, places=tuple(places))

    def _conversations_of(self, account: str | None) -> set[ConversationId]:
        if account is None:
            return set()
        rows = self._records.rows("hr_conversations", "account_id", [account])
        meant = self._records.rows("hr_conversations", "subject", [account])
        named = {row["id"] for row in meant if row["account_id"] is None}
        named -= self._about_others(named, account)
        return {ConversationId(one) for one in {row["id"] for row in rows} | named}

    def _about_others(self, conversations: Collection[str], account: str) -> set[str]:
        """Those about another account too. Which one is meant now says only which came last."""
        return {
            row["conversation_id"]
            for table in ("hr_proposals", "hr_ledger", "hr_escalations")
            for row in self._records.rows(table, "conversation_id", conversations)
            if row["account_id"] not in (None, account)
        }

    def _conversations_in(self, rooms: str) -> set[ConversationId]:
        if not rooms:
            return set()
        workspace = rooms.removesuffix("*")
        found = self._records.containing("hr_conversations", "room", [workspace])
        return {
            ConversationId(row["id"])
            for row in found
            if (row["room"].startswith(workspace) if rooms != workspace else row["room"] == rooms)
        }

    def heard_since(self, place: str, since: datetime) -> bool:
        """Whether a person wrote in this room or workspace after that."""
        inside = self._conversations_in(place)
        words = self._records.rows("hr_transcript", "conversation_id", inside)
        return any(row["at"] > since and row["identity"] is not None for row in words)

    def _with_strangers(self, whom: Whom, conversations: Collection[ConversationId]) -> Whom:
        """With those who wrote about the account alone, and whom nobody ever made known."""
        if whom.account is None and not whom.rooms:
            return whom
        words = self._records.rows("hr_transcript", "conversation_id", conversations)
        wrote = {row["identity"] for row in words if row["speaker"] == Speaker.CUSTOMER}
        unknown = {
            one
            for one in wrote - {None}
            if self._tx.people.find(PlatformIdentity.parse(one)) is None
        }
        elsewhere = {
            row["identity"]
            for row in self._records.rows("hr_transcript", "identity", unknown)
            if row["conversation_id"] not in conversations
        }
        return replace(whom, addresses=whom.addresses | (unknown - elsewhere))

    def _with_others(self, conversations: Collection[str], whom: Whom) -> set[str]:
        """Those in which somebody else asked or wrote too."""
        words = self._records.rows("hr_transcript", "conversation_id", conversations)
        shared = {
            row["conversation_id"]
            for row in words
            if row["speaker"] in _CUSTOMERS and row["identity"] not in whom.addresses
        }
        for table in ("hr_inbox", "hr_turns"):
            rows = self._records.rows(table, "conversation_id", conversations)
            shared |= {row["conversation_id"] for row in rows if not is_by(row, whom)}
        return shared
