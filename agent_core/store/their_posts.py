"""Finds what we posted of somebody, in their thread and in support's."""

import json
from collections.abc import Collection, Sequence

from agent_core.forgetting import OwnPost, Place, Whom
from agent_core.ports import UnitOfWork
from agent_core.store.records import Records, Row
from agent_core.store.rows import OUTGOING
from agent_core.store.their_rows import address_of, is_by


class TheirPosts:
    """What of a conversation's messages, cases and actions holds something of theirs."""

    def __init__(self, tx: UnitOfWork, records: Records) -> None:
        self._tx = tx
        self._records = records

    def own_posts(self, whom: Whom, place: Place) -> Sequence[OwnPost]:
        """Our posts of this conversation, and of its cases, that hold something of theirs."""
        found = []
        for row in self.outgoing(whom, place):
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

    def outgoing(self, whom: Whom, place: Place) -> list[Row]:
        """Rows that hold something of theirs, here and in the support room."""
        here = self._records.rows("hr_outgoing", "conversation_id", [place.conversation])
        cases = self.cases(whom, place)
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

    def cases(self, whom: Whom, place: Place) -> list[Row]:
        """Cases of this conversation that are theirs."""
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
            {row["id"] for row in turns if is_by(row, whom)}
            | {row["id"] for row in proposals}
            | {row["plan_id"] for row in proposals if row["plan_id"]}
            | {row["id"] for row in self.cases(whom, place)}
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
        return private is not None and address_of(private) in whom.addresses

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
