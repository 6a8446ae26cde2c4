"""The answer to a COMMIT that is lost on its way: whoever asks again is told what happened, and nothing is doubled."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from evol_core.errors import DatabaseError
from evol_core.lineage.database import connect
from evol_core.lineage.generations import PostgresIndex
from evol_core.lineage.runs import put_stage_output, stage_outputs
from evol_core.store.objects import ObjectStore
from tests.integration.faults.proxy import Proxy
from tests.integration.lineage_rows import (
    Build,
    evolved_rows,
    new_attempt,
    publish_seeds,
    record_generations,
    table_counts,
)

pytestmark = pytest.mark.postgres


@pytest.fixture
def proxy(database_url: str) -> Iterator[Proxy]:
    with tempfile.TemporaryDirectory() as folder, Proxy(database_url, Path(folder)) as proxy:
        yield proxy


@pytest.fixture
def lossy(proxy: Proxy) -> Iterator[sa.Engine]:
    engine = connect(proxy.url)
    yield engine
    engine.dispose()


def test_a_version_whose_commit_was_not_acknowledged_is_told_to_the_next_call(
    lossy: sa.Engine, proxy: Proxy, database: sa.Engine, tmp_path: Path
) -> None:
    store = ObjectStore(tmp_path)
    publish_seeds(database, store)
    attempt_id = new_attempt(database)
    proxy.lose_answers(1)

    with pytest.raises(DatabaseError, match="cannot be reached"):
        Build(store, evolved_rows()).publish(lossy, attempt_id)
    assert proxy.lost == 1
    before = table_counts(database)
    again = Build(store, evolved_rows()).publish(lossy, attempt_id)

    assert (again.version, again.replayed) == (1, True)
    assert table_counts(database) == before


def test_answers_whose_registration_was_not_acknowledged_are_registered_once(
    lossy: sa.Engine, proxy: Proxy, database: sa.Engine, tmp_path: Path
) -> None:
    store = ObjectStore(tmp_path)
    new_attempt(database, task="evolve", shard=0)
    proxy.lose_answers(1)
    with pytest.raises(DatabaseError):
        record_generations(lossy, store, evolved_rows())
    proxy.lose_answers(0)

    stored = record_generations(database, store, evolved_rows())

    assert table_counts(database)["generation"] == stored.n_rows
    assert table_counts(database)["object_file"] <= 1
    assert len(PostgresIndex(database, 0).find([row.evolve_hash for row in evolved_rows()])) == len(evolved_rows())


def test_an_output_whose_commit_was_not_acknowledged_is_put_once_more(
    lossy: sa.Engine, proxy: Proxy, database: sa.Engine
) -> None:
    attempt_id = new_attempt(database, task="evolve", shard=0)
    proxy.lose_answers(1)

    def put() -> None:
        with lossy.begin() as connection:
            put_stage_output(connection, attempt_id=attempt_id, stage="evolve", shard=0, output={"n": 1})

    with pytest.raises(DatabaseError):
        put()
    put()

    with database.connect() as connection:
        assert stage_outputs(connection, 1, "evolve") == [{"n": 1}]
