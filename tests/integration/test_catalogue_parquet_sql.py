"""SQL over a version's Parquet by DuckDB: right, and closed to everything else."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from evol_core.catalogue.parquet_sql import ask_parquet
from evol_core.errors import ObjectDamaged, QueryError
from evol_core.lineage.analyst import PARQUET_EXAMPLES, example, examples
from evol_core.lineage.versions import Version, resolve
from evol_core.store.objects import ObjectStore
from tests.integration.lineage_rows import Build, evolved_rows, publish_seeds, record_generations

pytestmark = pytest.mark.postgres


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return ObjectStore(tmp_path / "it's objects")


@pytest.fixture
def version(database: sa.Engine, store: ObjectStore) -> Version:
    """A version of four rows, beside another one in the same store."""
    publish_seeds(database, store)
    for salt in ("", "!"):
        record_generations(database, store, evolved_rows(salt=salt))
        Build(store, evolved_rows(salt=salt)).publish(database)
    with database.connect() as connection:
        return resolve(connection, "evol@1")


@pytest.mark.parametrize("name", [found.name for found in examples(PARQUET_EXAMPLES)])
def test_every_example_runs(store: ObjectStore, version: Version, name: str) -> None:
    answer = ask_parquet(store, version, example(name, PARQUET_EXAMPLES).query, limit=100)

    assert answer.rows or name == "repeated_answers"


def test_the_tables_are_the_version_and_nothing_else(store: ObjectStore, version: Version) -> None:
    query = """
        SELECT (SELECT count(*) FROM data) AS data, (SELECT count(*) FROM refused) AS refused,
            (SELECT count(*) FROM scores) AS scores
    """
    assert ask_parquet(store, version, query, limit=1).rows == [{"data": 4, "refused": 2, "scores": 4}]


def test_rows_beyond_the_limit_are_told(store: ObjectStore, version: Version) -> None:
    assert ask_parquet(store, version, "SELECT 1 AS one FROM data", limit=3) == ([{"one": 1}] * 3, False)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM read_text('/etc/hostname')",
        "SELECT * FROM read_parquet('{other}')",
        "COPY data TO '{folder}/stolen.parquet'",
        "COPY data TO '{own}' (FORMAT csv, USE_TMP_FILE false)",
        "WITH one AS (SELECT 1) SELECT * FROM one; COPY data TO '{own}' (USE_TMP_FILE false)",
        "CREATE TABLE mine AS SELECT * FROM data",
        "ATTACH '{folder}/new.db'",
        "INSTALL httpfs",
        "SET enable_external_access = true",
        "RESET allowed_paths",
    ],
)
def test_a_query_reaches_no_other_file(
    database: sa.Engine, store: ObjectStore, version: Version, tmp_path: Path, query: str
) -> None:
    with database.connect() as connection:
        other = store.path(resolve(connection, "evol@2").data[0].sha256)
    own = store.path(version.data[0].sha256)
    before = own.read_bytes()

    with pytest.raises(QueryError):
        ask_parquet(store, version, query.format(other=other, own=own, folder=tmp_path), limit=1)

    assert own.read_bytes() == before
    assert not list(tmp_path.glob("*.*"))


def test_a_damaged_object_is_not_asked(store: ObjectStore, version: Version) -> None:
    path = store.path(version.data[0].sha256)
    path.write_bytes(path.read_bytes()[:-1])

    with pytest.raises(ObjectDamaged, match=version.data[0].sha256):
        ask_parquet(store, version, "SELECT 1", limit=1)


def test_a_query_that_cannot_run_is_told_with_the_tables(store: ObjectStore, version: Version) -> None:
    with pytest.raises(QueryError, match=r"(?s)nothing.*Tables of evol@1: data, refused, scores"):
        ask_parquet(store, version, "SELECT * FROM nothing", limit=1)


def test_a_query_that_takes_too_long_is_ended(store: ObjectStore, version: Version) -> None:
    with pytest.raises(QueryError, match=r"took longer than 0\.05 s"):
        ask_parquet(store, version, "SELECT count(*) FROM range(1000000000000)", limit=1, timeout_s=0.05)
