"""Publish a small build, and die by SIGKILL at a named point. Runs in a process of its own: it changes modules."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from evol_core.lineage import load, load_seeds, outcomes
from evol_core.lineage.database import connect
from evol_core.store import files, objects
from tests.integration.lineage_rows import Build, evolved_rows, new_attempt, publish_seeds, record_generations

LOADED = ("seed_origin", "instruction", "derivation", "response", "outcome", "row_location", "score")

STATEMENTS = {
    "object registered": "INSERT INTO lineage.object_file",
    "generations registered": "INSERT INTO lineage.generation",
    "dataset registered": "INSERT INTO lineage.dataset ",
    "version published": "lineage.publish_version",
}

POINTS = (
    *(f"{when} {what}" for what in ("write", "sync", "rename", "folder sync") for when in ("before", "after")),
    *(f"{when} {table} rows" for table in LOADED for when in ("before", "after")),
    *(f"{when} {what}" for what in STATEMENTS for when in ("before", "after")),
    *(f"{when} commit {number}" for number in range(1, 6) for when in ("before", "after")),
)
"""Commits in order: the seeds' attempt, their version, the generations' attempt, they, the build's attempt."""


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def deadly(function: Callable[..., Any], what: str, point: str, *, nth: int = 1) -> Callable[..., Any]:
    """The function, but the process dies before or after its nth call."""
    calls = 0

    def run(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == nth and point == f"before {what}":
            die()
        result = function(*args, **kwargs)
        if calls == nth and point == f"after {what}":
            die()
        return result

    return run


def arm_store(point: str) -> None:
    files.HashingFile.write = deadly(files.HashingFile.write, "write", point)  # type: ignore[method-assign]
    files.HashingFile.sync = deadly(files.HashingFile.sync, "sync", point)  # type: ignore[method-assign]
    objects.os.replace = deadly(os.replace, "rename", point)  # type: ignore[attr-defined]
    objects.sync_folder = deadly(files.sync_folder, "folder sync", point)  # type: ignore[attr-defined]


def arm_loads(point: str) -> None:
    modules: tuple[Any, ...] = (load, load_seeds, outcomes)
    for module in modules:
        plain = module.copy_new

        def copy_new(connection: Any, table: str, *rest: Any, _plain: Any = plain, **more: Any) -> Any:
            return deadly(_plain, f"{table} rows", point)(connection, table, *rest, **more)

        module.copy_new = copy_new


def arm_database(engine: sa.Engine, point: str) -> None:
    when, _, what = point.partition(" ")
    wanted = STATEMENTS.get(what, "no such statement")

    @sa.event.listens_for(engine, f"{when}_cursor_execute")
    def _at_statement(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if wanted in statement:
            die()

    number = int(what.removeprefix("commit ")) if what.startswith("commit ") else 0
    engine.dialect.do_commit = deadly(  # type: ignore[method-assign]
        engine.dialect.do_commit, what, point, nth=number
    )


def publish_and_die(url: str, root: str, run_key: str, point: str) -> None:
    engine = connect(url)
    arm_store(point)
    arm_loads(point)
    arm_database(engine, point)
    publish_all(engine, objects.ObjectStore(Path(root)), run_key)


def publish_all(engine: sa.Engine, store: objects.ObjectStore, run_key: str) -> None:
    """What a run does, in its order: seeds, generations, the version."""
    publish_seeds(engine, store, attempt_id=new_attempt(engine, run_key=run_key, task="seed"))
    record_generations(engine, store, evolved_rows())
    Build(store, evolved_rows()).publish(engine, new_attempt(engine, run_key=run_key))
