"""Who the requester of a proposal was at the time: all their identities, and whether a guest."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("hr_proposals", sa.Column("asked_as", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("hr_proposals", "asked_as")
