"""The pace of rooms that several processes share, and how old a version may work beside this."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "hr_paces",
        sa.Column("room", sa.String(), nullable=False),
        sa.Column("due", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("room"),
    )
    op.create_table(
        "hr_floor",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("revision", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.execute("INSERT INTO hr_floor (id, revision) VALUES (1, '0008')")


def downgrade() -> None:
    op.drop_table("hr_floor")
    op.drop_table("hr_paces")
