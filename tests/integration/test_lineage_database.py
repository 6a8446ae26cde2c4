"""Connections and migrations on a real PostgreSQL."""

import multiprocessing
from pathlib import Path

import pytest
import sqlalchemy as sa

from evol_core.errors import ConfigError, DatabaseError
from evol_core.lineage.database import connect, raw_cursor
from evol_core.lineage.migrate import check_schema, check_writable, migrate, newest_revision

pytestmark = pytest.mark.postgres


def tables(url: str) -> dict[str, int]:
    engine = connect(url)
    with engine.connect() as connection:
        query = (
            "SELECT nspname, count(*) FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace "
            "WHERE nspname IN ('lineage', 'analytics') GROUP BY 1"
        )
        found = {row[0]: row[1] for row in connection.execute(sa.text(query))}
    engine.dispose()
    return found


def test_migrating_again_changes_nothing(empty_database_url: str) -> None:
    migrate(empty_database_url)
    before = tables(empty_database_url)

    migrate(empty_database_url)

    assert before == tables(empty_database_url)
    check_schema(connect(empty_database_url))


def test_processes_that_migrate_at_once_make_one_schema(empty_database_url: str) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=migrate, args=(empty_database_url,)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)

    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    check_schema(connect(empty_database_url))


def test_a_migration_that_fails_leaves_nothing(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "roles.sql").write_text("SELECT 1 / 0")
    (tmp_path / "views").mkdir()
    for path in Path("sql").glob("0*.sql"):
        (tmp_path / path.name).write_text(path.read_text())
    monkeypatch.setattr("evol_core.lineage.migrate.SQL", tmp_path)

    with pytest.raises(Exception, match="division by zero"):
        migrate(empty_database_url)

    assert tables(empty_database_url) == {}


def test_an_empty_database_is_told(empty_database_url: str) -> None:
    with pytest.raises(
        DatabaseError, match=r"database evol_test_\d+ at .* holds no Evol schema yet; `evol up` brings it"
    ):
        check_schema(connect(empty_database_url))


@pytest.mark.parametrize(
    ("revision", "said"),
    [
        ("0001", rf"has schema version 0001, this code needs {newest_revision()}; `evol up` brings it up to date"),
        ("9999", rf"has schema version 9999, newer than this code's {newest_revision()}; update this installation"),
    ],
)
def test_another_schema_version_is_told(database: sa.Engine, revision: str, said: str) -> None:
    with database.begin() as connection:
        connection.execute(sa.text("UPDATE lineage.schema_revision SET version_num = :new"), {"new": revision})

    with pytest.raises(DatabaseError, match=said):
        check_schema(database)


def test_a_newer_schema_is_not_migrated(database: sa.Engine, database_url: str) -> None:
    with database.begin() as connection:
        connection.execute(sa.text("UPDATE lineage.schema_revision SET version_num = '9999'"))

    with pytest.raises(DatabaseError, match="migrations do not go back"):
        migrate(database_url)


def test_an_unreachable_database_is_told_without_its_password(database_url: str) -> None:
    url = "postgresql://evol:hunter2@127.0.0.1:1/evol"
    with pytest.raises(DatabaseError, match=r"database evol at 127.0.0.1:1 cannot be reached.*`evol up`") as raised:
        check_schema(connect(url))

    assert "hunter2" not in str(raised.value)


def end(database: sa.Engine, victim: sa.Connection) -> None:
    """End a connection from the server's side."""
    pid = victim.execute(sa.text("SELECT pg_backend_pid()")).scalar()
    with database.connect() as killer:
        killer.execute(sa.text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})


def test_a_lost_connection_is_told_and_the_next_one_works(database: sa.Engine) -> None:
    with database.connect() as victim:
        end(database, victim)
        with pytest.raises(DatabaseError, match="cannot be reached"):
            victim.execute(sa.text("SELECT 1"))

    with database.connect() as connection:
        assert connection.execute(sa.text("SELECT 1")).scalar() == 1


def test_a_connection_that_was_lost_while_idle_is_replaced(database: sa.Engine) -> None:
    other = connect(database.url.render_as_string(hide_password=False))
    with database.connect() as idle:
        pid = idle.execute(sa.text("SELECT pg_backend_pid()")).scalar()
    with other.connect() as killer:
        killer.execute(sa.text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
    other.dispose()

    with database.connect() as connection:
        assert connection.execute(sa.text("SELECT 1")).scalar() == 1


def test_a_connection_lost_in_a_copy_is_told(database: sa.Engine) -> None:
    with database.connect() as victim:
        end(database, victim)
        with pytest.raises(DatabaseError, match="cannot be reached"), raw_cursor(victim) as cursor:
            cursor.execute("SELECT 1")


@pytest.mark.parametrize("url", ["mysql://evol:hunter2@host/evol", "evol:hunter2@host"])
def test_a_url_that_is_none_of_postgres_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ConfigError, match=r"write it as postgresql\+psycopg2://USER:PASSWORD@HOST:PORT/evol") as raised:
        connect(url)

    assert "hunter2" not in str(raised.value)


def test_a_database_that_takes_no_writes_is_told_before_work_starts(database: sa.Engine, database_url: str) -> None:
    check_writable(database)
    with database.begin() as connection:
        name = connection.execute(sa.text("SELECT current_database()")).scalar_one()
        connection.execute(sa.text(f"ALTER DATABASE {name} SET default_transaction_read_only = on"))
    engine = connect(database_url)

    with pytest.raises(DatabaseError, match="takes no writes here"):
        check_writable(engine)
    engine.dispose()
