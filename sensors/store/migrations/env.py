"""What alembic runs: all steps in one transaction, on the connection that the store gives."""

from alembic import context

from sensors.store.tables import metadata

connection = context.config.attributes["connection"]
# SQLite changes schemas in transactions as well as PostgreSQL does; so a migration is whole or not at all.
context.configure(
    connection=connection, target_metadata=metadata, transactional_ddl=True, render_as_batch=True
)
context.run_migrations()
