"""The embedded PostgreSQL: made once, repaired after a kill, closed to whoever has no password."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest
import sqlalchemy as sa

from evol_core.platform.postgres import DatabaseUrls, ensure_postgres, running_postgres, stop_postgres
from evol_core.platform.postgres_cluster import locate
from evol_core.platform.postgres_programs import copy_programs, wheel_programs
from evol_core.platform.processes import MARK, alive, end, start
from evol_core.platform.settings import analyst_url_from_environment, settings_from_environment
from tests.integration.platform_homes import remove_home

pytestmark = [pytest.mark.postgres, pytest.mark.slow]

ENSURE = "import sys; from pathlib import Path; from evol_core.platform.postgres import *; "
ENSURE += "print(ensure_postgres(Path(sys.argv[1])).evol)"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    home = tmp_path_factory.mktemp("platform") / "home"
    yield home
    remove_home(home)


@pytest.fixture
def urls(home: Path) -> DatabaseUrls:
    return ensure_postgres(home)


def ask(url: str, *statements: str) -> object:
    engine = sa.create_engine(url)
    try:
        with engine.begin() as connection:
            for statement in statements:
                result = connection.execute(sa.text(statement))
            return result.scalar() if result.returns_rows else None
    finally:
        engine.dispose()


def test_each_url_is_its_own_role_in_its_own_database(urls: DatabaseUrls) -> None:
    who = "SELECT current_user || ' in ' || current_database()"

    assert ask(urls.airflow, who) == "airflow in airflow"
    assert ask(urls.evol, who) == "evol in evol"
    assert ask(urls.analyst, who) == "evol_analyst in evol"


def test_a_second_call_finds_the_same_server(home: Path, urls: DatabaseUrls) -> None:
    server = running_postgres(home)

    assert ensure_postgres(home) == urls
    assert running_postgres(home) == server


def test_commands_use_it_where_no_other_database_is_named(home: Path, urls: DatabaseUrls) -> None:
    assert settings_from_environment({"EVOL_HOME": str(home)}).database_url == urls.evol
    assert analyst_url_from_environment({"EVOL_HOME": str(home)}) == urls.analyst


@pytest.mark.parametrize("role", ["airflow", "evol", "evol_analyst", "postgres"])
def test_nobody_gets_in_without_the_password(role: str, urls: DatabaseUrls) -> None:
    url = sa.make_url(urls.evol)

    for password in ("wrong", url.password if role != "evol" else ""):
        with pytest.raises(psycopg2.OperationalError, match="password"):
            psycopg2.connect(host=url.query["host"], user=role, password=password, dbname="evol")


def test_roles_stay_out_of_databases_that_are_not_theirs(urls: DatabaseUrls) -> None:
    for url, database in [(urls.analyst, "airflow"), (urls.evol, "airflow"), (urls.airflow, "evol")]:
        elsewhere = sa.make_url(url).set(database=database).render_as_string(hide_password=False)
        with pytest.raises(sa.exc.OperationalError, match="permission denied for database"):
            ask(elsewhere, "SELECT 1")


def test_the_analyst_cannot_write_even_when_asked_nicely(urls: DatabaseUrls) -> None:
    with pytest.raises(sa.exc.DBAPIError, match="read-only transaction"):
        ask(urls.analyst, "CREATE TABLE t (x int)")
    with pytest.raises(sa.exc.DBAPIError, match="permission denied"):
        ask(urls.analyst, "SET TRANSACTION READ WRITE", "CREATE TABLE t (x int)")


def test_it_listens_to_no_network_and_shows_no_file_to_others(home: Path, urls: DatabaseUrls) -> None:
    assert ask(urls.evol, "SHOW listen_addresses") == ""
    assert Path(str(sa.make_url(urls.evol).query["host"])).stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (home / "secrets").iterdir()} == {0o600}
    assert home.stat().st_mode & 0o777 == 0o700
    assert (home / "postgres").resolve().stat().st_mode & 0o777 == 0o700


def test_a_killed_server_comes_back_with_its_data(home: Path, urls: DatabaseUrls) -> None:
    ask(urls.evol, "CREATE TABLE kept (x int)", "INSERT INTO kept VALUES (7)")
    server = running_postgres(home)
    assert server is not None
    end([server], (signal.SIGKILL, 10))

    assert running_postgres(home) is None
    assert ensure_postgres(home) == urls
    assert ask(urls.evol, "SELECT x FROM kept") == 7


def test_a_dead_servers_number_that_another_program_has_by_now_is_no_obstacle(home: Path, urls: DatabaseUrls) -> None:
    server = running_postgres(home)
    assert server is not None
    end([server], (signal.SIGKILL, 10))
    cluster = locate(home)
    other = start(["sleep", "600"], {"PATH": os.defpath, MARK: str(home)}, home / "logs/other.log", cluster.user)
    pid_file = cluster.data / "postmaster.pid"
    pid_file.write_text(pid_file.read_text().replace(str(server.pid), str(other.pid), 1))

    assert ask(ensure_postgres(home).evol, "SELECT 1") == 1
    assert alive(other)


def test_two_processes_that_start_it_at_once_get_one_server(home: Path, urls: DatabaseUrls) -> None:
    stop_postgres(home)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", ENSURE, str(home)]
    both = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(2)]

    assert [process.communicate(timeout=120)[0].strip() for process in both] == [urls.evol, urls.evol]


def test_a_lost_password_is_made_anew(home: Path, urls: DatabaseUrls) -> None:
    (home / "secrets/postgres-evol").unlink()

    again = ensure_postgres(home)

    assert again.evol != urls.evol
    assert ask(again.evol, "SELECT 1") == 1


def test_stopping_leaves_no_process_and_can_be_done_twice(home: Path, urls: DatabaseUrls) -> None:
    server = running_postgres(home)
    assert server is not None

    stop_postgres(home)
    stop_postgres(home)

    assert not alive(server)


def test_a_home_with_a_long_path_works(tmp_path: Path) -> None:
    home = tmp_path / ("long" * 25) / "a home"
    try:
        assert ask(ensure_postgres(home).evol, "SELECT 1") == 1
    finally:
        remove_home(home)


def test_what_an_interrupted_start_left_is_made_whole(tmp_path: Path) -> None:
    home = tmp_path / "home"
    ensure_postgres(home)
    stop_postgres(home)
    folder = (home / "postgres").resolve()
    (folder / "data").rename(folder / "data.part")
    (folder / "data.part/PG_VERSION").unlink()
    try:
        assert ask(ensure_postgres(home).evol, "SELECT 1") == 1
    finally:
        remove_home(home)


def test_a_copy_of_the_programs_runs_apart_from_the_environment(tmp_path: Path) -> None:
    programs = copy_programs(wheel_programs(), tmp_path)

    assert copy_programs(wheel_programs(), tmp_path) == programs
    assert programs.is_relative_to(tmp_path)
    assert subprocess.run([programs / "initdb", "--version"], env={}).returncode == 0
