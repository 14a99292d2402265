"""The trace of each request beside what it caused, and an index over unknown outcomes."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_UNKNOWN = sa.text("outcome = 'unknown'")
_KEPT_IN = ("hr_inbox", "hr_turns", "hr_outgoing", "hr_escalations")


def upgrade() -> None:
    for table in _KEPT_IN:
        op.add_column(table, sa.Column("trace", sa.String(), nullable=True))
    op.create_index("ix_hr_turns_trace", "hr_turns", ["trace"], unique=False)
    op.create_index(
        "ix_hr_ledger_unknown",
        "hr_ledger",
        ["intended_at"],
        unique=False,
        sqlite_where=_UNKNOWN,
        postgresql_where=_UNKNOWN,
    )


def downgrade() -> None:
    op.drop_index("ix_hr_ledger_unknown", table_name="hr_ledger")
    op.drop_index("ix_hr_turns_trace", table_name="hr_turns")
    for table in _KEPT_IN:
        op.drop_column(table, "trace")
