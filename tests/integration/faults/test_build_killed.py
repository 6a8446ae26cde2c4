"""A whole build that is killed at any of the moments at which it makes something last; the next run finishes it."""

import multiprocessing
import signal
from collections.abc import Mapping
from pathlib import Path

import pytest
import sqlalchemy as sa

from evol_core.lineage.verify import verify_version
from evol_core.lineage.versions import list_datasets
from evol_core.store.objects import STAGING, ObjectStore
from tests.integration.faults.build_and_die import N_IN, build, build_and_die, prepare
from tests.integration.faults.lengths import some
from tests.integration.lineage_rows import table_counts

pytestmark = [pytest.mark.postgres, pytest.mark.slow]

N_POINTS = 64
"""How often this build makes something last; a test says so where it changes."""

GROW = ("run", "task_attempt", "stage_output", "object_file", "generation")
"""Tables that may differ after a death: what was tried, and in which chunks answers were committed."""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    prepare(tmp_path)
    return tmp_path


def in_its_own_process(url: str, home: Path, nth: int, when: str, told: object = None) -> int | None:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.integration.faults.build_and_die"])
    process = context.Process(target=build_and_die, args=(url, str(home), "night-1", nth, when, told))
    process.start()
    process.join(240)
    return process.exitcode


def lasting(database: sa.Engine) -> Mapping[str, int]:
    return {table: n for table, n in table_counts(database).items() if table not in GROW}


def requests(database: sa.Engine) -> int:
    """Requests behind the rows; each must have one recorded answer."""
    query = "SELECT count(*), count(DISTINCT request_hash) FROM lineage.generation"
    with database.connect() as connection:
        n_answers, n_requests = connection.execute(sa.text(query)).one()
    assert n_answers == n_requests
    return int(n_requests)


def test_the_points_at_which_a_build_can_die_are_all_known(database_url: str, home: Path) -> None:
    told = multiprocessing.get_context("forkserver").Queue()

    assert in_its_own_process(database_url, home, 0, "never", told) == 0
    assert told.get(timeout=10) == N_POINTS


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("nth", some(list(range(1, N_POINTS + 1)), 4))
def test_a_build_killed_anywhere_is_finished_by_the_next_run(
    database: sa.Engine, database_url: str, home: Path, nth: int, when: str
) -> None:
    assert in_its_own_process(database_url, home, nth, when) == -signal.SIGKILL
    store = ObjectStore(home / "objects")
    check_what_is_visible(database, store)

    published = build(database_url, home, "night-1")["publish"]

    assert (published["version"], published["state"]) == (1, "published")
    assert published["rows"] + published["rejected"] + published["failed"] == N_IN
    assert check_what_is_visible(database, store) == {("tiny", 1), ("tiny.seeds", 1)}
    before, n_requests = lasting(database), requests(database)
    again = build(database_url, home, "night-2")
    assert (again["publish"]["replayed"], again["requests"]["generated"]) == (True, 0)
    assert (lasting(database), requests(database)) == (before, n_requests)
    assert [
        path for path in store.root.rglob("*.parquet") if path.parent.name != STAGING and not is_whole(store, path)
    ] == []


def is_whole(store: ObjectStore, path: Path) -> bool:
    """Whether a file of the store holds what its name promises; verifying raises otherwise."""
    store.verify(path.stem)
    return True


def check_what_is_visible(database: sa.Engine, store: ObjectStore) -> set[tuple[str, int]]:
    """Every version that is visible is whole; their names and numbers."""
    with database.connect() as connection:
        heads = {(str(row["name"]), int(str(row["head"]))) for row in list_datasets(connection) if row["head"]}
        for name, version in heads:
            assert verify_version(connection, store, f"{name}@{version}") == []
    return heads
