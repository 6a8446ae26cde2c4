"""A real PostgreSQL for a test session, and a fresh database of it for each test."""

import itertools
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg2
import pytest
import sqlalchemy as sa

from evol_core.lineage.database import connect
from evol_core.lineage.migrate import migrate
from tests.integration.platform_homes import remove_home

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a server of this session's own, without a database's name: add one to the path."""
    from evol_core.platform.postgres import superuser_url

    home = Path(tempfile.mkdtemp(prefix="evol-pg-"))
    url = superuser_url(home)
    _administer(url, "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
    yield url
    remove_home(home)


@pytest.fixture(scope="session")
def template_database(postgres_server: str) -> str:
    """A migrated database that others are copied from."""
    return _create(postgres_server, migrated=True)


@pytest.fixture
def empty_database_url(postgres_server: str) -> str:
    """A database without any schema of ours."""
    return postgres_server.format(_create(postgres_server))


@pytest.fixture(scope="session")
def new_database(postgres_server: str, template_database: str) -> Callable[[], str]:
    """Makes another database with the newest schema, and tells its URL."""
    return lambda: postgres_server.format(_create(postgres_server, template=template_database))


@pytest.fixture
def database_url(new_database: Callable[[], str]) -> str:
    """A database of this test's own, with the newest schema."""
    return new_database()


@pytest.fixture
def database(database_url: str) -> Iterator[sa.Engine]:
    """A pool of connections to this test's own database."""
    engine = connect(database_url)
    yield engine
    engine.dispose()


def _create(server: str, *, template: str = "template0", migrated: bool = False) -> str:
    name = f"evol_test_{next(_numbers)}"
    _administer(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    if migrated:
        migrate(server.format(name))
    return name


def _administer(server: str, *commands: str) -> None:
    place = sa.make_url(server.format("postgres"))
    connection = psycopg2.connect(
        host=place.query["host"], user=place.username, password=place.password, dbname=place.database
    )
    connection.autocommit = True
    with connection.cursor() as cursor:
        for command in commands:
            cursor.execute(command)
    connection.close()
