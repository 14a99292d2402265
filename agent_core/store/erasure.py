"""Finds and erases what is stored of a person or an account, a conversation at a time."""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from agent_core.conversation import Audience, Conversation, ConversationId, Speaker
from agent_core.delivery import room_destination
from agent_core.escalations import EscalationStatus
from agent_core.forgetting import OwnPost, Place, Whereabouts, Whom
from agent_core.journal import InboxStatus, TurnStatus
from agent_core.messages import PlatformIdentity, ReplyAddress
from agent_core.outgoing import OutgoingStatus
from agent_core.ports import UnitOfWork
from agent_core.proposals import Outcome, ProposalStatus
from agent_core.store.holdings import (
    HOLDINGS,
    PSEUDONYM,
    TOOL,
    Holds,
    blanks,
    with_conversation,
)
from agent_core.store.records import Records, Row
from agent_core.store.rows import OUTGOING

_CUSTOMERS: Final = (Speaker.CUSTOMER.value, Speaker.STAFF.value)
_OURS: Final = (Speaker.AGENT.value, Speaker.CODE.value)
_NOBODY: Final = "erased"  # the tenant of pseudonyms
_KEYS: Final = {"hr_inbox": "seq", "hr_turns": "id"}
_RUNNING: Final = TurnStatus.RUNNING.value
_DONE: Final = InboxStatus.DONE.value
_UNSENT: Final = (OutgoingStatus.READY.value, OutgoingStatus.STARTED.value)
_DOUBTFUL: Final = (None, Outcome.UNKNOWN.value)


class Erasure:
    """One transaction's part of forgetting somebody."""

    def __init__(self, tx: UnitOfWork, records: Records) -> None:
        self._tx = tx
        self._records = records

    # --- finding ----------------------------------------------------------------------------

    def whereabouts(self, whom: Whom) -> Whereabouts:
        """Every conversation with something of them, and who else belongs to an account."""
        of_account = self._conversations_of(whom.account) | self._conversations_in(whom.rooms)
        whom = self._with_strangers(whom, of_account)
        said = self._records.rows("hr_transcript", "identity", whom.addresses)
        whom = replace(whom, names=whom.names | {row["name"] for row in said if row["name"]})
        took_part = {row["conversation_id"] for row in said if row["speaker"] in _CUSTOMERS}
        for table in ("hr_inbox", "hr_turns"):
            took_part |= {row["conversation_id"] for row in self._work_of(table, whom)}
        for row in self._actions("hr_proposals", whom):
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
        rows = [*rows, *(row for row in meant if row["account_id"] is None)]
        return {ConversationId(row["id"]) for row in rows}

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
            shared |= {row["conversation_id"] for row in rows if not _is_by(row, whom)}
        return shared

    def _work_of(self, table: str, whom: Whom) -> list[Row]:
        """Rows that they asked for, also under the id of a record that was joined to theirs."""
        rows = (
            *self._records.rows(table, "author_key", whom.keys),
            *self._records.containing(table, "author", _ids(whom)),
        )
        key = _KEYS[table]
        return list({row[key]: row for row in rows if _is_by(row, whom)}.values())

    def _actions(self, table: str, whom: Whom) -> list[Row]:
        """Rows of the books that are theirs. Those erased before are known by their pseudonym."""
        key = "id" if table == "hr_proposals" else "key"
        person = "requester_key" if table == "hr_proposals" else "person_id"
        found = {
            row[key]: row
            for column, values in (
                ("requester", whom.addresses),
                (person, whom.keys),
                ("account_id", [whom.account] if whom.account else []),
            )
            for row in self._records.rows(table, column, values)
        }
        return [row for row in found.values() if not _is_pseudonym(row["requester"])]

    # --- what is in the way -----------------------------------------------------------------

    def doubtful(self, whom: Whom) -> list[str]:
        """Ledger keys of theirs whose outcome nobody knows."""
        rows = self._actions("hr_ledger", whom)
        return sorted(row["key"] for row in rows if row["outcome"] in _DOUBTFUL)

    def unfinished(self, whom: Whom) -> list[str]:
        """What of theirs is not over anywhere, in words; cases that they work on too."""
        turns = [row for row in self._work_of("hr_turns", whom) if row["status"] == _RUNNING]
        inbox = [row for row in self._work_of("hr_inbox", whom) if row["status"] != _DONE]
        actions = self._actions("hr_proposals", whom)
        if turns or inbox or any(ProposalStatus(row["status"]).is_open for row in actions):
            return ["the agent is at work for them: wait a minute"]
        claimed = self._records.rows("hr_escalations", "claimed_by", whom.people)
        return [
            f"case {row['number']} is theirs: hand it back or resolve it first"
            for row in claimed
            if EscalationStatus(row["status"]).is_open
        ]

    def on_its_way(self, whom: Whom, place: Place) -> list[str]:
        """What of theirs is being posted, also in the support room, in words."""
        if any(row["status"] in _UNSENT for row in self._outgoing(whom, place)):
            return ["a message is on its way: wait until it is sent"]
        return []

    def in_the_way(self, whom: Whom, place: Place) -> list[str]:
        """What of theirs is not over in a conversation that others share, in words.

        A turn for anybody counts: it may have read their words already.
        """
        found = []
        conversation = place.conversation
        authors = [row.author for row in self._tx.inbox.new_rows(conversation)]
        if self._tx.turns.running(conversation) is not None or any(
            str(one.identity) in whom.addresses for one in authors
        ):
            found.append("the agent is at work in it: wait a minute")
        case = self._tx.escalations.open_in(conversation)
        if case is not None and case.asked_by in whom.names:
            found.append(f"{case.label} is open: resolve it first")
        if any(
            str(one.requester) in whom.addresses or one.account_id == whom.account
            for one in self._tx.proposals.open_in(conversation)
        ):
            found.append("an action waits for a yes: decide it, or wait until it expires")
        return found

    # --- posts ------------------------------------------------------------------------------

    def own_posts(self, whom: Whom, place: Place) -> Sequence[OwnPost]:
        """Our posts of this conversation, and of its cases, that hold something of theirs."""
        found = []
        for row in self._outgoing(whom, place):
            value = OUTGOING.from_row([row[name] for name in OUTGOING.names])
            destination = self._tx.outgoing.destination(value.destination)
            if value.posted is None or value.updates is not None or destination is None:
                continue
            if value.message.private_to is not None:
                continue  # nobody can delete what only one person ever saw
            found.append(
                OwnPost(
                    outgoing_id=value.id,
                    address=destination.address,
                    posted=value.posted,
                    message=value.message,
                )
            )
        return found

    def _outgoing(self, whom: Whom, place: Place) -> list[Row]:
        here = self._records.rows("hr_outgoing", "conversation_id", [place.conversation])
        cases = self._cases(whom, place)
        theirs = [one["id"] for one in self._proposals_here(whom, place)]
        beside = [row["destination"] for row in cases] + [f"approval:{one}" for one in theirs]
        support = self._records.rows("hr_outgoing", "destination", beside)
        if place.whole:
            return [*here, *support]
        marks = self._marks(whom, place)
        messages, lines = self._words(whom, place)
        mine = [row for row in here if self._is_theirs(row, whom, marks, messages)]
        relayed = self._relays(place, lines)
        return [*mine, *support, *relayed]

    def _cases(self, whom: Whom, place: Place) -> list[Row]:
        rows = self._records.rows("hr_escalations", "conversation_id", [place.conversation])
        return [
            row
            for row in rows
            if place.whole
            or row["asked_by"] in whom.names
            or (whom.account is not None and row["account_id"] == whom.account)
        ]

    def _proposals_here(self, whom: Whom, place: Place) -> list[Row]:
        rows = self._records.rows("hr_proposals", "conversation_id", [place.conversation])
        return [
            row
            for row in rows
            if place.whole
            or row["requester_key"] in whom.keys
            or row["requester"] in whom.addresses
            or row["account_id"] == whom.account
        ]

    def _marks(self, whom: Whom, place: Place) -> set[str]:
        """Ids that the ids of their rows are made of: turns, actions, plans, cases."""
        turns = self._records.rows("hr_turns", "conversation_id", [place.conversation])
        proposals = self._proposals_here(whom, place)
        return (
            {row["id"] for row in turns if _is_by(row, whom)}
            | {row["id"] for row in proposals}
            | {row["plan_id"] for row in proposals if row["plan_id"]}
            | {row["id"] for row in self._cases(whom, place)}
        )

    def _words(self, whom: Whom, place: Place) -> tuple[set[str], set[str]]:
        """The message keys and the numbers of what they said here."""
        rows = self._records.rows("hr_transcript", "conversation_id", [place.conversation])
        mine = [row for row in rows if row["identity"] in whom.addresses]
        return {row["message"] for row in mine if row["message"]}, {str(r["seq"]) for r in mine}

    def _is_theirs(
        self, row: Row, whom: Whom, marks: Collection[str], messages: Collection[str]
    ) -> bool:
        name = row["id"]
        if set(name.split(":")) & set(marks):
            return True
        if any(name.endswith(one) or f"{one}:" in name for one in whom.addresses):
            return True
        if name.removeprefix("tell:") in messages:
            return True
        private = json.loads(row["message"]).get("private_to")
        return private is not None and _address(private) in whom.addresses

    def _relays(self, place: Place, lines: Collection[str]) -> list[Row]:
        """What they said, as it was shown in the support threads of others' cases."""
        found = []
        cases = self._records.rows("hr_escalations", "conversation_id", [place.conversation])
        for case in cases:
            rows = self._records.rows("hr_outgoing", "destination", [case["destination"]])
            prefix = f"relay:{case['id']}:"
            found += [
                row
                for row in rows
                if row["id"].startswith(prefix)
                and row["id"].removeprefix(prefix).split(":")[0] in lines
            ]
        return found

    # --- erasing a conversation -------------------------------------------------------------

    def erase_conversation(self, whom: Whom, place: Place, at: datetime) -> Counter[str]:
        """How many rows of each table. The caller holds the conversation and has looked at it."""
        conversation = self._tx.conversations.get(place.conversation)
        if conversation is None:
            return Counter()
        outgoing = self._outgoing(whom, place)
        cases = self._cases(whom, place)
        counts = Counter[str]()
        if not place.whole:
            counts["hr_transcript"] += self._blank_answers(place, outgoing, cases, at)
        counts["hr_outgoing"] += self._delete("hr_outgoing", "id", [row["id"] for row in outgoing])
        for case in cases:
            self._blank("hr_escalations", case, Holds.PERSONAL, *self._also(whom))
        counts["hr_escalations"] += len(cases)
        if place.whole:
            counts += self._whole(conversation, outgoing)
        else:
            counts += self._erase_derived([conversation.id])
        return +counts

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

    def _blank_answers(
        self, place: Place, outgoing: Sequence[Row], cases: Sequence[Row], at: datetime
    ) -> int:
        """What was said to them in a conversation of several: known by the rows that posted it."""
        said = {
            (row["created_at"], json.loads(row["message"])["fallback"])
            for row in outgoing
            if row["conversation_id"]
        }
        spans = [(row["opened_at"], row["closed_at"]) for row in cases]
        count = 0
        for row in self._records.rows("hr_transcript", "conversation_id", [place.conversation]):
            answers = row["speaker"] in _OURS and (row["at"], row["text"]) in said
            support = row["speaker"] == Speaker.SUPPORT and any(
                begun <= row["at"] and (ended is None or row["at"] <= ended)
                for begun, ended in spans
            )
            if answers or support:
                self._records.change(
                    "hr_transcript",
                    self._records.key_of("hr_transcript", row),
                    {"text": "", "deleted_at": row["deleted_at"] or at},
                )
                count += 1
        return count

    # --- erasing the rest -------------------------------------------------------------------

    def erase_rest(self, whom: Whom, at: datetime) -> Counter[str]:
        """What belongs to no one conversation: the last of their words, the books, who they are.

        An effect in doubt, and its proposal, stay as they are: somebody has to find out.
        """
        counts = Counter[str]()
        counts += self._blank_words(whom, at)
        counts += self._work(whom)
        doubt = set(self.doubtful(whom))
        for table, key in (("hr_proposals", "id"), ("hr_ledger", "key")):
            for row in self._actions(table, whom):
                if row[key] not in doubt:
                    self._blank(table, row, Holds.PERSONAL, *self._also(whom))
                    counts[table] += 1
        counts["hr_proposals"] += self._blank_approvals(whom)
        counts["hr_escalations"] += self._blank_claims(whom)
        counts["hr_brakes"] += self._blank_brakes(whom)
        for column in ("identity", "asked_by"):
            counts["hr_join_codes"] += self._delete("hr_join_codes", column, whom.addresses)
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

    def _erase_derived(self, conversations: Collection[str]) -> Counter[str]:
        counts = Counter[str]()
        for table, holding in HOLDINGS.items():
            if holding.derived:
                counts[table] += self._delete(table, holding.of_conversation, conversations)
        return counts

    def _work(self, whom: Whom) -> Counter[str]:
        """Turns for them in conversations that others share, with what asked for these."""
        counts = Counter[str]()
        turns = [row["id"] for row in self._work_of("hr_turns", whom)]
        inbox = [row["seq"] for row in self._work_of("hr_inbox", whom)]
        counts["hr_journal"] += self._delete("hr_journal", "turn_id", turns)
        counts["hr_turns"] += self._delete("hr_turns", "id", turns)
        counts["hr_inbox"] += self._delete("hr_inbox", "seq", inbox)
        return counts

    def _blank_approvals(self, whom: Whom) -> int:
        """Yeses of theirs to what others asked for."""
        found = {
            row["id"]: row
            for row in (
                *self._records.rows("hr_proposals", "approver", whom.addresses),
                *self._records.containing("hr_proposals", "approvals", _ids(whom)),
            )
            if row["approver"] in whom.addresses
            or any(
                _address(one["identity"]) in whom.addresses for one in json.loads(row["approvals"])
            )
        }
        wanted = ("approver", "approver_name", "approvals")
        empty = {k: v for k, v in blanks("hr_proposals", Holds.PERSONAL).items() if k in wanted}
        for row in found.values():
            self._records.change("hr_proposals", {"id": row["id"]}, empty)
        return len(found)

    def _blank_claims(self, whom: Whom) -> int:
        rows = self._records.rows("hr_escalations", "claimed_by", whom.people)
        for row in rows:
            values = {"claimed_by": None, "claimed_by_name": ""}
            self._records.change("hr_escalations", {"id": row["id"]}, values)
        return len(rows)

    def _blank_brakes(self, whom: Whom) -> int:
        rows = self._records.rows("hr_brakes", "set_by", whom.names)
        for row in rows:
            self._blank("hr_brakes", row, Holds.PERSONAL)
        return len(rows)

    # --- inner ------------------------------------------------------------------------------

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
        return str(PlatformIdentity(platform=platform, tenant_id=_NOBODY, user_id=reference))


def _ids(whom: Whom) -> set[str]:
    """Their ids on the platforms, by which JSON is searched; who it is, is looked at then."""
    return {address.partition("/")[2] for address in whom.addresses}


def _is_by(row: Row, whom: Whom) -> bool:
    """Whether an inbox row or a turn is theirs."""
    if row["author_key"] in whom.keys:
        return True
    return _address(json.loads(row["author"])["identity"]) in whom.addresses


def _is_pseudonym(address: str) -> bool:
    return PlatformIdentity.parse(address).tenant_id == _NOBODY


def _address(encoded: Any) -> str:
    """An identity inside stored JSON, written out."""
    if isinstance(encoded, str):
        return encoded
    return f"{encoded['platform']}:{encoded['tenant_id']}/{encoded['user_id']}"


def _held(whom: Whom) -> list[str]:
    """Rows that daily limits hold on to while they count."""
    account = [f"hold:account:{whom.account}"] if whom.account else []
    return [*account, *(f"hold:person:{key}" for key in whom.keys)]
