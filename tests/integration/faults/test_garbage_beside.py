"""A collection of garbage at every step of a run, and a run at every step of a collection: what is needed stays.

The run's objects lie there already, as a writer of yesterday left them who died: nothing needed them until now.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from evol_core.lineage.database import connect
from evol_core.lineage.garbage import collect_garbage
from evol_core.lineage.registry import register_objects
from evol_core.lineage.runs import finish_attempt, put_stage_output, stage_outputs
from evol_core.lineage.verify import verify_version
from evol_core.platform.processes import wait_until
from evol_core.store import sweep
from evol_core.store.objects import ObjectStore, StoredObject
from tests.integration.faults.lengths import some
from tests.integration.lineage_rows import Build, evolved_rows, new_attempt, publish_seeds

pytestmark = [pytest.mark.postgres, pytest.mark.slow]

OLD = timedelta(hours=1)
DAY_S = 86_400


class Steps:
    """Counts what somebody does, and does something else before the nth of it."""

    def __init__(self, nth: int, beside: Callable[[], None]) -> None:
        self.count = 0
        self._nth, self._beside = nth, beside

    def __call__(self, *about: Any) -> None:
        self.count += 1
        if self.count == self._nth:
            self._beside()


@contextmanager
def counted(url: str, steps: Steps) -> Iterator[sa.Engine]:
    """A pool of connections each of whose statements is a step."""
    engine = connect(url)
    sa.event.listen(engine, "before_cursor_execute", steps)
    yield engine
    engine.dispose()


@dataclass(frozen=True, kw_only=True)
class Left:
    """How far the dead writer came, and how the objects are needed this time."""

    registered: bool
    handed_on: bool
    """By a task of the run to the next; else it is one task that writes and publishes them."""


LEFT = {
    "unknown objects": Left(registered=False, handed_on=False),
    "unknown objects, handed on": Left(registered=False, handed_on=True),
    "registered objects": Left(registered=True, handed_on=False),
    "registered objects, handed on": Left(registered=True, handed_on=True),
}


class Garbage:
    """One run's objects, left by a dead writer a day ago."""

    def __init__(self, database: sa.Engine, store: ObjectStore, name: str, left: Left) -> None:
        self.store, self.name, self.left = store, name, left
        build = self.build()
        if left.registered:
            with database.begin() as connection:
                register_objects(connection, build.publication.objects, ended_attempt(database, f"{name} yesterday"))
                connection.execute(sa.text("UPDATE lineage.object_file SET created_at = now() - interval '1 day'"))
        for stored in build.publication.objects:
            age(store, stored)

    def build(self) -> Build:
        return Build(self.store, evolved_rows(salt=f" {self.name}"), name=self.name)


def age(store: ObjectStore, stored: StoredObject) -> None:
    day_ago = time.time() - DAY_S
    os.utime(store.path(stored.sha256), (day_ago, day_ago))


def ended_attempt(database: sa.Engine, key: str) -> int:
    attempt_id = new_attempt(database, run_key=key)
    with database.begin() as connection:
        finish_attempt(connection, attempt_id, "failed")
    return attempt_id


def run_all(engine: sa.Engine, garbage: Garbage) -> None:
    """A run of one task; or of two, of which the first hands on what the second needs."""
    if garbage.left.handed_on:
        evolve(engine, garbage)
    attempt_id = new_attempt(engine, run_key=garbage.name, task="publish")
    with engine.connect() as connection:
        query = "SELECT run_id FROM lineage.task_attempt WHERE attempt_id = :attempt_id"
        run_id = connection.execute(sa.text(query), {"attempt_id": attempt_id}).scalar_one()
        outputs = stage_outputs(connection, run_id, "evolve")
    for sha256 in (sha256 for output in outputs for sha256 in output["parts"]):
        garbage.store.verify(sha256)
    garbage.build().publish(engine, attempt_id)
    with engine.begin() as connection:
        finish_attempt(connection, attempt_id, "success")


def evolve(engine: sa.Engine, garbage: Garbage) -> None:
    attempt_id = new_attempt(engine, run_key=garbage.name, task="evolve")
    parts = [stored.sha256 for stored in garbage.build().publication.objects]
    with engine.begin() as connection:
        put_stage_output(connection, attempt_id=attempt_id, stage="evolve", shard=0, output={"parts": parts})
    with engine.begin() as connection:
        finish_attempt(connection, attempt_id, "success")


def check_whole(database: sa.Engine, garbage: Garbage) -> None:
    with database.connect() as connection:
        found = verify_version(connection, garbage.store, garbage.name)
    assert [finding for finding in found if finding.kind != "unrecorded"] == []


@pytest.fixture
def store(database: sa.Engine, tmp_path: Path) -> ObjectStore:
    """With a seed version, whose attempt is over. Whoever waits for another's lock for long has run into a fault."""
    with database.begin() as connection:
        connection.execute(sa.text(f"ALTER DATABASE {database.url.database} SET lock_timeout = '20s'"))
    database.dispose()
    store = ObjectStore(tmp_path / "objects")
    attempt_id = new_attempt(database, task="seed")
    publish_seeds(database, store, attempt_id=attempt_id)
    with database.begin() as connection:
        finish_attempt(connection, attempt_id, "success")
    return store


@pytest.mark.parametrize("left", LEFT.values(), ids=LEFT)
def test_a_collection_at_any_step_of_a_run_takes_nothing_that_it_needs(
    database: sa.Engine, database_url: str, store: ObjectStore, left: Left
) -> None:
    removed: list[str] = []

    def collect() -> None:
        removed.extend(collect_garbage(database, store, OLD, remove=True).swept.objects)

    def run_disturbed(nth: int) -> int:
        garbage = Garbage(database, store, f"evol.{nth}", left)
        steps = Steps(nth, collect)
        with counted(database_url, steps) as engine:
            run_all(engine, garbage)
        check_whole(database, garbage)
        return steps.count

    n_steps = run_disturbed(0)
    for nth in some(list(range(1, n_steps + 1)), 6):
        run_disturbed(nth)

    assert removed, "there was garbage until the run had begun"


@pytest.mark.parametrize("left", LEFT.values(), ids=LEFT)
def test_a_run_at_any_step_of_a_collection_finds_and_keeps_what_it_needs(
    database: sa.Engine, database_url: str, store: ObjectStore, monkeypatch: pytest.MonkeyPatch, left: Left
) -> None:
    errors: list[BaseException] = []
    remove = sweep._remove_older

    def run_guarded(garbage: Garbage) -> None:
        try:
            run_all(database, garbage)
        except BaseException as error:
            errors.append(error)

    def run_beside(garbage: Garbage, threads: list[threading.Thread]) -> None:
        """Begin a run, and go on when it has ended or waits for the collector."""
        threads.append(threading.Thread(target=run_guarded, args=(garbage,)))
        threads[0].start()
        assert wait_until(lambda: not threads[0].is_alive() or is_waiting(database), 60)

    def collect_disturbed(nth: int) -> int:
        garbage = Garbage(database, store, f"evol.{nth}", left)
        threads: list[threading.Thread] = []
        steps = Steps(nth, lambda: run_beside(garbage, threads))

        def remove_counted(*about: Any, **said: Any) -> int | None:
            steps()
            return remove(*about, **said)

        monkeypatch.setattr(sweep, "_remove_older", remove_counted)
        with counted(database_url, steps) as engine:
            collect_garbage(engine, store, OLD, remove=True)
        for thread in threads:
            thread.join(60)
            check_whole(database, garbage)
        return steps.count

    n_steps = collect_disturbed(0)
    for nth in some(list(range(1, n_steps + 1)), 6):
        collect_disturbed(nth)

    assert errors == []


def is_waiting(database: sa.Engine) -> bool:
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with database.connect() as connection:
        return bool(connection.execute(sa.text(query)).scalar_one())
