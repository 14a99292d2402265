"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _time() -> sa.DateTime:
    return sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "hr_conversations",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("room", sa.String(), nullable=False),
        sa.Column("destination", sa.String(), nullable=False),
        sa.Column("audience", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("opened_at", _time(), nullable=False),
        sa.Column("support_person", sa.String(), nullable=True),
        sa.Column("subject", sa.String(), nullable=True),
        sa.Column("last_seq", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "hr_counters",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "hr_deliveries",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("at", _time(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "hr_destinations",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("opens_thread", sa.Boolean(), nullable=False),
        sa.Column("thread", sa.String(), nullable=True),
        sa.Column("last_seq", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease_holder", sa.String(), nullable=True),
        sa.Column("lease_until", _time(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_hr_destinations_thread"), "hr_destinations", ["thread"], unique=False)
    op.create_table(
        "hr_escalations",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("conversation_id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("priority", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("asked", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("suggestion", sa.Text(), nullable=False),
        sa.Column("destination", sa.String(), nullable=False),
        sa.Column("opened_at", _time(), nullable=False),
        sa.Column("card", sa.String(), nullable=True),
        sa.Column("claimed_by", sa.String(), nullable=True),
        sa.Column("claimed_by_name", sa.String(), nullable=False),
        sa.Column("claimed_at", _time(), nullable=True),
        sa.Column("closed_at", _time(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("number"),
    )
    op.create_index(
        op.f("ix_hr_escalations_destination"), "hr_escalations", ["destination"], unique=False
    )
    op.create_index(
        "ix_hr_escalations_open",
        "hr_escalations",
        ["conversation_id"],
        unique=False,
        sqlite_where=sa.text("status IN ('waiting', 'claimed')"),
        postgresql_where=sa.text("status IN ('waiting', 'claimed')"),
    )
    op.create_index(
        "ix_hr_escalations_waiting",
        "hr_escalations",
        ["opened_at"],
        unique=False,
        sqlite_where=sa.text("status = 'waiting'"),
        postgresql_where=sa.text("status = 'waiting'"),
    )
    op.create_table(
        "hr_inbox",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("conversation_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("author_key", sa.String(), nullable=False),
        sa.Column("received_at", _time(), nullable=False),
        sa.Column("transcript_seq", sa.Integer(), nullable=True),
        sa.Column("proposal_id", sa.String(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("turn_id", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("seq"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_hr_inbox_new",
        "hr_inbox",
        ["conversation_id", "seq"],
        unique=False,
        sqlite_where=sa.text("status = 'new'"),
        postgresql_where=sa.text("status = 'new'"),
    )
    op.create_index(op.f("ix_hr_inbox_turn_id"), "hr_inbox", ["turn_id"], unique=False)
    op.create_index(
        "ix_hr_inbox_unfinished",
        "hr_inbox",
        ["conversation_id"],
        unique=False,
        sqlite_where=sa.text("status <> 'done'"),
        postgresql_where=sa.text("status <> 'done'"),
    )
    op.create_table(
        "hr_ledger",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("conversation_id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("tool", sa.String(), nullable=False),
        sa.Column("arguments", sa.Text(), nullable=False),
        sa.Column("amount", sa.String(), nullable=True),
        sa.Column("requester", sa.String(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=True),
        sa.Column("intended_at", _time(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("settled_at", _time(), nullable=True),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index(
        "ix_hr_ledger_account", "hr_ledger", ["account_id", "intended_at"], unique=False
    )
    op.create_index(
        "ix_hr_ledger_conversation", "hr_ledger", ["conversation_id", "intended_at"], unique=False
    )
    op.create_index(
        "ix_hr_ledger_unsettled",
        "hr_ledger",
        ["intended_at"],
        unique=False,
        sqlite_where=sa.text("outcome IS NULL"),
        postgresql_where=sa.text("outcome IS NULL"),
    )
    op.create_table(
        "hr_people",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "hr_proposals",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("conversation_id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("tool", sa.String(), nullable=False),
        sa.Column("arguments", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("occurrence", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("changes", sa.Text(), nullable=False),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("amount", sa.String(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("requester", sa.String(), nullable=False),
        sa.Column("requester_key", sa.String(), nullable=False),
        sa.Column("requester_name", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("needs_confirmation", sa.Boolean(), nullable=False),
        sa.Column("approval", sa.Text(), nullable=True),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("inbox_seqs", sa.Text(), nullable=False),
        sa.Column("proposed_at", _time(), nullable=False),
        sa.Column("expires_at", _time(), nullable=False),
        sa.Column("confirmed_at", _time(), nullable=True),
        sa.Column("approver", sa.String(), nullable=True),
        sa.Column("approver_name", sa.String(), nullable=False),
        sa.Column("approved_at", _time(), nullable=True),
        sa.Column("card", sa.String(), nullable=True),
        sa.Column("approval_card", sa.String(), nullable=True),
        sa.Column("account_name", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint(
            "account_id", "fingerprint", "occurrence", name="ux_hr_proposals_occurrence"
        ),
    )
    op.create_index(
        "ix_hr_proposals_open",
        "hr_proposals",
        ["conversation_id", "proposed_at"],
        unique=False,
        sqlite_where=sa.text("status IN ('awaiting_confirmation', 'awaiting_approval', 'decided')"),
        postgresql_where=sa.text(
            "status IN ('awaiting_confirmation', 'awaiting_approval', 'decided')"
        ),
    )
    op.create_table(
        "hr_rooms",
        sa.Column("room", sa.String(), nullable=False),
        sa.Column("audience", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=True),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("is_support", sa.Boolean(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("room"),
    )
    op.create_table(
        "hr_told",
        sa.Column("identity", sa.String(), nullable=False),
        sa.Column("at", _time(), nullable=False),
        sa.PrimaryKeyConstraint("identity"),
    )
    op.create_table(
        "hr_turns",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("conversation_id", sa.String(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("author_key", sa.String(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("token", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("started_at", _time(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "ux_hr_turns_running",
        "hr_turns",
        ["conversation_id"],
        unique=True,
        sqlite_where=sa.text("status = 'running'"),
        postgresql_where=sa.text("status = 'running'"),
    )
    op.create_table(
        "hr_capabilities",
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("capability", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["hr_people.id"],
        ),
        sa.PrimaryKeyConstraint("person_id", "capability"),
    )
    op.create_index(
        op.f("ix_hr_capabilities_capability"), "hr_capabilities", ["capability"], unique=False
    )
    op.create_table(
        "hr_conversation_threads",
        sa.Column("thread", sa.String(), nullable=False),
        sa.Column("conversation_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["hr_conversations.id"],
        ),
        sa.PrimaryKeyConstraint("thread"),
    )
    op.create_index(
        op.f("ix_hr_conversation_threads_conversation_id"),
        "hr_conversation_threads",
        ["conversation_id"],
        unique=False,
    )
    op.create_table(
        "hr_identities",
        sa.Column("identity", sa.String(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["hr_people.id"],
        ),
        sa.PrimaryKeyConstraint("identity"),
    )
    op.create_index(
        op.f("ix_hr_identities_person_id"), "hr_identities", ["person_id"], unique=False
    )
    op.create_table(
        "hr_journal",
        sa.Column("turn_id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("at", _time(), nullable=False),
        sa.ForeignKeyConstraint(
            ["turn_id"],
            ["hr_turns.id"],
        ),
        sa.PrimaryKeyConstraint("turn_id", "position"),
    )
    op.create_table(
        "hr_outgoing",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("destination", sa.String(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("created_at", _time(), nullable=False),
        sa.Column("conversation_id", sa.String(), nullable=True),
        sa.Column("epoch", sa.Integer(), nullable=True),
        sa.Column("updates", sa.String(), nullable=True),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("not_before", _time(), nullable=True),
        sa.Column("posted", sa.String(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["destination"],
            ["hr_destinations.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("destination", "seq", name="ux_hr_outgoing_seq"),
    )
    op.create_index(
        "ix_hr_outgoing_open",
        "hr_outgoing",
        ["destination", "seq"],
        unique=False,
        sqlite_where=sa.text("status IN ('ready', 'started')"),
        postgresql_where=sa.text("status IN ('ready', 'started')"),
    )
    op.create_index(op.f("ix_hr_outgoing_posted"), "hr_outgoing", ["posted"], unique=False)
    op.create_table(
        "hr_roles",
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"],
            ["hr_people.id"],
        ),
        sa.PrimaryKeyConstraint("person_id", "account_id"),
    )
    op.create_index("ix_hr_roles_account", "hr_roles", ["account_id", "role"], unique=False)
    op.create_table(
        "hr_transcript",
        sa.Column("conversation_id", sa.String(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("speaker", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", _time(), nullable=False),
        sa.Column("identity", sa.String(), nullable=True),
        sa.Column("message", sa.String(), nullable=True),
        sa.Column("edited_at", _time(), nullable=True),
        sa.Column("deleted_at", _time(), nullable=True),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["hr_conversations.id"],
        ),
        sa.PrimaryKeyConstraint("conversation_id", "seq"),
    )
    op.create_index(op.f("ix_hr_transcript_message"), "hr_transcript", ["message"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_hr_transcript_message"), table_name="hr_transcript")
    op.drop_table("hr_transcript")
    op.drop_index("ix_hr_roles_account", table_name="hr_roles")
    op.drop_table("hr_roles")
    op.drop_index(op.f("ix_hr_outgoing_posted"), table_name="hr_outgoing")
    op.drop_index(
        "ix_hr_outgoing_open",
        table_name="hr_outgoing",
        sqlite_where=sa.text("status IN ('ready', 'started')"),
        postgresql_where=sa.text("status IN ('ready', 'started')"),
    )
    op.drop_table("hr_outgoing")
    op.drop_table("hr_journal")
    op.drop_index(op.f("ix_hr_identities_person_id"), table_name="hr_identities")
    op.drop_table("hr_identities")
    op.drop_index(
        op.f("ix_hr_conversation_threads_conversation_id"), table_name="hr_conversation_threads"
    )
    op.drop_table("hr_conversation_threads")
    op.drop_index(op.f("ix_hr_capabilities_capability"), table_name="hr_capabilities")
    op.drop_table("hr_capabilities")
    op.drop_index(
        "ux_hr_turns_running",
        table_name="hr_turns",
        sqlite_where=sa.text("status = 'running'"),
        postgresql_where=sa.text("status = 'running'"),
    )
    op.drop_table("hr_turns")
    op.drop_table("hr_told")
    op.drop_table("hr_rooms")
    op.drop_index(
        "ix_hr_proposals_open",
        table_name="hr_proposals",
        sqlite_where=sa.text("status IN ('awaiting_confirmation', 'awaiting_approval', 'decided')"),
        postgresql_where=sa.text(
            "status IN ('awaiting_confirmation', 'awaiting_approval', 'decided')"
        ),
    )
    op.drop_table("hr_proposals")
    op.drop_table("hr_people")
    op.drop_index(
        "ix_hr_ledger_unsettled",
        table_name="hr_ledger",
        sqlite_where=sa.text("outcome IS NULL"),
        postgresql_where=sa.text("outcome IS NULL"),
    )
    op.drop_index("ix_hr_ledger_conversation", table_name="hr_ledger")
    op.drop_index("ix_hr_ledger_account", table_name="hr_ledger")
    op.drop_table("hr_ledger")
    op.drop_index(
        "ix_hr_inbox_unfinished",
        table_name="hr_inbox",
        sqlite_where=sa.text("status <> 'done'"),
        postgresql_where=sa.text("status <> 'done'"),
    )
    op.drop_index(op.f("ix_hr_inbox_turn_id"), table_name="hr_inbox")
    op.drop_index(
        "ix_hr_inbox_new",
        table_name="hr_inbox",
        sqlite_where=sa.text("status = 'new'"),
        postgresql_where=sa.text("status = 'new'"),
    )
    op.drop_table("hr_inbox")
    op.drop_index(
        "ix_hr_escalations_waiting",
        table_name="hr_escalations",
        sqlite_where=sa.text("status = 'waiting'"),
        postgresql_where=sa.text("status = 'waiting'"),
    )
    op.drop_index(
        "ix_hr_escalations_open",
        table_name="hr_escalations",
        sqlite_where=sa.text("status IN ('waiting', 'claimed')"),
        postgresql_where=sa.text("status IN ('waiting', 'claimed')"),
    )
    op.drop_index(op.f("ix_hr_escalations_destination"), table_name="hr_escalations")
    op.drop_table("hr_escalations")
    op.drop_index(op.f("ix_hr_destinations_thread"), table_name="hr_destinations")
    op.drop_table("hr_destinations")
    op.drop_table("hr_deliveries")
    op.drop_table("hr_counters")
    op.drop_table("hr_conversations")
