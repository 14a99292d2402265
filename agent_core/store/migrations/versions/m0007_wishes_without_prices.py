"""Whose words a proposal is in; and what is the same wish, without the price of its day.

Fingerprints of the seat and plan actions held `agreed_minor`, so that the wish of yesterday, which
nobody knows the outcome of, was another wish today. They are computed anew without it; where that
makes twins of several rows, these count on in the order in which they were proposed.
"""

import hashlib
import json
from collections import defaultdict
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

PRICED = ("add_seats", "remove_seats", "change_plan")
QUOTED = "agreed_minor"
# The beginning of the note that alone told it so far.
FROM_OUTSIDE = "You have not said these details in this request"

_PROPOSALS = sa.table(
    "hr_proposals",
    sa.column("id"),
    sa.column("account_id"),
    sa.column("tool"),
    sa.column("arguments"),
    sa.column("fingerprint"),
    sa.column("occurrence"),
    sa.column("proposed_at"),
    sa.column("notes"),
    sa.column("from_outside"),
)


def upgrade() -> None:
    op.add_column(
        "hr_proposals",
        sa.Column("from_outside", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    op.execute(
        _PROPOSALS.update()
        .where(_PROPOSALS.c.notes.like(f"%{FROM_OUTSIDE}%"))
        .values(from_outside=sa.true())
    )
    _without_prices(op.get_bind())


def _without_prices(connection: sa.Connection) -> None:
    rows = connection.execute(
        sa.select(_PROPOSALS)
        .where(_PROPOSALS.c.tool.in_(PRICED))
        .order_by(_PROPOSALS.c.proposed_at, _PROPOSALS.c.id)
    ).all()
    twins: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in rows:
        twins[(row.account_id, _fingerprint(row))].append(row.id)
    # Out of everybody's way first: (account, fingerprint, occurrence) is unique at every moment.
    for number, row in enumerate(rows, start=1):
        _number(connection, row.id, row.fingerprint, -number)
    for (_, mark), ids in twins.items():
        for occurrence, one in enumerate(ids, start=1):
            _number(connection, one, mark, occurrence)


def _fingerprint(row: Any) -> str:
    wish = {name: value for name, value in json.loads(row.arguments).items() if name != QUOTED}
    spelled = json.dumps(wish, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(f"{row.account_id}\n{row.tool}\n{spelled}".encode()).hexdigest()


def _number(connection: sa.Connection, key: str, mark: str, occurrence: int) -> None:
    connection.execute(
        _PROPOSALS.update()
        .where(_PROPOSALS.c.id == key)
        .values(fingerprint=mark, occurrence=occurrence)
    )


def downgrade() -> None:
    op.drop_column("hr_proposals", "from_outside")
