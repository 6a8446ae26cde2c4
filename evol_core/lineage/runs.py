"""Runs, their tasks' attempts, and what stages hand on. An attempt's id is its fencing token."""

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from evol_core.errors import NotFound
from evol_core.lineage.text import storable_json

_FIND_RUN = sa.text("SELECT run_id FROM lineage.run WHERE flow = :flow AND run_key = :run_key")

_ADD_RUN = sa.text("""
    INSERT INTO lineage.run (flow, run_key, trigger_kind, conf, code_version, recipe_hash)
    VALUES (:flow, :run_key, :trigger, CAST(:conf AS jsonb), :code_version, :recipe_hash)
    ON CONFLICT (flow, run_key) DO NOTHING
    RETURNING run_id
""")


def register_run(
    connection: sa.Connection,
    *,
    flow: str,
    run_key: str,
    trigger: str,
    conf: Mapping[str, Any],
    code_version: str,
    recipe_hash: str,
) -> int:
    """A run's id; the same flow and key is the same run, as it was first registered."""
    key = {"flow": flow, "run_key": run_key}
    row = {
        **key,
        "trigger": trigger,
        "conf": json.dumps(storable_json(conf)),
        "code_version": code_version,
        "recipe_hash": recipe_hash,
    }
    run_id = connection.execute(_FIND_RUN, key).scalar() or connection.execute(_ADD_RUN, row).scalar()
    return int(run_id if run_id is not None else connection.execute(_FIND_RUN, key).scalar_one())


_LOCK_RUN = sa.text("SELECT run_id FROM lineage.run WHERE run_id = :run_id FOR NO KEY UPDATE")

_LOCK_ATTEMPTS = sa.text("""
    SELECT attempt_id, try_number FROM lineage.task_attempt
    WHERE run_id = :run_id AND task = :task AND shard = :shard
    ORDER BY attempt_id
    FOR NO KEY UPDATE
""")

_ADD_ATTEMPT = sa.text("""
    INSERT INTO lineage.task_attempt (run_id, task, shard, try_number, code_version)
    VALUES (:run_id, :task, :shard, :try_number, :code_version)
    RETURNING attempt_id
""")


def register_attempt(
    connection: sa.Connection,
    *,
    run_id: int,
    task: str,
    shard: int = -1,
    try_number: int | None = None,
    code_version: str,
) -> int:
    """An attempt's id, larger than those of earlier attempts at the same work, which it fences off.

    Waits for an earlier attempt that is about to commit: either that commit stands, or it is refused.

    Args:
        try_number: the same number is the same attempt; None takes the next.

    Raises:
        NotFound: there is no such run.
    """
    if connection.execute(_LOCK_RUN, {"run_id": run_id}).scalar() is None:
        raise NotFound(f"run {run_id} is not registered; register the run before its attempts")
    key = {"run_id": run_id, "task": task, "shard": shard}
    attempts = {row.try_number: int(row.attempt_id) for row in connection.execute(_LOCK_ATTEMPTS, key)}
    if try_number in attempts:
        return attempts[try_number]
    number = max(attempts, default=0) + 1 if try_number is None else try_number
    row = {**key, "try_number": number, "code_version": code_version}
    return int(connection.execute(_ADD_ATTEMPT, row).scalar_one())


def finish_attempt(connection: sa.Connection, attempt_id: int, state: str) -> None:
    """Say how an attempt ended; the first word stands."""
    connection.execute(
        sa.text(
            "UPDATE lineage.task_attempt SET state = :state, ended_at = now() "
            "WHERE attempt_id = :attempt_id AND ended_at IS NULL"
        ),
        {"attempt_id": attempt_id, "state": state},
    )


def check_not_fenced(connection: sa.Connection, attempt_id: int) -> None:
    """Make sure that this attempt still owns its work, until the transaction ends.

    Raises:
        Fenced: a newer attempt owns it.
        NotFound: there is no such attempt.
    """
    connection.execute(sa.text("SELECT lineage.check_not_fenced(:attempt_id)"), {"attempt_id": attempt_id})


_PUT_OUTPUT = sa.text("""
    INSERT INTO lineage.stage_output AS old (run_id, stage, shard, attempt_id, output)
    SELECT run_id, :stage, :shard, attempt_id, CAST(:output AS json)
    FROM lineage.task_attempt WHERE attempt_id = :attempt_id
    ON CONFLICT (run_id, stage, shard) DO UPDATE
    SET attempt_id = excluded.attempt_id, output = excluded.output, written_at = now()
    WHERE old.attempt_id <= excluded.attempt_id
""")


def put_stage_output(
    connection: sa.Connection, *, attempt_id: int, stage: str, shard: int, output: Mapping[str, Any]
) -> None:
    """Keep what a stage's shard puts out; a newer attempt's word stands over an older one's.

    Raises:
        Fenced: a newer attempt owns this work.
    """
    check_not_fenced(connection, attempt_id)
    row = {"attempt_id": attempt_id, "stage": stage, "shard": shard, "output": json.dumps(dict(output))}
    connection.execute(_PUT_OUTPUT, row)


def stage_outputs(connection: sa.Connection, run_id: int, stage: str) -> list[dict[str, Any]]:
    """What a run's stage has put out so far, in the order of its shards."""
    rows = connection.execute(
        sa.text("SELECT output FROM lineage.stage_output WHERE run_id = :run_id AND stage = :stage ORDER BY shard"),
        {"run_id": run_id, "stage": stage},
    )
    return [row.output for row in rows]
