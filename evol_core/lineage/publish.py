"""Publishing: rows, lineage and the version in one transaction, or nothing.

One publisher a dataset at a time: it locks the dataset, looks whether the same content is published already,
loads the version's rows, and lets `lineage.publish_version` (sql/) check attempt, base, objects and row counts
and make the version visible. A publisher that dies leaves nothing; one that lost the answer to its COMMIT
calls again and is told the version.
"""

import json
import logging
from collections.abc import Callable

import sqlalchemy as sa

from evol_core.errors import ConfigError, Retracted, VersionConflict
from evol_core.lineage.publication import Counts, Publication, Published, VersionRef
from evol_core.lineage.registry import register_objects
from evol_core.lineage.runs import check_not_fenced
from evol_core.lineage.text import storable_json

__all__ = ["Counts", "Load", "Publication", "Published", "VersionRef", "publish", "release_version"]

TRIES = 5
"""At a publication whose transaction another writer upset (a deadlock, a moved head)."""

Load = Callable[[sa.Connection, VersionRef], None]

logger = logging.getLogger(__name__)


def publish(engine: sa.Engine, publication: Publication, *, attempt_id: int, load: Load) -> Published:
    """Make a version visible, with all that is known of its rows; the same content again is the same version.

    A version with a gate that did not pass is quarantined: it has its number, but the head stays.

    Args:
        load: loads the version's rows (lineage.load) on the given connection; may be called more than once.

    Raises:
        Fenced: a newer attempt owns this work.
        RowsLost: what was loaded, what was said and what the objects hold do not add up.
        NotFound: a parent or an object is not registered.
        ConfigError: the name belongs to a dataset of the other kind.
        Retracted: this content is a version that was taken back.
        VersionConflict: other writers kept getting in between.
        DatabaseError: the database went away; whether the version is there, another call tells.
    """
    for left in reversed(range(TRIES)):
        try:
            return _look(engine, publication, attempt_id) or _publish_once(engine, publication, attempt_id, load)
        except VersionConflict as conflict:
            logger.warning("publishing %s: %s; %d more tries", publication.name, conflict, left)
            if not left:
                raise
    raise AssertionError("the last try returns or raises")


def release_version(connection: sa.Connection, name: str, version: int, by: str, reason: str) -> None:
    """Publish a quarantined version, on a person's word. Harmless where it is published already.

    Raises:
        NotFound: there is no such version.
        ConfigError: it is retracted.
    """
    connection.execute(
        sa.text("SELECT lineage.release_version(:name, :version, :by, :reason)"),
        {"name": name, "version": version, "by": by, "reason": reason},
    )


def _look(engine: sa.Engine, publication: Publication, attempt_id: int) -> Published | None:
    """The version that holds this content already; else the attempt must be the newest, before it loads anything."""
    with engine.connect() as connection:
        found = _replay(connection, publication)
        if found is None:
            check_not_fenced(connection, attempt_id)
        return found


def _publish_once(engine: sa.Engine, publication: Publication, attempt_id: int, load: Load) -> Published:
    with engine.connect() as connection, connection.begin() as transaction:
        connection.execute(sa.text("SET LOCAL idle_in_transaction_session_timeout = '10min'"))
        dataset_id, base = _lock_dataset(connection, publication)
        published = _replay(connection, publication)
        if published is None:
            version = VersionRef(
                name=publication.name,
                dataset_id=dataset_id,
                version=_next_version(connection, dataset_id),
                attempt_id=attempt_id,
            )
            register_objects(connection, publication.objects, attempt_id)
            load(connection, version)
            published = _publish_version(connection, publication, version, base)
        if published.replayed:
            transaction.rollback()
        return published


def _lock_dataset(connection: sa.Connection, publication: Publication) -> tuple[int, int | None]:
    """The dataset's number and head. Whoever else publishes to it waits until this transaction has ended."""
    name = {"name": publication.name, "kind": publication.kind}
    find = sa.text("SELECT dataset_id, kind, head_version FROM lineage.dataset WHERE name = :name FOR UPDATE")
    dataset = connection.execute(find, name).one_or_none()
    if dataset is None:
        add = "INSERT INTO lineage.dataset (name, kind) VALUES (:name, :kind) ON CONFLICT (name) DO NOTHING"
        connection.execute(sa.text(add), name)
        dataset = connection.execute(find, name).one()
    if dataset.kind != publication.kind:
        raise ConfigError(
            f"dataset {publication.name!r} is of kind {dataset.kind!r}, got {publication.kind!r}; "
            "publish under another name"
        )
    return dataset.dataset_id, dataset.head_version


def _replay(connection: sa.Connection, publication: Publication) -> Published | None:
    row = connection.execute(
        sa.text(
            "SELECT version, state, retracted_by, retract_reason "
            "FROM lineage.dataset JOIN lineage.dataset_version USING (dataset_id) "
            "WHERE name = :name AND manifest_hash = :manifest"
        ),
        {"name": publication.name, "manifest": bytes.fromhex(publication.manifest_hash)},
    ).one_or_none()
    if row is None:
        return None
    if row.state == "retracted":
        raise Retracted(
            f"this is {publication.name}@{row.version} once more, which {row.retracted_by} retracted: "
            f"{row.retract_reason}; nothing was published. Change the recipe or its seeds"
        )
    return Published(name=publication.name, version=row.version, state=row.state, replayed=True)


def _next_version(connection: sa.Connection, dataset_id: int) -> int:
    query = "SELECT coalesce(max(version), 0) + 1 FROM lineage.dataset_version WHERE dataset_id = :dataset_id"
    return int(connection.execute(sa.text(query), {"dataset_id": dataset_id}).scalar_one())


def _publish_version(
    connection: sa.Connection, publication: Publication, version: VersionRef, base: int | None
) -> Published:
    row = connection.execute(
        sa.text(
            "SELECT version, state, replayed FROM lineage.publish_version("
            ":name, :attempt_id, :base, :version, :manifest, CAST(:said AS jsonb))"
        ),
        {
            "name": version.name,
            "attempt_id": version.attempt_id,
            "base": base,
            "version": version.version,
            "manifest": bytes.fromhex(publication.manifest_hash),
            "said": json.dumps(_said(publication)),
        },
    ).one()
    return Published(name=version.name, version=row.version, state=row.state, replayed=row.replayed)


def _said(publication: Publication) -> dict[str, object]:
    """What the publisher says of the version, as the SQL function reads it."""
    return {
        "recipe_hash": publication.recipe_hash,
        "code_version": publication.code_version,
        "schema_hash": publication.schema_hash,
        "n_in": publication.counts.n_in,
        "n_accepted": publication.counts.accepted,
        "n_rejected": publication.counts.rejected,
        "n_failed": publication.counts.failed,
        "gates": storable_json(publication.gates),
        "metadata": storable_json(dict(publication.metadata)),
        "files": publication.files,
        "parents": publication.parents,
    }
