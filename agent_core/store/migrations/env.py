"""What Alembic runs: our tables only, on the connection that `migrate` holds."""

from alembic import context

from agent_core.store.migrations.scope import ours
from agent_core.store.tables import Stored

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Stored.metadata,
    include_object=ours,
    version_table="hr_alembic_version",
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
