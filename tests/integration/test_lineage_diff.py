"""What is different between two versions."""

from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from evol_core.errors import ConfigError
from evol_core.lineage.diff import diff_versions
from evol_core.lineage.versions import resolve
from evol_core.schemas import dataset_schema, to_table
from evol_core.store.objects import ObjectStore
from tests.integration.lineage_rows import Build, evolved_rows, publish_seeds

pytestmark = pytest.mark.postgres


@pytest.fixture
def store(database: sa.Engine, tmp_path: Path) -> ObjectStore:
    store = ObjectStore(tmp_path)
    publish_seeds(database, store)
    return store


def publish(database: sa.Engine, store: ObjectStore, build: Build, ifd: list[float | None]) -> None:
    """Publish a build whose rows have these values of a metric."""
    scored = [row | {"score_ifd": value} for row, value in zip(build.table.to_pylist(), ifd, strict=True)]
    build.table = to_table(scored, dataset_schema(("ifd",)))
    build.data = store.put(build.table)
    build.publication = replace(build.publication, data=(build.data,))
    build.publish(database)


def test_rows_answers_scores_operators_and_reasons_are_compared(database: sa.Engine, store: ObjectStore) -> None:
    rows = evolved_rows()
    publish(database, store, Build(store, rows), [0.1, 0.2, None, 0.4])
    changed = [replace(rows[0], response="Another answer"), *rows[1:3], *evolved_rows(salt="!")[3:]]
    publish(database, store, Build(store, changed), [0.1, 0.3, 0.5, 0.4])

    with database.connect() as connection:
        found = diff_versions(connection, store, resolve(connection, "evol@1"), resolve(connection, "evol@2"))

    assert {name: found[name] for name in ("added", "removed", "kept", "answered_anew")} == {
        "added": 1,
        "removed": 1,
        "kept": 3,
        "answered_anew": 1,
    }
    assert found["scores"] == [
        {"metric": "ifd", "pairs": 2, "changed": 2, "old_mean": pytest.approx(0.2), "new_mean": pytest.approx(0.4)}
    ]
    assert found["operators"] == [
        {"operator": "deepen", "status": "accepted", "old": 4, "new": 4},
        {"operator": "deepen", "status": "rejected", "old": 2, "new": 2},
    ]
    assert found["reasons"] == [{"stage": "evolve", "status": "rejected", "reason": "too_long", "old": 2, "new": 2}]


def test_a_version_is_no_different_from_itself(database: sa.Engine, store: ObjectStore) -> None:
    Build(store, evolved_rows()).publish(database)

    with database.connect() as connection:
        version = resolve(connection, "evol")
        found = diff_versions(connection, store, version, version)
        seeds = resolve(connection, "evol.seeds")
        assert diff_versions(connection, store, seeds, seeds)["kept"] == 3
        with pytest.raises(ConfigError, match="compare two of one kind"):
            diff_versions(connection, store, seeds, version)

    assert (found["added"], found["removed"], found["answered_anew"], found["kept"]) == (0, 0, 0, 4)
