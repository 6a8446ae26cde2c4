"""Objects, models, metrics and scorers that the database knows by number. Registering is harmless to repeat."""

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from evol_core.records import ModelRef
from evol_core.store.objects import StoredObject

_ADD_OBJECTS = sa.text("""
    INSERT INTO lineage.object_file (sha256, n_bytes, n_rows, schema_hash, attempt_id)
    SELECT sha256, n_bytes, n_rows, schema_hash, :attempt_id
    FROM unnest(CAST(:sha256 AS bytea[]), CAST(:n_bytes AS bigint[]), CAST(:n_rows AS bigint[]),
                CAST(:schema_hash AS bytea[])) said (sha256, n_bytes, n_rows, schema_hash)
    ORDER BY sha256
    ON CONFLICT (sha256) DO UPDATE SET deleted_at = NULL WHERE object_file.deleted_at IS NOT NULL
""")
"""Postgres locks the row that is there even where nothing is updated: the garbage collector passes it by."""


def register_objects(connection: sa.Connection, objects: Iterable[StoredObject], attempt_id: int) -> None:
    """Make objects known, so that versions and generations can refer to them. An object comes back from deletion."""
    unique = {stored.sha256: stored for stored in objects}
    if not unique:
        return
    connection.execute(
        _ADD_OBJECTS,
        {
            "attempt_id": attempt_id,
            "sha256": [bytes.fromhex(stored.sha256) for stored in unique.values()],
            "n_bytes": [stored.n_bytes for stored in unique.values()],
            "n_rows": [stored.n_rows for stored in unique.values()],
            "schema_hash": [bytes.fromhex(stored.schema_hash) for stored in unique.values()],
        },
    )


def object_number(connection: sa.Connection, sha256: str) -> int:
    """An object's number in the database; it must be registered."""
    found = connection.execute(
        sa.text("SELECT file_id FROM lineage.object_file WHERE sha256 = :sha256"), {"sha256": bytes.fromhex(sha256)}
    )
    return int(found.scalar_one())


def model_number(connection: sa.Connection, model: ModelRef) -> int:
    """A model's number in the database; it is entered where it is new."""
    row = {"name": model.name, "revision": model.revision, "tokenizer": model.tokenizer}
    return entry_number(connection, "model", row)


def scorer_number(connection: sa.Connection, name: str, revision: str) -> int:
    """A scorer's number in the database; it is entered where it is new."""
    return entry_number(connection, "scorer", {"name": name, "revision": revision})


def metric_number(connection: sa.Connection, name: str) -> int:
    """A metric's number in the database; a new one gets a partition for its scores."""
    return int(connection.execute(sa.text("SELECT lineage.metric_number(:name)"), {"name": name}).scalar_one())


def entry_number(
    connection: sa.Connection, table: str, key: Mapping[str, Any], rest: Mapping[str, Any] | None = None
) -> int:
    """The number of a dictionary's entry, which is added where it is new.

    Args:
        table: in schema lineage; its number is called TABLE_id.
        key: the columns that tell entries apart.
        rest: the other columns.
    """
    row = {**key, **(rest or {})}
    found = connection.execute(_find(table, tuple(key)), dict(key)).scalar()
    if found is None:
        connection.execute(_add(table, tuple(key), tuple(row)), row)
        found = connection.execute(_find(table, tuple(key)), dict(key)).scalar_one()
    return int(found)


def _find(table: str, key: tuple[str, ...]) -> sa.TextClause:
    matches = " AND ".join(f"{name} = :{name}" for name in key)
    return sa.text(f"SELECT {table}_id FROM lineage.{table} WHERE {matches}")


def _add(table: str, key: tuple[str, ...], columns: tuple[str, ...]) -> sa.TextClause:
    values = ", ".join(f":{name}" for name in columns)
    return sa.text(
        f"INSERT INTO lineage.{table} ({', '.join(columns)}) VALUES ({values}) "
        f"ON CONFLICT ({', '.join(key)}) DO NOTHING"
    )
