"""An index over the proposals that wait for a yes, for the reconciler's deadlines."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

UNDECIDED = "status IN ('awaiting_confirmation', 'awaiting_approval')"


def upgrade() -> None:
    op.create_index(
        "ix_hr_proposals_undecided",
        "hr_proposals",
        ["expires_at"],
        unique=False,
        sqlite_where=sa.text(UNDECIDED),
        postgresql_where=sa.text(UNDECIDED),
    )


def downgrade() -> None:
    op.drop_index(
        "ix_hr_proposals_undecided",
        table_name="hr_proposals",
        sqlite_where=sa.text(UNDECIDED),
        postgresql_where=sa.text(UNDECIDED),
    )
