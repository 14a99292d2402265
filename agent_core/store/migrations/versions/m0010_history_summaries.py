"""Summaries of what was said long ago, where staff spoke last, and who holds a destination."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "hr_history_summaries",
        sa.Column("conversation_id", sa.String(), nullable=False),
        sa.Column("upto", sa.Integer(), nullable=False),
        sa.Column("audience", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("written_by", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("conversation_id", "upto", "audience"),
    )
    op.create_index(
        "ix_hr_transcript_staff",
        "hr_transcript",
        ["conversation_id", "seq"],
        unique=False,
        sqlite_where=sa.text("speaker = 'staff'"),
        postgresql_where=sa.text("speaker = 'staff'"),
    )
    op.create_index(
        "ix_hr_destinations_held",
        "hr_destinations",
        ["lease_holder"],
        unique=False,
        sqlite_where=sa.text("lease_holder IS NOT NULL"),
        postgresql_where=sa.text("lease_holder IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_hr_destinations_held", table_name="hr_destinations")
    op.drop_index("ix_hr_transcript_staff", table_name="hr_transcript")
    op.drop_table("hr_history_summaries")
