"""All that cards, events and mirrors say of a version, read from lineage and from its Parquet schema."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from evol_core.lineage.rows_of import rows_of
from evol_core.lineage.versions import Version, rejects_by_reason
from evol_core.store.objects import ObjectStore

Row = Mapping[str, Any]


class Column(NamedTuple):
    """A column of a version's data."""

    name: str
    type: str
    """As Arrow writes it: string, int64, double."""

    meaning: str
    """Empty where nobody has said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """One version as a catalogue knows it."""

    version: Version
    summary: Row
    """Its line of analytics.dataset_version_summary."""

    created: datetime
    """By the clock of the database."""

    began: datetime
    """When the attempt that published it began."""

    attempt: Row
    """flow, run_key, run_created, task, shard, try_number of that attempt."""

    parents: tuple[tuple[str, int], ...]
    columns: tuple[Column, ...]
    """Of the data; empty where its first object is not there."""

    licences: tuple[str, ...]
    """SPDX names, of all seed versions that it comes from."""

    steps: Sequence[Row]
    """operator, round, prompt, prompt_hash, model, revision, size_class, decoding_hash, rows: what made its rows."""

    metrics: Sequence[Row]
    """metric, scorer, rows, scored, mean over the accepted rows."""

    refused: Sequence[Row]
    """stage, status, reason, n, share."""


def facts_of(connection: sa.Connection, store: ObjectStore, version: Version) -> Facts:
    """What is known of a version."""
    key = {"dataset_id": version.dataset_id, "version": version.version}
    (summary,) = rows_of(
        connection,
        "SELECT * FROM analytics.dataset_version_summary WHERE dataset = :name AND version = :version",
        name=version.name,
        version=version.version,
    )
    (attempt,) = rows_of(connection, _ATTEMPT, **key)
    parents = rows_of(connection, _PARENTS, **key)
    return Facts(
        version=version,
        summary=summary,
        created=datetime.fromisoformat(summary["created_at"]),
        began=datetime.fromisoformat(attempt["started_at"]),
        attempt=attempt,
        parents=tuple((row["name"], row["version"]) for row in parents),
        columns=_columns(store, version),
        licences=tuple(row["licence"] for row in rows_of(connection, _LICENCES, **key)),
        steps=rows_of(connection, _STEPS, **key),
        metrics=rows_of(connection, _METRICS, **key),
        refused=rejects_by_reason(connection, version),
    )


def _columns(store: ObjectStore, version: Version) -> tuple[Column, ...]:
    if not version.data:
        return ()
    try:
        schema: pa.Schema = pq.read_schema(store.path(version.data[0].sha256))
    except (OSError, pa.ArrowException):
        return ()
    return tuple(Column(field.name, str(field.type), _meaning(field.name)) for field in schema)


def _meaning(name: str) -> str:
    if name.startswith("score_"):
        return f"The metric {name.removeprefix('score_')}; null where it could not be computed."
    return MEANINGS.get(name, "")


MEANINGS = {
    "ordinal": "Number of the seed that the row comes from; the same in all versions.",
    "round": "Round of evolution, from 0.",
    "operator": "How the instruction was evolved.",
    "instruction_id": "Made of instruction and input: the same text has the same id everywhere.",
    "response_id": "Made of instruction, input and response.",
    "seed_id": "Instruction id of the seed.",
    "parent_id": "Instruction id of what it was evolved from.",
    "instruction": "The instruction.",
    "input": "What the instruction is about; may be empty.",
    "output": "The response.",
    "evolve_hash": "Request that the instruction is the recorded answer to.",
    "respond_hash": "Request that the response is the recorded answer to.",
    "source": "File that the seed stood in.",
    "licence": "SPDX name of the licence of the seed.",
    "line": "Line in that file, from 1.",
}
"""Columns that all flows write alike."""

_ATTEMPT = """
    SELECT r.flow, r.run_key, r.created_at AS run_created, t.task, t.shard, t.try_number, t.started_at
    FROM lineage.dataset_version v
    JOIN lineage.task_attempt t USING (attempt_id)
    JOIN lineage.run r USING (run_id)
    WHERE (v.dataset_id, v.version) = (:dataset_id, :version)
"""

_PARENTS = """
    SELECT d.name, p.parent_version AS version
    FROM lineage.version_parent p JOIN lineage.dataset d ON d.dataset_id = p.parent_dataset_id
    WHERE (p.dataset_id, p.version) = (:dataset_id, :version)
    ORDER BY p.ord
"""

_LICENCES = """
    WITH RECURSIVE line (dataset_id, version) AS (
        SELECT CAST(:dataset_id AS int), CAST(:version AS int)
        UNION
        SELECT p.parent_dataset_id, p.parent_version
        FROM line JOIN lineage.version_parent p USING (dataset_id, version)
    )
    SELECT DISTINCT jsonb_array_elements_text(v.metadata -> 'licences') AS licence
    FROM line JOIN lineage.dataset_version v USING (dataset_id, version)
    ORDER BY licence
"""

_STEPS = """
    SELECT s.operator, s.round, p.name AS prompt, p.sha256 AS prompt_hash, m.name AS model, m.revision, s.size_class,
        dc.sha256 AS decoding_hash, count(*) AS rows
    FROM lineage.outcome o
    CROSS JOIN LATERAL (VALUES (o.step_id), (o.respond_step_id)) q (step_id)
    JOIN lineage.step s ON s.step_id = q.step_id
    JOIN lineage.prompt p USING (prompt_id)
    JOIN lineage.model m USING (model_id)
    JOIN lineage.decoding dc USING (decoding_id)
    WHERE (o.dataset_id, o.version) = (:dataset_id, :version) AND o.status = 'accepted'
    GROUP BY s.operator, s.round, p.name, p.sha256, m.name, m.revision, s.size_class, dc.sha256
    ORDER BY s.round, s.operator
"""

_METRICS = """
    SELECT m.name AS metric, s.name AS scorer, sum(v.n_rows) AS rows, sum(v.n_scored) AS scored,
        sum(v.mean * v.n_scored) / nullif(sum(v.n_scored), 0) AS mean
    FROM lineage.version_metric v
    JOIN lineage.metric m USING (metric_id)
    JOIN lineage.scorer s USING (scorer_id)
    WHERE (v.dataset_id, v.version) = (:dataset_id, :version) AND v.operator IS NULL
    GROUP BY m.name, s.name, s.revision
    ORDER BY m.name, s.name
"""
