"""Two whole builds at once, in processes of their own: two attempts at one run, two runs of one name."""

import multiprocessing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from evol_core.lineage.verify import verify_version
from evol_core.store.objects import ObjectStore
from tests.integration.faults.build_and_die import N_IN, build, build_beside, prepare
from tests.integration.faults.lengths import LONG

pytestmark = [pytest.mark.postgres, pytest.mark.slow]

TURNS = range(5 if LONG else 1)
"""Who is first in what is left to chance; more turns see more of it."""


def at_once(url: str, home: Path, *builds: tuple[str, int]) -> list[Any]:
    """What became of builds of these runs and recipe seeds, in that order: a publication, or an error's name."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.integration.faults.build_and_die"])
    meeting, told = context.Barrier(len(builds)), context.Queue()
    processes = [
        context.Process(target=build_beside, args=(url, str(home), key, seed, meeting, told)) for key, seed in builds
    ]
    for process in processes:
        process.start()
    found = [told.get(timeout=240) for _ in builds]
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    keys = [key for key, _ in builds]
    return [said for _, said in sorted(found, key=lambda one: keys.index(one[0]))]


def check_all(database: sa.Engine, home: Path, versions: list[str]) -> None:
    """These versions and no others are there, whole, with a row for every row that went in; each answer once."""
    query = "SELECT dataset || '@' || version, n_in, n_accepted + n_rejected + n_failed FROM analytics.{}"
    with database.connect() as connection:
        found = connection.execute(sa.text(query.format("dataset_version_summary") + " ORDER BY 1")).all()
        assert [row[0] for row in found] == sorted([*versions, "tiny.seeds@1"])
        assert [tuple(row[1:]) for row in found if row[0] in versions] == [(N_IN, N_IN)] * len(versions)
        for version in versions:
            assert verify_version(connection, ObjectStore(home / "objects"), version) == []
        answers = connection.execute(
            sa.text("SELECT count(*), count(DISTINCT request_hash) FROM lineage.generation")
        ).one()
    assert answers[0] == answers[1]


@pytest.mark.parametrize("turn", TURNS)
def test_of_two_attempts_at_one_run_the_newer_one_publishes(
    database: sa.Engine, database_url: str, tmp_path: Path, turn: int
) -> None:
    prepare(tmp_path)

    told = at_once(database_url, tmp_path, ("night", 0), ("night", 0))

    published = [one for one in told if one != "Fenced"]
    assert published, "both gave way"
    assert {(one["version"], one["state"]) for one in published} == {(1, "published")}
    check_all(database, tmp_path, ["tiny@1"])
    assert build(database_url, tmp_path, "next night")["publish"]["replayed"]


@pytest.mark.parametrize("turn", TURNS)
def test_two_runs_of_one_recipe_make_one_version(
    database: sa.Engine, database_url: str, tmp_path: Path, turn: int
) -> None:
    prepare(tmp_path)

    told = at_once(database_url, tmp_path, ("night", 0), ("day", 0))

    assert [one["version"] for one in told] == [1, 1]
    assert sorted(one["replayed"] for one in told) == [False, True]
    check_all(database, tmp_path, ["tiny@1"])


@pytest.mark.parametrize("turn", TURNS)
def test_two_runs_that_publish_one_name_make_two_versions(
    database: sa.Engine, database_url: str, tmp_path: Path, turn: int
) -> None:
    prepare(tmp_path)

    told = at_once(database_url, tmp_path, ("night", 0), ("day", 1))

    assert sorted(one["version"] for one in told) == [1, 2]
    check_all(database, tmp_path, ["tiny@1", "tiny@2"])
