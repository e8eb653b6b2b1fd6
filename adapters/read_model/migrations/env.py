"""Run by Alembic: migrations go through the connection, and in the transaction, that migrate.py hands over."""

from alembic import context

from adapters.read_model.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
