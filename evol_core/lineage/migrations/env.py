"""Run migrations on the connection that `migrate` holds, in its transaction."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    version_table="schema_revision",
    version_table_schema="lineage",
)
context.run_migrations()
