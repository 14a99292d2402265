"""Plans, which steps share, and what takes back what, until when."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

IN_A_PLAN = "plan_id IS NOT NULL"
UNDOES = "undoes IS NOT NULL"


def upgrade() -> None:
    op.add_column("hr_proposals", sa.Column("plan_id", sa.String(), nullable=True))
    op.add_column(
        "hr_proposals", sa.Column("step", sa.Integer(), server_default="0", nullable=False)
    )
    op.add_column("hr_proposals", sa.Column("undoes", sa.String(), nullable=True))
    op.add_column("hr_ledger", sa.Column("undo_until", sa.DateTime(timezone=True), nullable=True))
    for column, where in (("plan_id", IN_A_PLAN), ("undoes", UNDOES)):
        op.create_index(
            f"ix_hr_proposals_{column.removesuffix('_id')}",
            "hr_proposals",
            [column],
            unique=False,
            sqlite_where=sa.text(where),
            postgresql_where=sa.text(where),
        )


def downgrade() -> None:
    for name in ("ix_hr_proposals_plan", "ix_hr_proposals_undoes"):
        op.drop_index(name, table_name="hr_proposals")
    op.drop_column("hr_ledger", "undo_until")
    for column in ("undoes", "step", "plan_id"):
        op.drop_column("hr_proposals", column)
