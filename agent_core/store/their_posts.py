"""Finds what we posted of somebody, in their thread and in support's."""

import json
from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta
from typing import Final

from agent_core.forgetting import OwnPost, Place, Whom
from agent_core.outgoing import CROWD, CROWD_HOUR, TOLD_ALONE
from agent_core.ports import UnitOfWork
from agent_core.store.records import Records, Row
from agent_core.store.rows import OUTGOING
from agent_core.store.their_rows import address_of, asked_for, ids_of, is_by

_FURTHER: Final = "\nAgain: "


class TheirPosts:
    """What of a conversation's messages, cases and actions holds something of theirs."""

    def __init__(self, tx: UnitOfWork, records: Records) -> None:
        self._tx = tx
        self._records = records

    def own_posts(self, whom: Whom, place: Place) -> Sequence[OwnPost]:
        """Our posts of this conversation, and of its cases, that hold something of theirs."""
        return self._as_posts(self.outgoing(whom, place))

    def posts_alone(self, whom: Whom) -> Sequence[OwnPost]:
        """Our answers to them that belong to no conversation."""
        return self._as_posts(self._answers_alone(whom))

    def told_alone(self, whom: Whom) -> list[Row]:
        """The rows of these answers, and of what only they were shown, wherever: as approvers of
        others' actions, or of their own remarks inside."""
        named = self._records.containing("hr_outgoing", "message", ids_of(whom))
        alone = [row for row in named if _is_for_them_alone(row, whom)]
        return [*self._answers_alone(whom), *alone]

    def _answers_alone(self, whom: Whom) -> list[Row]:
        """The ids of these rows end with whom they are for."""
        return [
            row
            for row in self._records.containing("hr_outgoing", "id", whom.addresses)
            if row["id"].startswith(TOLD_ALONE)
            and any(row["id"].endswith(f":{one}") for one in whom.addresses)
        ]

    def _as_posts(self, rows: Iterable[Row]) -> Sequence[OwnPost]:
        found = {}
        for row in rows:
            value = OUTGOING.from_row([row[name] for name in OUTGOING.names])
            destination = self._tx.outgoing.destination(value.destination)
            if value.posted is None or value.updates is not None or destination is None:
                continue
            if value.message.private_to is not None:
                continue  # nobody can delete what only one person ever saw
            found[value.id] = OwnPost(
                outgoing_id=value.id,
                address=destination.address,
                posted=value.posted,
                message=value.message,
            )
        return list(found.values())

    def outgoing(self, whom: Whom, place: Place) -> list[Row]:
        """Rows that hold something of theirs, here and in the support room."""
        here = self._records.rows("hr_outgoing", "conversation_id", [place.conversation])
        cases = self.cases(whom, place)
        theirs = [one["id"] for one in self._proposals_here(whom, place)]
        beside = [row["destination"] for row in cases] + [f"approval:{one}" for one in theirs]
        support = [*self._records.rows("hr_outgoing", "destination", beside), *self._crowds(cases)]
        if place.whole:
            return [*here, *support]
        marks = self._marks(whom, place)
        said = self._said(whom, place)
        messages = {row["message"] for row in said if row["message"]}
        told = {(row["at"], row["text"]) for row in said if row["told"] is not None}
        mine = [
            row
            for row in here
            if self._is_theirs(row, whom, marks, messages)
            or (row["created_at"], json.loads(row["message"])["fallback"]) in told
        ]
        found = {row["id"]: row for row in (*mine, *support)}
        for case in self.others_cases(whom, place):
            found |= {row["id"]: row for row in self._in_case(case, whom, place, said)}
        return list(found.values())

    def _crowds(self, cases: Sequence[Row]) -> list[Row]:
        """Posts that quote these cases among many that came at once, as a whole: what is shown is
        the last of a post's rows, and what others asked is on their own cards."""
        quotes = [f"\n• Case {row['number']}, " for row in cases]
        posts: dict[str, list[Row]] = {}
        for row in self._records.rows("hr_outgoing", "destination", _crowds_of(cases)):
            posts.setdefault(row["destination"], []).append(row)
        return [row for rows in posts.values() if _quote_one(rows, quotes) for row in rows]

    def cases(self, whom: Whom, place: Place) -> list[Row]:
        """Cases of this conversation that are theirs."""
        rows = self._records.rows("hr_escalations", "conversation_id", [place.conversation])
        return [
            row
            for row in rows
            if place.whole
            or asked_for(row, whom)
            or (whom.account is not None and row["account_id"] == whom.account)
        ]

    def others_cases(self, whom: Whom, place: Place) -> list[Row]:
        """Cases of this conversation that are somebody else's."""
        theirs = {row["id"] for row in self.cases(whom, place)}
        rows = self._records.rows("hr_escalations", "conversation_id", [place.conversation])
        return [row for row in rows if row["id"] not in theirs]

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
            {row["id"] for row in turns if is_by(row, whom)}
            | {row["id"] for row in proposals}
            | {row["plan_id"] for row in proposals if row["plan_id"]}
            | {row["id"] for row in self.cases(whom, place)}
        )

    def _said(self, whom: Whom, place: Place) -> list[Row]:
        """What they said here, and what code and the agent said to them."""
        rows = self._records.rows("hr_transcript", "conversation_id", [place.conversation])
        return [
            row
            for row in rows
            if row["identity"] in whom.addresses or row["told"] in whom.addresses
        ]

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
        return _is_for_them_alone(row, whom)

    def _in_case(self, case: Row, whom: Whom, place: Place, said: Sequence[Row]) -> list[Row]:
        """What they said, as the support thread of somebody else's case shows it: relayed since,
        quoted in its brief among what others said, and as a further reason for it. What was done
        for them is in a list there, among what was done for others."""
        done = self._proposals_here(whom, place)
        numbers = {str(row["seq"]) for row in said}
        begun = min((row["at"] for row in said), default=None)
        relay, own = f"relay:{case['id']}:", f"case:{case['id']}:"
        return [
            row
            for row in self._records.rows("hr_outgoing", "destination", [case["destination"]])
            if (
                row["id"].startswith(relay)
                and row["id"].removeprefix(relay).split(":")[0] in numbers
            )
            or (row["id"] == f"{own}transcript" and begun and begun <= row["created_at"])
            or (row["id"] == f"{own}actions" and _lists_one(row, done))
            or (row["id"].startswith(own) and _is_told_of(whom, json.loads(row["message"])))
        ]


def _crowds_of(cases: Iterable[Row]) -> set[str]:
    """What tells of many cases, of each hour in which one of these waited for its card."""
    found = set()
    for case in cases:
        hour, until = case["opened_at"], case["claimed_at"] or case["closed_at"]
        while until is not None and f"{hour:{CROWD_HOUR}}" <= f"{until:{CROWD_HOUR}}":
            found.add(f"{CROWD}{hour:{CROWD_HOUR}}")
            hour += timedelta(hours=1)
    return found


def _quote_one(rows: Iterable[Row], quotes: Collection[str]) -> bool:
    told = [json.loads(row["message"])["fallback"] for row in rows]
    return any(quote in text for text in told for quote in quotes)


def without_reasons(whom: Whom, suggestion: str) -> str:
    """A case's suggestion without the further reasons, if one of them is in their words.

    Each begins a line, and their words may have line breaks: so all of them go.
    """
    first, *further = suggestion.split(_FURTHER)
    theirs = any(_reason_of(name) in one for one in further for name in whom.names)
    return first if theirs else suggestion


def _is_for_them_alone(row: Row, whom: Whom) -> bool:
    private = json.loads(row["message"]).get("private_to")
    return private is not None and address_of(private) in whom.addresses


def _lists_one(row: Row, actions: Iterable[Row]) -> bool:
    """As `escalation/post.py` lists actions: what was begun with its reference, what waits with
    its title."""
    told = f"{json.loads(row['message'])['fallback']}\n"
    return any(
        f", reference {one['id'][-8:].upper()}\n" in told or f": {one['title']}: " in told
        for one in actions
    )


def _is_told_of(whom: Whom, message: Row) -> bool:
    told = f"\n{message['fallback']}"
    return _FURTHER in told and any(_reason_of(name) in told for name in whom.names)


def _reason_of(name: str) -> str:
    """As `escalation/post.py` writes that somebody gave one more reason for a case."""
    return f". {name}: “"
