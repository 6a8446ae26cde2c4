"""Alembic's folder: one revision a file of sql/."""
