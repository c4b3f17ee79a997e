"""What alembic runs: all steps in one transaction, on the connection that the store gives."""

from alembic import context

from viewer.accounts.tables import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection, target_metadata=metadata, transactional_ddl=True, render_as_batch=True
)
context.run_migrations()
