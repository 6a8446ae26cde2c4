"""A publisher that dies by SIGKILL, or loses the answer to its COMMIT: nothing half visible, lost or doubled."""

import multiprocessing
import signal
from pathlib import Path

import psycopg2
import pytest
import sqlalchemy as sa
from sqlalchemy.pool import PoolProxiedConnection

from evol_core.errors import DatabaseError
from evol_core.lineage.verify import verify_version
from evol_core.lineage.versions import list_datasets
from evol_core.store.objects import STAGING, ObjectStore
from tests.integration.lineage_rows import Build, evolved_rows, new_attempt, publish_seeds, table_counts
from tests.integration.publish_and_die import POINTS, publish_all, publish_and_die

pytestmark = [pytest.mark.postgres, pytest.mark.slow]

COUNTED = ("run", "task_attempt")
"""Tables that grow by a retry, as they should."""


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return ObjectStore(tmp_path / "objects")


@pytest.fixture(scope="module")
def undisturbed() -> dict[str, int]:
    """Rows of every table after a run that nothing happened to."""
    return {
        "dataset": 2,
        "dataset_version": 2,
        "derivation": 6,
        "instruction": 9,
        "outbox": 2,
        "outcome": 10,
        "generation": 10,
        "object_file": 6,
        "response": 4,
        "row_location": 7,
        "score": 4,
        "seed_origin": 3,
        "seed_ordinal": 3,
        "step": 6,
    }


def visible(database: sa.Engine) -> set[tuple[str, int]]:
    with database.connect() as connection:
        return {(row["name"], row["versions"]) for row in list_datasets(connection)}


def check_whole(database: sa.Engine, store: ObjectStore) -> None:
    with database.connect() as connection:
        for row in list_datasets(connection):
            if row["head"] is not None:
                findings = verify_version(connection, store, str(row["name"]))
                assert [finding for finding in findings if finding.kind != "unrecorded"] == []


def kill_at(point: str, database_url: str, store: ObjectStore) -> None:
    """Run a build in a process that dies at a point. The forking server has loaded what it needs, once for all."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.integration.publish_and_die"])
    process = context.Process(target=publish_and_die, args=(database_url, str(store.root), "night-1", point))
    process.start()
    process.join(120)
    assert process.exitcode == -signal.SIGKILL, f"it did not die at {point!r}"


@pytest.mark.parametrize("point", POINTS)
def test_a_run_killed_at_any_point_is_finished_by_the_next_one(
    database: sa.Engine, database_url: str, store: ObjectStore, undisturbed: dict[str, int], point: str
) -> None:
    kill_at(point, database_url, store)
    assert visible(database) <= {("evol.seeds", 1), ("evol", 1)}
    check_whole(database, store)

    publish_all(database, store, "night-1")

    assert visible(database) == {("evol.seeds", 1), ("evol", 1)}
    with database.connect() as connection:
        assert verify_version(connection, store, "evol") == verify_version(connection, store, "evol.seeds") == []
    counts = table_counts(database)
    assert {name: counts[name] for name in undisturbed} == undisturbed


def test_what_a_killed_writer_leaves_is_under_the_staging_name_only(database_url: str, store: ObjectStore) -> None:
    kill_at("after write", database_url, store)

    assert {path.parent.name for path in store.root.rglob("*.parquet")} == {STAGING}


def test_a_lost_answer_to_commit_is_answered_by_the_next_call(
    database: sa.Engine, store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_seeds(database, store)
    attempt_id = new_attempt(database)
    commit = database.dialect.do_commit

    def commit_and_lose_the_answer(connection: PoolProxiedConnection) -> None:
        commit(connection)
        raise psycopg2.OperationalError("server closed the connection unexpectedly")

    with monkeypatch.context() as patch:
        patch.setattr(database.dialect, "do_commit", commit_and_lose_the_answer)
        with pytest.raises(DatabaseError, match="cannot be reached"):
            Build(store, evolved_rows()).publish(database, attempt_id)
    before = table_counts(database)

    published = Build(store, evolved_rows()).publish(database, attempt_id)

    assert (published.version, published.replayed) == (1, True)
    assert table_counts(database) == before


def test_a_zombie_that_lost_its_answer_still_learns_its_version(database: sa.Engine, store: ObjectStore) -> None:
    publish_seeds(database, store)
    old = new_attempt(database)
    Build(store, evolved_rows()).publish(database, old)
    new = new_attempt(database)

    told = [Build(store, evolved_rows()).publish(database, attempt_id).version for attempt_id in (old, new)]

    assert told == [1, 1]
