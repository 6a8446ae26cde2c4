"""Runs, attempts and rows for tests of the lineage."""

import sqlalchemy as sa

from evol_core.lineage.runs import register_attempt, register_run


def new_attempt(database: sa.Engine, *, run_key: str = "night-1", task: str = "publish", shard: int = -1) -> int:
    """The next attempt at a task of a run."""
    with database.begin() as connection:
        run_id = register_run(
            connection,
            flow="evol_instruct",
            run_key=run_key,
            trigger="cli",
            conf={},
            code_version="c1",
            recipe_hash="r",
        )
        return register_attempt(connection, run_id=run_id, task=task, shard=shard, code_version="c1")
