"""Approvals one by one, the use of a day, and codes that join two identities of a person."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "hr_proposals", sa.Column("approvals", sa.Text(), server_default="[]", nullable=False)
    )
    op.create_index("ix_hr_ledger_time", "hr_ledger", ["intended_at"], unique=False)
    op.create_table(
        "hr_join_codes",
        sa.Column("selector", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("identity", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("selector"),
    )
    op.create_index("ix_hr_join_codes_identity", "hr_join_codes", ["identity"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_hr_join_codes_identity", table_name="hr_join_codes")
    op.drop_table("hr_join_codes")
    op.drop_index("ix_hr_ledger_time", table_name="hr_ledger")
    op.drop_column("hr_proposals", "approvals")
