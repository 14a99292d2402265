"""Whom our own words answer: it was known by the turn alone, which goes long before the words."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("hr_transcript", sa.Column("told", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("hr_transcript", "told")
