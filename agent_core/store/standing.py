"""How much waits and since when, in a few counts: for gauges, read beside the service's own work.

Its own connection, read-only, so that a look at the gauges never waits for the writer, nor the
writer for it. Each count goes over a partial index: it costs with what is open, not with what is
stored.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa

from agent_core.errors import StoreError
from agent_core.store import tables
from agent_core.store.inspection import reading

_PROPOSAL = "(SELECT count(*) FROM hr_proposals WHERE status = '{0}' AND " + (
    tables.UNDECIDED_PROPOSAL + ")"
)
_COUNTS = sa.text(
    f"""
    SELECT
    (SELECT count(*) FROM hr_inbox WHERE {tables.NEW_INBOX}) AS inbox,
    (SELECT min(received_at) FROM hr_inbox WHERE {tables.NEW_INBOX}) AS inbox_since,
    (SELECT count(*) FROM hr_turns WHERE {tables.RUNNING_TURN}) AS turns,
    (SELECT count(*) FROM hr_outgoing WHERE {tables.OPEN_OUTGOING}) AS outgoing,
    (SELECT min(created_at) FROM hr_outgoing WHERE {tables.OPEN_OUTGOING}) AS outgoing_since,
    (SELECT count(*) FROM hr_escalations WHERE status = 'waiting') AS cases,
    (SELECT min(opened_at) FROM hr_escalations WHERE status = 'waiting') AS cases_since,
    {_PROPOSAL.format("awaiting_confirmation")} AS confirmations,
    {_PROPOSAL.format("awaiting_approval")} AS approvals,
    (SELECT count(*) FROM hr_ledger WHERE {tables.UNSETTLED}) AS unsettled,
    (SELECT count(*) FROM hr_ledger WHERE {tables.UNKNOWN_OUTCOME}) AS unknown,
    (SELECT count(*) FROM hr_ledger WHERE {tables.UNKNOWN_OUTCOME} AND EXISTS
        (SELECT 1 FROM hr_escalations WHERE {tables.OPEN_ESCALATION} AND
         hr_escalations.conversation_id = hr_ledger.conversation_id)) AS doubtful
    """
).columns(
    inbox_since=tables.UtcTime(), outgoing_since=tables.UtcTime(), cases_since=tables.UtcTime()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is open at a moment. The times are those of the oldest; None where nothing waits."""

    at: datetime
    inbox: int  # requests that no turn has begun
    inbox_since: datetime | None
    turns: int  # that run
    outgoing: int  # messages that are not sent
    outgoing_since: datetime | None
    cases: int  # that nobody has claimed
    cases_since: datetime | None
    confirmations: int  # proposals that wait for the requester's yes
    approvals: int  # proposals that wait for somebody else's
    unsettled: int  # effects that were begun and have no outcome yet
    unknown: int  # effects of which nobody knows whether they happened
    doubtful: int  # those of them whose case is not over


class StandingReader:
    """Reads one database. The tables must be there."""

    def __init__(self, url: str) -> None:
        self._url = url

    def read(self) -> Standing:
        """Blocks. Raises StoreError where the database cannot be read."""
        try:
            with reading(self._url) as connection:
                row = connection.execute(_COUNTS).mappings().one()
        except sa.exc.DBAPIError as problem:
            raise StoreError(f"the database refused: {type(problem.orig).__name__}") from None
        return Standing(at=datetime.now(UTC), **row)
