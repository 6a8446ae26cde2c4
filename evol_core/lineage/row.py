"""One row's whole story: back to its seeds, forth to versions and checkpoints."""

import uuid
from typing import Any, Literal

import sqlalchemy as sa

from evol_core.errors import NotFound
from evol_core.lineage.rows_of import rows_of

NEIGHBOURS = 3
"""Known ids named on either side of an unknown one."""


def row_lineage(connection: sa.Connection, row_id: str) -> dict[str, Any]:
    """All that is known of an instruction, or of a response and the instruction that it answers.

    Args:
        row_id: an InstructionId or a ResponseId.

    Returns:
        `row`, `responses`, `history` (every step back to seeds, nearest first), `outcomes` (what became of it in
        each build), `versions` that hold it, `training_runs` that saw it with their checkpoints, `descendants` (how
        many evolved from it), `descendants_in` (versions that hold it or any of them).

    Raises:
        NotFound: nobody has recorded such a row; the message names known ids near it.
    """
    key = as_uuid(row_id)
    found = _instruction_of(connection, key)
    if found is None:
        raise NotFound(f"there is no row {row_id!r}; known ids near it: {near_rows(connection, 'instruction', key)}")
    by_id = {"id": found}
    (row,) = rows_of(
        connection,
        "SELECT instruction_id, head, n_chars FROM lineage.instruction WHERE instruction_id = :id",
        **by_id,
    )
    return {
        "row": row,
        "responses": rows_of(connection, _RESPONSES, **by_id),
        "history": rows_of(connection, _HISTORY, **by_id),
        "outcomes": rows_of(connection, _OUTCOMES, **by_id),
        "versions": rows_of(connection, _VERSIONS, **by_id),
        "descendants": rows_of(connection, _DESCENDANTS, **by_id)[0]["n"],
        "descendants_in": rows_of(connection, _DESCENDANTS_IN, **by_id),
        "training_runs": rows_of(connection, _TRAINING_RUNS, **by_id),
    }


_RESPONSES = "SELECT * FROM analytics.response_provenance WHERE instruction_id = :id ORDER BY response_id"

_HISTORY = """
    WITH line AS MATERIALIZED (SELECT * FROM analytics.ancestors(CAST(:id AS uuid)))
    SELECT line.depth, history.*, parent.head AS parent_head
    FROM analytics.row_provenance history JOIN line USING (instruction_id)
    LEFT JOIN lineage.instruction parent ON parent.instruction_id = history.parent_id
    WHERE history.instruction_id = ANY (ARRAY(SELECT instruction_id FROM line))
    ORDER BY line.depth, history.instruction_id, history.parent_id, history.round
"""
"""The array lets the planner look ids up one by one instead of reading the view as a whole."""

_OUTCOMES = """
    SELECT d.name AS dataset, o.version, o.ordinal, o.round, o.stage, o.status::text, o.reason
    FROM lineage.outcome o JOIN lineage.dataset d USING (dataset_id)
    WHERE o.row_id = :id ORDER BY d.name, o.version, o.ordinal, o.round
"""

_VERSIONS = """
    SELECT dataset, version, state, object, row_no FROM analytics.row_version
    WHERE instruction_id = :id ORDER BY dataset, version, object, row_no
"""

_DESCENDANTS = "SELECT count(*) - 1 AS n FROM analytics.descendants(ARRAY[CAST(:id AS uuid)])"

_DESCENDANTS_IN = "SELECT * FROM analytics.affected_versions(ARRAY[CAST(:id AS uuid)])"

_TRAINING_RUNS = """
    SELECT DISTINCT t.training_run_id, t.state AS training_state, m.name AS base_model, l.dataset, l.version, l.state,
        i.split, encode(c.sha256, 'hex') AS checkpoint, c.step, c.uri
    FROM analytics.row_version l
    JOIN lineage.dataset d ON d.name = l.dataset
    JOIN lineage.training_input i ON (i.dataset_id, i.version) = (d.dataset_id, l.version)
    JOIN lineage.training_run t USING (training_run_id)
    JOIN lineage.model m ON m.model_id = t.base_model_id
    LEFT JOIN lineage.checkpoint c USING (training_run_id)
    WHERE l.instruction_id = :id ORDER BY t.training_run_id, c.step, l.dataset, l.version, i.split
"""


def as_uuid(row_id: str) -> str:
    """A row's id in its canonical form.

    Raises:
        NotFound: this is no UUID.
    """
    try:
        return str(uuid.UUID(row_id))
    except ValueError:
        raise NotFound(
            f"{row_id!r} is no row id; a row id is a UUID like 3f2b8c1e-0d4a-5b6c-8d7e-9f0a1b2c3d4e, "
            "as in the column instruction_id or response_id of a dataset"
        ) from None


def _instruction_of(connection: sa.Connection, key: str) -> str | None:
    """The instruction that an instruction's or a response's id leads to."""
    found = rows_of(
        connection,
        "SELECT instruction_id FROM lineage.instruction WHERE instruction_id = :id "
        "UNION SELECT instruction_id FROM lineage.response WHERE response_id = :id",
        id=key,
    )
    return str(found[0]["instruction_id"]) if found else None


def near_rows(connection: sa.Connection, table: Literal["instruction", "seed_origin"], key: str) -> list[str]:
    """Known ids that are next to an unknown one: a mistyped end is found."""
    before = f"SELECT instruction_id FROM lineage.{table} WHERE instruction_id < :id ORDER BY 1 DESC LIMIT :n"
    after = f"SELECT instruction_id FROM lineage.{table} WHERE instruction_id > :id ORDER BY 1 LIMIT :n"
    rows = [*rows_of(connection, before, id=key, n=NEIGHBOURS), *rows_of(connection, after, id=key, n=NEIGHBOURS)]
    return sorted({row["instruction_id"] for row in rows})
