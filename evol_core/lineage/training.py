"""Training runs: what they are made of, how they went, and the checkpoints that came of them."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from evol_core.lineage.registry import model_number
from evol_core.lineage.rows_of import rows_of
from evol_core.lineage.runs import check_not_fenced
from evol_core.lineage.versions import Version
from evol_core.records import ModelRef

TRAIN = "train"
"""The split of a version that a run learns from: all of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingStart:
    """A training run to be."""

    name: str
    input_hash: str
    version: Version
    base: ModelRef
    config: Mapping[str, Any]
    config_hash: str
    seed: int
    folder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """A finished training run."""

    training_run_id: int
    checkpoint: str
    """SHA-256 over its weight files, 64 hex digits."""

    step: int
    uri: str
    counts: Mapping[str, Any]


def manifest_hash(connection: sa.Connection, version: Version) -> str:
    """SHA-256, 64 hex digits, of a version's content and origin."""
    found = connection.execute(
        sa.text(
            "SELECT encode(manifest_hash, 'hex') FROM lineage.dataset_version "
            "WHERE (dataset_id, version) = (:dataset_id, :version)"
        ),
        {"dataset_id": version.dataset_id, "version": version.version},
    )
    return str(found.scalar_one())


def find_trained(connection: sa.Connection, input_hash: str) -> Trained | None:
    """The run that was made of the same inputs, where one has been finished."""
    found = rows_of(
        connection,
        "SELECT t.training_run_id, encode(c.sha256, 'hex') AS checkpoint, c.step, c.uri, t.counts "
        "FROM lineage.training_run t JOIN lineage.checkpoint c USING (training_run_id) "
        "WHERE t.input_hash = decode(:input_hash, 'hex') AND t.state = 'done' ORDER BY c.step DESC LIMIT 1",
        input_hash=input_hash,
    )
    return Trained(**found[0]) if found else None


_FIND = sa.text("SELECT training_run_id FROM lineage.training_run WHERE input_hash = decode(:input_hash, 'hex')")

_TAKE_OVER = sa.text("""
    UPDATE lineage.training_run SET attempt_id = :attempt_id, state = 'running', folder = :folder
    WHERE training_run_id = :training_run_id
""")

_ADD = sa.text("""
    INSERT INTO lineage.training_run
        (attempt_id, base_model_id, config_hash, config, seed, state, name, input_hash, folder)
    VALUES (:attempt_id, :base_model_id, decode(:config_hash, 'hex'), CAST(:config AS jsonb), :seed, 'running',
        :name, decode(:input_hash, 'hex'), :folder)
    RETURNING training_run_id
""")

_ADD_INPUT = sa.text("""
    INSERT INTO lineage.training_input (training_run_id, dataset_id, version, split)
    VALUES (:training_run_id, :dataset_id, :version, :split)
""")


def begin_training(connection: sa.Connection, start: TrainingStart, attempt_id: int) -> int:
    """The run's number; an attempt at a run that another attempt has begun goes on with that one.

    Raises:
        Fenced: a newer attempt owns this work.
    """
    check_not_fenced(connection, attempt_id)
    row = {
        "attempt_id": attempt_id,
        "base_model_id": model_number(connection, start.base),
        "config_hash": start.config_hash,
        "config": json.dumps(dict(start.config)),
        "seed": start.seed,
        "name": start.name,
        "input_hash": start.input_hash,
        "folder": start.folder,
    }
    there = connection.execute(_FIND, row).scalar()
    if there is not None:
        connection.execute(_TAKE_OVER, {**row, "training_run_id": there})
        return int(there)
    training_run_id = int(connection.execute(_ADD, row).scalar_one())
    version = start.version
    key = {"training_run_id": training_run_id, "dataset_id": version.dataset_id, "version": version.version}
    connection.execute(_ADD_INPUT, {**key, "split": TRAIN})
    return training_run_id


def fail_training(connection: sa.Connection, training_run_id: int, attempt_id: int) -> None:
    """Say that an attempt failed, unless another one has taken over."""
    connection.execute(
        sa.text(
            "UPDATE lineage.training_run SET state = 'failed' "
            "WHERE (training_run_id, attempt_id, state) = (:training_run_id, :attempt_id, 'running')"
        ),
        {"training_run_id": training_run_id, "attempt_id": attempt_id},
    )


_FINISH = sa.text("""
    UPDATE lineage.training_run SET state = 'done', ended_at = now(), counts = CAST(:counts AS jsonb),
        order_hash = decode(:order_hash, 'hex')
    WHERE training_run_id = :training_run_id
""")

_ADD_LOSSES = sa.text("""
    INSERT INTO lineage.training_loss (training_run_id, step, loss, learning_rate)
    SELECT :training_run_id, step, loss, learning_rate
    FROM unnest(CAST(:step AS int[]), CAST(:loss AS float8[]), CAST(:learning_rate AS float8[]))
        said (step, loss, learning_rate)
""")

_ADD_CHECKPOINT = sa.text("""
    INSERT INTO lineage.checkpoint (sha256, training_run_id, step, uri)
    VALUES (decode(:sha256, 'hex'), :training_run_id, :step, :uri)
    ON CONFLICT (sha256) DO UPDATE SET uri = excluded.uri
""")


def finish_training(
    connection: sa.Connection,
    trained: Trained,
    *,
    attempt_id: int,
    order_hash: str,
    losses: Sequence[Mapping[str, float]],
) -> None:
    """Keep a run's end: its counts, its losses, its checkpoint. Written again, it is as if written once.

    Raises:
        Fenced: a newer attempt owns this work.
    """
    check_not_fenced(connection, attempt_id)
    key = {"training_run_id": trained.training_run_id}
    connection.execute(sa.text("DELETE FROM lineage.training_loss WHERE training_run_id = :training_run_id"), key)
    connection.execute(sa.text("DELETE FROM lineage.checkpoint WHERE training_run_id = :training_run_id"), key)
    connection.execute(_FINISH, {**key, "counts": json.dumps(dict(trained.counts)), "order_hash": order_hash})
    columns: dict[str, list[float | None]] = {
        name: [_finite(line.get(name)) for line in losses] for name in ("step", "loss", "learning_rate")
    }
    connection.execute(_ADD_LOSSES, {**key, **columns})
    connection.execute(_ADD_CHECKPOINT, {**key, "sha256": trained.checkpoint, "step": trained.step, "uri": trained.uri})


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
