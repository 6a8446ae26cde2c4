"""Brings the analyst's materialised views up to date."""

import sqlalchemy as sa

_VIEWS = sa.text("""
    SELECT format('%I.%I', n.nspname, c.relname) AS name,
        c.relispopulated AND EXISTS (
            SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisunique AND i.indpred IS NULL
        ) AS beside_readers
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'analytics' AND c.relkind = 'm'
    ORDER BY c.oid
""")
"""In the order in which they were made, so that one is refreshed after those that it reads."""


def refresh_views(connection: sa.Connection) -> list[str]:
    """Refresh every materialised view of `analytics`; one with a unique index goes on answering meanwhile.

    Returns:
        Their names.
    """
    views = connection.execute(_VIEWS).all()
    for view in views:
        connection.execute(
            sa.text(f"REFRESH MATERIALIZED VIEW {'CONCURRENTLY ' if view.beside_readers else ''}{view.name}")
        )
    return [view.name for view in views]
