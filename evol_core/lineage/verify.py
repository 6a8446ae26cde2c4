"""Whether a version is whole: its objects, its counts, and everything that its rows point to."""

from collections.abc import Iterator
from dataclasses import dataclass

import sqlalchemy as sa

from evol_core.errors import NotFound, ObjectDamaged, RowsLost, StoreError
from evol_core.lineage.rows_of import rows_of
from evol_core.lineage.versions import Version, resolve
from evol_core.store.objects import ObjectStore, StoredObject, schema_hash


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong with a version."""

    kind: str
    """missing, damaged, unreadable, schema, rows, counts, dangling or unrecorded."""

    subject: str
    """An object's hash, or what was counted."""

    detail: str
    mend: str = ""
    """What brings it back; empty where nothing is known to."""


def verify_version(connection: sa.Connection, store: ObjectStore, spec: str) -> list[Finding]:
    """Read a version's objects and recorded generations in full and hold them against all that is said of them.

    Raises:
        NotFound: there is no such dataset or version.
    """
    version = resolve(connection, spec, published_only=False)
    return [
        *(finding for stored in version.objects for finding in _check_object(connection, store, stored, version)),
        *_check_generations(connection, store, version),
        *_check_counts(connection, version),
        *_check_pointers(connection, version),
    ]


def _check_object(
    connection: sa.Connection, store: ObjectStore, stored: StoredObject, version: Version
) -> Iterator[Finding]:
    try:
        store.verify(stored.sha256)
        table = store.read(stored.sha256)
    except (NotFound, ObjectDamaged, StoreError) as error:
        is_own = stored in version.objects
        yield Finding(
            kind=_KINDS[type(error)],
            subject=stored.sha256,
            detail=f"{error}; {_touches(connection, stored)}",
            mend=_REBUILD.format(spec=version.spec) if is_own else _FORGET.format(sha256=stored.sha256),
        )
        return
    if schema_hash(table.schema) != stored.schema_hash:
        yield Finding(kind="schema", subject=stored.sha256, detail="its columns are not those that were registered")
    if table.num_rows != stored.n_rows:
        detail = f"it holds {table.num_rows} rows, registered were {stored.n_rows}"
        yield Finding(kind="rows", subject=stored.sha256, detail=detail)


_KINDS: dict[type[Exception], str] = {NotFound: "missing", ObjectDamaged: "damaged", StoreError: "unreadable"}


_REBUILD = "`evol lineage rebuild {spec}` writes it again from recorded generations"

_FORGET = (
    "nothing can compute what a model once answered; `evol datasets forget {sha256}` lets builds that need these "
    "answers ask anew. The versions built from them stay as they are"
)


def _touches(connection: sa.Connection, stored: StoredObject) -> str:
    """Which rows, versions and runs an object's loss touches."""
    (found,) = rows_of(connection, _TOUCHED, sha256=stored.sha256)
    versions = ", ".join(found["versions"]) or "no version"
    said = [f"touched: {stored.n_rows} rows of {versions}, written by run {found['writer'] or 'nobody knows which'}"]
    if found["answers"]:
        said.append(f"it holds {found['answers']} recorded answers")
    if found["training_runs"]:
        said.append(f"training runs that read it: {found['training_runs']}")
    return "; ".join(said)


_TOUCHED = """
    SELECT
        ARRAY(SELECT DISTINCT format('%s@%s', d.name, v.version) FROM lineage.dataset_version_file v
            JOIN lineage.dataset d USING (dataset_id) WHERE v.file_id = o.file_id ORDER BY 1) AS versions,
        (SELECT format('%s %s', r.flow, r.run_key) FROM lineage.task_attempt t
            JOIN lineage.run r USING (run_id) WHERE t.attempt_id = o.attempt_id) AS writer,
        (SELECT count(*) FROM lineage.generation g WHERE g.file_id = o.file_id) AS answers,
        ARRAY(SELECT DISTINCT i.training_run_id FROM lineage.dataset_version_file v
            JOIN lineage.training_input i USING (dataset_id, version) WHERE v.file_id = o.file_id ORDER BY 1
        ) AS training_runs
    FROM lineage.object_file o WHERE o.sha256 = decode(:sha256, 'hex')
"""


def _check_generations(connection: sa.Connection, store: ObjectStore, version: Version) -> Iterator[Finding]:
    """The recorded generations behind the rows: without them the version cannot be built again."""
    key = {"dataset_id": version.dataset_id, "version": version.version}
    (lost,) = rows_of(connection, f"{_ASKED} SELECT count(*) AS n FROM asked WHERE file_id IS NULL", **key)
    if lost["n"]:
        detail = (
            f"{lost['n']} requests behind its rows have no recorded answer: it cannot be built again without engines"
        )
        yield Finding(kind="unrecorded", subject="generations", detail=detail)
    objects = rows_of(
        connection,
        f"{_ASKED} SELECT o.sha256, o.n_bytes, o.n_rows, o.schema_hash FROM lineage.object_file o "
        "WHERE file_id IN (SELECT file_id FROM asked) ORDER BY o.sha256",
        **key,
    )
    for row in objects:
        yield from _check_object(connection, store, StoredObject(**row), version)


_ASKED = """
    WITH asked AS (
        SELECT DISTINCT q.request_hash, g.file_id
        FROM lineage.outcome o
        CROSS JOIN LATERAL (VALUES (o.request_hash), (o.respond_hash)) q (request_hash)
        LEFT JOIN lineage.generation g ON g.request_hash = q.request_hash
        WHERE (o.dataset_id, o.version) = (:dataset_id, :version) AND q.request_hash IS NOT NULL
    )
"""


def _check_counts(connection: sa.Connection, version: Version) -> Iterator[Finding]:
    """What the publish transaction checked, checked again."""
    try:
        with connection.begin_nested():
            query = sa.text("SELECT lineage.check_rows(:dataset_id, :version)")
            connection.execute(query, {"dataset_id": version.dataset_id, "version": version.version})
    except RowsLost as error:
        yield Finding(kind="counts", subject="rows", detail=str(error))


def _check_pointers(connection: sa.Connection, version: Version) -> Iterator[Finding]:
    """Ids that lead nowhere. Bulk tables have no foreign keys, so they are counted here."""
    (counts,) = rows_of(connection, _DANGLING, dataset_id=version.dataset_id, version=version.version)
    for name, count in counts.items():
        if count:
            yield Finding(kind="dangling", subject=name, detail=f"{count} ids that nobody has recorded")


_DANGLING = """
    SELECT
        count(*) FILTER (WHERE o.row_id IS NOT NULL AND i.instruction_id IS NULL) AS rows,
        count(*) FILTER (WHERE o.parent_id IS NOT NULL AND p.instruction_id IS NULL) AS parents,
        count(*) FILTER (WHERE o.response_id IS NOT NULL AND r.response_id IS NULL) AS responses,
        count(*) FILTER (WHERE o.step_id IS NOT NULL AND s.step_id IS NULL) AS steps,
        count(*) FILTER (WHERE o.status = 'accepted' AND o.parent_id IS NOT NULL AND NOT EXISTS (
            SELECT FROM lineage.derivation e
            WHERE (e.child_id, e.parent_id, e.step_id) = (o.row_id, o.parent_id, o.step_id)
        )) AS derivations
    FROM lineage.outcome o
    LEFT JOIN lineage.instruction i ON i.instruction_id = o.row_id
    LEFT JOIN lineage.instruction p ON p.instruction_id = o.parent_id
    LEFT JOIN lineage.response r ON r.response_id = o.response_id
    LEFT JOIN lineage.step s ON s.step_id = o.step_id
    WHERE (o.dataset_id, o.version) = (:dataset_id, :version)
"""
