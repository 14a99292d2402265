"""Erases what is stored of a person or an account, a conversation at a time."""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from agent_core.conversation import Audience, Conversation, Speaker
from agent_core.delivery import room_destination
from agent_core.forgetting import Place, Whom
from agent_core.messages import PlatformIdentity, ReplyAddress
from agent_core.ports import UnitOfWork
from agent_core.store.holdings import HOLDINGS, PSEUDONYM, TOOL, Holds, blanks, with_conversation
from agent_core.store.obstacles import Obstacles
from agent_core.store.places import left_places
from agent_core.store.records import Records, Row
from agent_core.store.their_posts import TheirPosts, without_reasons
from agent_core.store.their_rows import NOBODY, TheirRows, took_over, yeses_of_others

_UNASKED: Final = blanks("hr_escalations", Holds.PERSONAL)
_OURS: Final = (Speaker.AGENT.value, Speaker.CODE.value)


class Erasure:
    """One transaction's part of forgetting somebody."""

    def __init__(self, tx: UnitOfWork, records: Records) -> None:
        self._tx = tx
        self._records = records
        self._rows = TheirRows(records)
        self._posts = TheirPosts(tx, records)
        self._obstacles = Obstacles(tx, records)

    def erase_conversation(self, whom: Whom, place: Place, at: datetime) -> Counter[str]:
        """How many rows of each table. The caller holds the conversation and has looked at it."""
        conversation = self._tx.conversations.get(place.conversation)
        if conversation is None:
            return Counter()
        outgoing = self._posts.outgoing(whom, place)
        cases = self._posts.cases(whom, place)
        counts = Counter[str]()
        if not place.whole:
            counts["hr_transcript"] += self._blank_answers(whom, place, outgoing, cases, at)
        counts["hr_outgoing"] += self._delete("hr_outgoing", "id", [row["id"] for row in outgoing])
        for case in cases:
            self._blank("hr_escalations", case, Holds.PERSONAL, *self._also(whom))
        counts["hr_escalations"] += len(cases) + self._blank_reasons(whom, place)
        if place.whole:
            counts += self._whole(conversation, outgoing)
        else:
            counts += self._erase_derived([conversation.id])
        return +counts

    def _blank_reasons(self, whom: Whom, place: Place) -> int:
        """What they added to the cases of others."""
        count = 0
        for case in self._posts.others_cases(whom, place):
            left = without_reasons(whom, case["suggestion"])
            if left != case["suggestion"]:
                self._records.change("hr_escalations", {"id": case["id"]}, {"suggestion": left})
                count += 1
        return count

    def _whole(self, conversation: Conversation, outgoing: Sequence[Row]) -> Counter[str]:
        counts = Counter[str]()
        turns = self._records.rows("hr_turns", "conversation_id", [conversation.id])
        gone = [row["id"] for row in turns]
        counts["hr_journal"] += self._delete("hr_journal", "turn_id", gone)
        for table in with_conversation():
            column = HOLDINGS[table].of_conversation
            counts[table] += self._delete(table, column, [conversation.id])
        places = {row["destination"] for row in outgoing if row["conversation_id"]}
        places.add(conversation.destination)
        if conversation.audience is Audience.PRIVATE:
            address = ReplyAddress(room=conversation.room, thread_id=None)
            places.add(room_destination(address))
        used = {
            row["destination"] for row in self._records.rows("hr_outgoing", "destination", places)
        }
        used |= {
            row["destination"]
            for row in self._records.rows("hr_conversations", "destination", places)
        }
        counts["hr_destinations"] += self._delete("hr_destinations", "id", places - used)
        return counts

    def _erase_derived(self, conversations: Collection[str]) -> Counter[str]:
        counts = Counter[str]()
        for table, holding in HOLDINGS.items():
            if holding.derived:
                counts[table] += self._delete(table, holding.of_conversation, conversations)
        return counts

    def _blank_answers(
        self,
        whom: Whom,
        place: Place,
        outgoing: Sequence[Row],
        cases: Sequence[Row],
        at: datetime,
    ) -> int:
        """What was said to them in a conversation of several: as it says itself, and what an older
        version stored, by the rows that posted it."""
        said = {
            (row["created_at"], json.loads(row["message"])["fallback"])
            for row in outgoing
            if row["conversation_id"]
        }
        spans = [(row["opened_at"], row["closed_at"]) for row in cases]
        count = 0
        for row in self._records.rows("hr_transcript", "conversation_id", [place.conversation]):
            answers = row["speaker"] in _OURS and (
                row["told"] in whom.addresses or (row["at"], row["text"]) in said
            )
            support = row["speaker"] == Speaker.SUPPORT and any(
                begun <= row["at"] and (ended is None or row["at"] <= ended)
                for begun, ended in spans
            )
            if answers or support:
                self._records.change(
                    "hr_transcript",
                    self._records.key_of("hr_transcript", row),
                    {"text": "", "told": None, "deleted_at": row["deleted_at"] or at},
                )
                count += 1
        return count

    def erase_rest(self, whom: Whom, at: datetime) -> Counter[str]:
        """What belongs to no one conversation: the last of their words, the books, who they are.

        An effect in doubt, and its proposal, stay as they are: somebody has to find out.
        """
        counts = Counter[str]()
        counts += self._blank_words(whom, at)
        counts += self._work(whom)
        doubt = set(self._obstacles.doubtful(whom))
        for table, key in (("hr_proposals", "id"), ("hr_ledger", "key")):
            for row in self._rows.actions(table, whom):
                if row[key] not in doubt:
                    self._blank(table, row, Holds.PERSONAL, *self._also(whom))
                    counts[table] += 1
        counts["hr_proposals"] += self._blank_approvals(whom)
        counts["hr_escalations"] += self._blank_claims(whom)
        counts["hr_brakes"] += self._blank_brakes(whom)
        for column in ("identity", "asked_by"):
            counts["hr_join_codes"] += self._delete("hr_join_codes", column, whom.addresses)
        counts += self._told_alone(whom)
        counts["hr_told"] += self._delete("hr_told", "identity", whom.addresses)
        counts["hr_counters"] += self._delete("hr_counters", "name", _held(whom))
        for person in sorted(whom.people):
            if self._tx.people.get(person) is not None:
                self._tx.people.remove(person)
                counts["hr_people"] += 1
        return +counts

    def _blank_words(self, whom: Whom, at: datetime) -> Counter[str]:
        """With what was made of them since their conversations were looked at, one by one."""
        rows = self._records.rows("hr_transcript", "identity", whom.addresses)
        for row in rows:
            values = blanks("hr_transcript", Holds.PERSONAL)
            if row["speaker"] == Speaker.SUPPORT:
                del values["text"]  # the vendor's own words to a customer, whose they are too
            else:
                values["deleted_at"] = row["deleted_at"] or at
            self._records.change(
                "hr_transcript", self._records.key_of("hr_transcript", row), values
            )
        counts = Counter({"hr_transcript": len(rows)})
        return counts + self._erase_derived({row["conversation_id"] for row in rows})

    def _work(self, whom: Whom) -> Counter[str]:
        """Turns for them in conversations that others share, with what asked for these."""
        counts = Counter[str]()
        turns = [row["id"] for row in self._rows.work_of("hr_turns", whom)]
        inbox = [row["seq"] for row in self._rows.work_of("hr_inbox", whom)]
        counts["hr_journal"] += self._delete("hr_journal", "turn_id", turns)
        counts["hr_turns"] += self._delete("hr_turns", "id", turns)
        counts["hr_inbox"] += self._delete("hr_inbox", "seq", inbox)
        return counts

    def _told_alone(self, whom: Whom) -> Counter[str]:
        """Answers to them that belong to no conversation, and where these went."""
        gone = self._posts.told_alone(whom)
        counts = Counter[str]()
        counts["hr_outgoing"] += self._delete("hr_outgoing", "id", [row["id"] for row in gone])
        places = left_places(self._records, [row["destination"] for row in gone])
        counts["hr_destinations"] += self._delete("hr_destinations", "id", places)
        return counts

    def _blank_approvals(self, whom: Whom) -> int:
        """Yeses of theirs to what others asked for. Those that others gave stay beside them."""
        found = self._rows.approved(whom)
        for row in found:
            values: dict[str, Any] = {"approvals": json.dumps(yeses_of_others(row, whom))}
            if row["approver"] in whom.addresses:
                values |= {"approver": None, "approver_name": ""}
            self._records.change("hr_proposals", {"id": row["id"]}, values)
        return len(found)

    def _blank_claims(self, whom: Whom) -> int:
        """Cases that they had, or took over: the customer's part of these stays."""
        had = self._records.rows("hr_escalations", "claimed_by", whom.keys)
        for row in had:
            values = {"claimed_by": None, "claimed_by_name": ""}
            self._records.change("hr_escalations", {"id": row["id"]}, values)
        began = (
            *self._records.rows("hr_escalations", "asker", whom.addresses),
            *self._records.rows("hr_escalations", "asked_by", whom.names),  # of an older version
        )
        took = [row for row in began if took_over(row, whom)]
        for row in took:
            values = {name: _UNASKED[name] for name in ("asked", "asked_by", "suggestion", "asker")}
            self._records.change("hr_escalations", {"id": row["id"]}, values)
        return len({row["id"] for row in (*had, *took)})

    def _blank_brakes(self, whom: Whom) -> int:
        named = self._records.rows("hr_brakes", "set_by", whom.names)
        rows = [
            *self._records.rows("hr_brakes", "set_by_key", whom.keys),
            *(row for row in named if row["set_by_key"] is None),
        ]
        for row in rows:
            self._blank("hr_brakes", row, Holds.PERSONAL)
        return len(rows)

    def _also(self, whom: Whom) -> tuple[Holds, ...]:
        return (Holds.ACCOUNT,) if whom.account is not None else ()

    def _delete(self, table: str, column: str, values: Iterable[Any]) -> int:
        return self._records.delete(table, column, list(values))

    def _blank(self, table: str, row: Row, *holds: Holds) -> None:
        values = blanks(table, *holds)
        for name, value in values.items():
            if value is TOOL:
                values[name] = row["tool"]
            elif value is PSEUDONYM:
                values[name] = self._pseudonym(row, name)
        self._records.change(table, self._records.key_of(table, row), values)

    def _pseudonym(self, row: Row, column: str) -> str:
        """The same for all rows of one person, and telling nobody who it is."""
        key = row.get("requester_key") or row.get("person_id") or row["requester"]
        reference = self._tx.audit.reference(key)
        if column != "requester":
            return reference
        platform = PlatformIdentity.parse(row["requester"]).platform
        return str(PlatformIdentity(platform=platform, tenant_id=NOBODY, user_id=reference))


def _held(whom: Whom) -> list[str]:
    """Rows that daily limits hold on to while they count."""
    account = [f"hold:account:{whom.account}"] if whom.account else []
    return [*account, *(f"hold:person:{key}" for key in whom.keys)]
