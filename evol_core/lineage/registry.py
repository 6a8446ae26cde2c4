"""Objects and models that the database knows by number. Registering is harmless to repeat."""

from collections.abc import Iterable

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


_FIND_MODEL = sa.text("""
    SELECT model_id FROM lineage.model WHERE name = :name AND revision = :revision AND tokenizer = :tokenizer
""")

_ADD_MODEL = sa.text("""
    INSERT INTO lineage.model (name, revision, tokenizer) VALUES (:name, :revision, :tokenizer)
    ON CONFLICT (name, revision, tokenizer) DO NOTHING
""")


def model_number(connection: sa.Connection, model: ModelRef) -> int:
    """A model's number in the database; it is entered where it is new."""
    row = {"name": model.name, "revision": model.revision, "tokenizer": model.tokenizer}
    found = connection.execute(_FIND_MODEL, row).scalar()
    if found is None:
        connection.execute(_ADD_MODEL, row)
        found = connection.execute(_FIND_MODEL, row).scalar_one()
    return int(found)
