"""The audit log, to which rows can only be added, and the keys of people."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_REFUSAL = "rows of hr_audit are never changed or deleted"
_SQLITE = (
    f"""CREATE TRIGGER hr_audit_no_update BEFORE UPDATE ON hr_audit
        BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END""",
    f"""CREATE TRIGGER hr_audit_no_delete BEFORE DELETE ON hr_audit
        BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END""",
)
_POSTGRES = (
    f"""CREATE FUNCTION hr_audit_append_only() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION '{_REFUSAL}'; END $$""",
    """CREATE TRIGGER hr_audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON hr_audit
        FOR EACH STATEMENT EXECUTE FUNCTION hr_audit_append_only()""",
)


def upgrade() -> None:
    op.create_table(
        "hr_audit",
        sa.Column("chain", sa.String(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("salt", sa.String(), nullable=False),
        sa.Column("previous", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("chain", "seq"),
    )
    op.create_table(
        "hr_audit_keys",
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("wrapped", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("person"),
    )
    dialect = op.get_bind().dialect.name
    for statement in _POSTGRES if dialect == "postgresql" else _SQLITE:
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("hr_audit_keys")
    op.drop_table("hr_audit")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION hr_audit_append_only")
