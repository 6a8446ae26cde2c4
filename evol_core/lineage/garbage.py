"""Garbage collection: objects that no version, no recorded generation and no run needs any more.

First the database gives them up, in a transaction that passes by whatever somebody is about to point to; then
their files go. A collector that dies in between leaves files that the next one removes.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from evol_core.errors import NotFound, ObjectDamaged, VersionConflict
from evol_core.store.objects import ObjectStore
from evol_core.store.sweep import Swept, sweep

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What was given up and removed, or would be."""

    outputs: int
    """Stage outputs of runs that have shown no life for long."""

    pieces: int
    """Finished pieces of stages that nobody started again for as long."""

    marked: int
    """Registered objects that nothing needs."""

    swept: Swept
    at_work: tuple[int, ...]
    """Attempts at work: nothing that was written since the first of them began is touched."""


def collect_garbage(engine: sa.Engine, store: ObjectStore, older_than: timedelta, *, remove: bool) -> Collected:
    """Remove objects that nothing needs and that are older than a time and than every attempt at work.

    Args:
        older_than: also how long a run must have shown no life before what its stages handed on is given up.
        remove: whether to do it, or only to say what would be done.

    Raises:
        DatabaseError: the database cannot be reached or written to.
        StoreError: the store cannot.
    """
    with engine.connect() as connection, connection.begin() as transaction:
        before, at_work = _bounds(connection, older_than)
        outputs = connection.execute(_GIVE_UP, {"before": before}).scalar_one()
        pieces = connection.execute(_GIVE_UP_PIECES, {"before": before}).scalar_one()
        marked = connection.execute(_MARK, {"before": before}).all()
        needed = {bytes(row.sha256) for row in connection.execute(_NEEDED)}
        if not remove:
            transaction.rollback()
    swept = sweep(store, lambda name: bytes.fromhex(name) in needed, before.timestamp(), remove=remove)
    logger.info("collected %d objects, %d bytes", len(swept.objects), swept.n_bytes)
    return Collected(outputs=outputs, pieces=pieces, marked=len(marked), swept=swept, at_work=at_work)


def forget_object(connection: sa.Connection, store: ObjectStore, sha256: str) -> int:
    """Give up a recorded generations' object whose file is missing or damaged, so that builds ask anew.

    Returns:
        How many recorded answers stood in it.

    Raises:
        NotFound: no such object is registered.
        VersionConflict: the file is whole, or versions hold it (these are rebuilt, not forgotten).
    """
    users = connection.execute(_USERS, {"sha256": sha256}).one_or_none()
    if users is None:
        raise NotFound(f"no object {sha256} is registered; `evol datasets verify NAME` names damaged ones")
    if users.versions:
        raise VersionConflict(
            f"object {sha256} belongs to {', '.join(users.versions)}; `evol lineage rebuild {users.versions[0]}` "
            "writes it again"
        )
    try:
        store.verify(sha256)
    except (NotFound, ObjectDamaged):
        connection.execute(_FORGET, {"sha256": sha256})
        connection.execute(_FORGET_PIECES)
        return int(users.answers)
    raise VersionConflict(f"object {sha256} is whole; only a missing or damaged one can be forgotten")


def _bounds(connection: sa.Connection, older_than: timedelta) -> tuple[datetime, tuple[int, ...]]:
    before = connection.execute(sa.text("SELECT lineage.garbage_before(:age)"), {"age": older_than}).scalar_one()
    found = connection.execute(sa.text("SELECT attempt_id FROM lineage.attempt_at_work ORDER BY 1")).scalars()
    return before, tuple(found)


_GIVE_UP = sa.text("SELECT lineage.give_up_outputs(:before)")

_GIVE_UP_PIECES = sa.text("SELECT lineage.give_up_pieces(:before)")

_MARK = sa.text("SELECT sha256 FROM lineage.mark_garbage(:before)")

_NEEDED = sa.text("""
    SELECT sha256 FROM lineage.object_file WHERE deleted_at IS NULL
    UNION SELECT sha256 FROM lineage.needed_objects()
""")
"""What is registered stays until it is marked; and stages hand on objects that are not registered yet."""

_USERS = sa.text("""
    SELECT
        ARRAY(SELECT DISTINCT format('%s@%s', d.name, v.version) FROM lineage.dataset_version_file v
            JOIN lineage.dataset d USING (dataset_id) WHERE v.file_id = f.file_id ORDER BY 1) AS versions,
        (SELECT count(*) FROM lineage.generation g WHERE g.file_id = f.file_id) AS answers
    FROM lineage.object_file f WHERE f.sha256 = decode(:sha256, 'hex')
""")

_FORGET = sa.text("UPDATE lineage.object_file SET deleted_at = now() WHERE sha256 = decode(:sha256, 'hex')")

_FORGET_PIECES = sa.text("DELETE FROM lineage.finished_piece")
"""Any of them may have been derived from the answers that are given up; they cost little to derive again."""
