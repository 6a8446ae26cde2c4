"""Lineage in Postgres: who ran, what was made of what, which versions exist."""
