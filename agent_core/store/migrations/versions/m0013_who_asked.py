"""Who asked for a case and who set a pause, beside their names: two people may be called alike."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("hr_escalations", sa.Column("asker", sa.String(), nullable=True))
    op.add_column("hr_brakes", sa.Column("set_by_key", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("hr_brakes", "set_by_key")
    op.drop_column("hr_escalations", "asker")
