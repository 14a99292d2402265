"""Rows that belong to somebody: work that they asked for, and actions of theirs."""

import json
from typing import Any, Final

from agent_core.escalations import EscalationReason
from agent_core.forgetting import Whom
from agent_core.messages import PlatformIdentity
from agent_core.store.records import Records, Row

NOBODY: Final = "erased"  # the tenant of pseudonyms
_KEYS: Final = {"hr_inbox": "seq", "hr_turns": "id"}


class TheirRows:
    """What of the inbox, the turns and the books is theirs."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def work_of(self, table: str, whom: Whom) -> list[Row]:
        """Rows that they asked for, also under the id of a record that was joined to theirs."""
        rows = (
            *self._records.rows(table, "author_key", whom.keys),
            *self._records.containing(table, "author", ids_of(whom)),
        )
        key = _KEYS[table]
        return list({row[key]: row for row in rows if is_by(row, whom)}.values())

    def actions(self, table: str, whom: Whom) -> list[Row]:
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

    def approved(self, whom: Whom) -> list[Row]:
        """Actions with a yes of theirs, also among those of others."""
        rows = (
            *self._records.rows("hr_proposals", "approver", whom.addresses),
            *self._records.containing("hr_proposals", "approvals", ids_of(whom)),
        )
        found = {row["id"]: row for row in rows}
        return [
            row
            for row in found.values()
            if row["approver"] in whom.addresses
            or len(yeses_of_others(row, whom)) < len(yeses(row))
        ]


def asked_for(case: Row, whom: Whom) -> bool:
    """Whether a case is what they asked for. Their name tells it only where an older version kept
    nothing else. Who takes a conversation over asks for nothing: the case is the customer's."""
    return case["reason"] != EscalationReason.TAKEN_OVER and _is_from(case, whom)


def took_over(case: Row, whom: Whom) -> bool:
    """Whether they are the colleague who took this case's conversation over."""
    return case["reason"] == EscalationReason.TAKEN_OVER and _is_from(case, whom)


def _is_from(case: Row, whom: Whom) -> bool:
    if case["asker"] is not None:
        return case["asker"] in whom.addresses
    return case["asked_by"] in whom.names


def yeses(row: Row) -> list[Any]:
    """Who said yes to an action, as stored."""
    found: list[Any] = json.loads(row["approvals"])
    return found


def yeses_of_others(row: Row, whom: Whom) -> list[Any]:
    """Those of `yeses` that somebody else gave."""
    return [one for one in yeses(row) if address_of(one["identity"]) not in whom.addresses]


def ids_of(whom: Whom) -> set[str]:
    """Their ids on the platforms, by which JSON is searched; who it is, is looked at then."""
    return {address.partition("/")[2] for address in whom.addresses}


def is_by(row: Row, whom: Whom) -> bool:
    """Whether an inbox row or a turn is theirs."""
    if row["author_key"] in whom.keys:
        return True
    return address_of(json.loads(row["author"])["identity"]) in whom.addresses


def _is_pseudonym(address: str) -> bool:
    return PlatformIdentity.parse(address).tenant_id == NOBODY


def address_of(encoded: Any) -> str:
    """An identity inside stored JSON, written out."""
    if isinstance(encoded, str):
        return encoded
    return f"{encoded['platform']}:{encoded['tenant_id']}/{encoded['user_id']}"
