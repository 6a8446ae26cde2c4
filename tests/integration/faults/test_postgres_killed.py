"""Postgres itself dies in mid-publish: nothing is visible, and after it is up again the same call publishes once."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from evol_core.errors import DatabaseError
from evol_core.lineage.database import connect
from evol_core.lineage.migrate import migrate
from evol_core.lineage.publish import VersionRef, publish
from evol_core.lineage.verify import verify_version
from evol_core.platform.postgres import ensure_postgres, running_postgres
from evol_core.platform.processes import end
from evol_core.store.objects import ObjectStore
from tests.integration.lineage_rows import Build, evolved_rows, new_attempt, publish_seeds
from tests.integration.platform_homes import remove_home

pytestmark = [pytest.mark.postgres, pytest.mark.slow]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home with a server of its own, which writes as in use (fsync is on)."""
    home = tmp_path_factory.mktemp("killed") / "home"
    yield home
    remove_home(home)


@pytest.fixture
def own_database(home: Path) -> Iterator[sa.Engine]:
    url = ensure_postgres(home).evol
    migrate(url)
    engine = connect(url)
    yield engine
    engine.dispose()


def kill_server(home: Path, connection: sa.Connection) -> None:
    """The whole server at once, as when its machine is reset."""
    server = running_postgres(home)
    assert server is not None
    end([server], (signal.SIGKILL, 10))


def end_session(home: Path, connection: sa.Connection) -> None:
    """As an administrator does, or a server that is told to stop at once."""
    pid = connection.execute(sa.text("SELECT pg_backend_pid()")).scalar_one()
    with connection.engine.connect() as other:
        other.execute(sa.text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})


Kill = Callable[[Path, sa.Connection], None]


@pytest.mark.parametrize("after_load", [False, True], ids=["before its rows", "after its rows"])
@pytest.mark.parametrize("kill", [kill_server, end_session])
def test_a_publication_whose_database_dies_leaves_nothing_and_is_made_by_the_next_call(
    home: Path, own_database: sa.Engine, tmp_path: Path, kill: Kill, after_load: bool
) -> None:
    name = f"evol.{kill.__name__}.{after_load}"
    store = ObjectStore(tmp_path / "objects")
    publish_seeds(own_database, store)
    build = Build(store, evolved_rows(salt=name), name=name)
    attempt_id = new_attempt(own_database)

    def load(connection: sa.Connection, version: VersionRef) -> None:
        if after_load:
            build.load(connection, version)
        kill(home, connection)
        if not after_load:
            build.load(connection, version)

    with pytest.raises(DatabaseError, match=r"cannot be reached.*check that it runs"):
        publish(own_database, build.publication, attempt_id=attempt_id, load=load)
    ensure_postgres(home)
    assert outcomes(own_database, name) == (0, 0)

    published = publish(own_database, build.publication, attempt_id=attempt_id, load=build.load)

    assert (published.version, published.replayed) == (1, False)
    assert outcomes(own_database, name) == (1, len(build.rows))
    with own_database.connect() as connection:
        assert [f for f in verify_version(connection, store, name) if f.kind != "unrecorded"] == []


def outcomes(database: sa.Engine, name: str) -> tuple[int, int]:
    """Versions of a dataset, and what became of their rows, in lines."""
    query = (
        "SELECT count(DISTINCT v.version), count(o.ordinal) FROM lineage.dataset d "
        "JOIN lineage.dataset_version v USING (dataset_id) "
        "LEFT JOIN lineage.outcome o USING (dataset_id, version) WHERE d.name = :name"
    )
    with database.connect() as connection:
        n_versions, n_outcomes = connection.execute(sa.text(query), {"name": name}).one()
        return n_versions, n_outcomes
