"""Questions that stages and commands ask of the lineage. Versions: versions.py; one row: row.py."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from evol_core.errors import NotFound
from evol_core.lineage.rows_of import rows_of
from evol_core.lineage.versions import Version
from evol_core.records import InstructionId


def free_ordinal(connection: sa.Connection, name: str) -> int:
    """The first number that no seed of any version of a seed dataset had."""
    query = (
        "SELECT coalesce(max(ordinal) + 1, 0) FROM lineage.seed_ordinal "
        "WHERE dataset_id = (SELECT dataset_id FROM lineage.dataset WHERE name = :name)"
    )
    return int(connection.execute(sa.text(query), {"name": name}).scalar_one())


def seed_ordinals(
    connection: sa.Connection, name: str, instruction_ids: Sequence[InstructionId]
) -> dict[InstructionId, int]:
    """The numbers of those of these instructions that were seeds in any version of a seed dataset."""
    rows = connection.execute(
        sa.text(
            "SELECT instruction_id, ordinal FROM lineage.seed_ordinal JOIN lineage.dataset USING (dataset_id) "
            "WHERE name = :name AND instruction_id = ANY (CAST(:instruction_ids AS uuid[]))"
        ),
        {"name": name, "instruction_ids": list(instruction_ids)},
    )
    return {InstructionId(str(row.instruction_id)): row.ordinal for row in rows}


def run_summary(connection: sa.Connection, run_id: int) -> dict[str, Any]:
    """A run in one record: time, attempts, what it generated anew, what it published.

    Raises:
        NotFound: there is no such run.
    """
    found = rows_of(connection, "SELECT * FROM analytics.run_summary WHERE run_id = :run_id", run_id=run_id)
    if not found:
        newest = rows_of(connection, "SELECT run_id FROM lineage.run ORDER BY run_id DESC LIMIT 5")
        raise NotFound(f"there is no run {run_id}; the newest: {[row['run_id'] for row in newest]}")
    return found[0]


def origin_of(connection: sa.Connection, version: Version) -> dict[str, Any]:
    """What a version was made by: its run's recipe (`conf`), `metadata`, `recipe_hash`, `code_version`, `parents`."""
    (found,) = rows_of(
        connection,
        """
        SELECT r.flow, r.run_key, r.conf, v.metadata, v.recipe_hash, v.code_version, ARRAY(
            SELECT format('%s@%s', d.name, p.parent_version) FROM lineage.version_parent p
            JOIN lineage.dataset d ON d.dataset_id = p.parent_dataset_id
            WHERE (p.dataset_id, p.version) = (v.dataset_id, v.version) ORDER BY p.ord
        ) AS parents
        FROM lineage.dataset_version v
        JOIN lineage.task_attempt a USING (attempt_id)
        JOIN lineage.run r USING (run_id)
        WHERE (v.dataset_id, v.version) = (:dataset_id, :version)
        """,
        dataset_id=version.dataset_id,
        version=version.version,
    )
    return found
