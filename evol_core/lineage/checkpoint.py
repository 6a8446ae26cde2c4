"""One checkpoint's whole story: how it was trained, on which versions, and what those were built from."""

from typing import Any

import sqlalchemy as sa

from evol_core.lineage.impact import whole_hash
from evol_core.lineage.rows_of import rows_of


def checkpoint_lineage(connection: sa.Connection, checkpoint: str) -> dict[str, Any]:
    """All that is known of a checkpoint.

    Args:
        checkpoint: the SHA-256 over its weights, or the beginning of it.

    Returns:
        `checkpoint` (with its training run, base model, configuration, run and attempt), `sources` (versions that
        it was trained on and those behind them), `models` (who made their rows), `seeds` (where they came from).

    Raises:
        NotFound: no such checkpoint is recorded, or several begin so; the message names those that are near.
    """
    rows = rows_of(connection, "SELECT encode(sha256, 'hex') AS hash, uri FROM lineage.checkpoint ORDER BY 1")
    found = whole_hash("checkpoint", checkpoint, {row["hash"]: row["uri"] for row in rows})
    (said,) = rows_of(connection, _CHECKPOINT, checkpoint=found)
    return {
        "checkpoint": said,
        "sources": rows_of(connection, "SELECT * FROM analytics.checkpoint_sources(:checkpoint)", checkpoint=found),
        "models": rows_of(connection, _MODELS, checkpoint=found),
        "seeds": rows_of(connection, _SEEDS, checkpoint=found),
    }


_CHECKPOINT = """
    SELECT encode(c.sha256, 'hex') AS checkpoint, c.step, c.uri, t.training_run_id, t.state, m.name AS base_model,
        m.revision AS base_revision, encode(t.config_hash, 'hex') AS config_hash, t.config, t.seed,
        r.flow, r.run_key, a.try_number, a.attempt_id, a.code_version, a.started_at
    FROM lineage.checkpoint c
    JOIN lineage.training_run t USING (training_run_id)
    JOIN lineage.model m ON m.model_id = t.base_model_id
    JOIN lineage.task_attempt a ON a.attempt_id = t.attempt_id
    JOIN lineage.run r USING (run_id)
    WHERE c.sha256 = decode(:checkpoint, 'hex')
"""

_MODELS = """
    SELECT u.model, u.model_revision, u.operator, sum(u.n_rows)::bigint AS n_rows
    FROM analytics.checkpoint_sources(:checkpoint) s
    JOIN analytics.step_use u USING (dataset, version)
    GROUP BY u.model, u.model_revision, u.operator ORDER BY u.model, u.model_revision, u.operator
"""

_SEEDS = """
    SELECT o.source, o.licence, count(DISTINCT o.instruction_id) AS n_seeds
    FROM analytics.checkpoint_sources(:checkpoint) s
    JOIN analytics.row_version l USING (dataset, version)
    JOIN lineage.seed_origin o USING (instruction_id)
    WHERE s.kind = 'seeds'
    GROUP BY o.source, o.licence ORDER BY o.source, o.licence
"""
