"""DAG runs and task tries as lineage knows them: runs and attempts."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from evol_core.config import Settings, code_version
from evol_core.lineage.database import connect
from evol_core.lineage.runs import finish_attempt, register_attempt, register_run
from evol_core.recipe import Recipe

Context = Any
"""Airflow's task context, a mapping."""

UNSHARDED = -1


@contextmanager
def transaction(settings: Settings) -> Iterator[sa.Connection]:
    """A connection of its own, committed at the end."""
    engine = connect(settings.database_url)
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def run_of(context: Context, recipe: Recipe, connection: sa.Connection) -> int:
    """The id of the context's DAG run, registered if it is new."""
    dag_run = context["dag_run"]
    return register_run(
        connection,
        flow=dag_run.dag_id,
        run_key=dag_run.run_id,
        trigger=getattr(dag_run.run_type, "value", dag_run.run_type),
        conf=recipe.model_dump(mode="json"),
        code_version=code_version(),
        recipe_hash=recipe.hash,
    )


def attempt_of(context: Context, run_id: int, stage: str, shard: int | None, connection: sa.Connection) -> int:
    """The id of the context's try; the same try is the same attempt."""
    return register_attempt(
        connection,
        run_id=run_id,
        task=stage,
        shard=UNSHARDED if shard is None else shard,
        try_number=context["ti"].try_number,
        code_version=code_version(),
    )


def note_failure(settings: Settings, attempt_id: int) -> None:
    """For a job that could not say so itself."""
    with transaction(settings) as connection:
        finish_attempt(connection, attempt_id, "failed")
