"""The embedded PostgreSQL: one cluster a home, with the databases `airflow` and `evol` and a role for each reader.

Everybody gives a password, over a Unix socket; nobody is trusted for being on the machine.
"""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection
from psycopg2.extensions import encrypt_password

from evol_core.errors import PlatformError
from evol_core.platform.postgres_cluster import (
    SUPERUSER,
    Cluster,
    create,
    locate,
    postmaster,
    start_server,
)
from evol_core.platform.private_files import locked, secret
from evol_core.platform.processes import Process, alive, end

DATABASES = ("airflow", "evol")
ROLES = {"airflow": "airflow", "evol": "evol", "evol_analyst": "evol"}
"""The roles that log in, and the one database that each may enter. `airflow` and `evol` own theirs."""

START_TIMEOUT_S = 120
"""Enough for a cluster that was killed under load to replay its log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseUrls:
    """SQLAlchemy URLs. They hold passwords: never print or log them."""

    airflow: str
    evol: str
    analyst: str
    """The `evol` database as a role that can only read."""


def ensure_postgres(home: Path) -> DatabaseUrls:
    """The running embedded server, made and started where needed. Safe to call again, and from two processes.

    Raises:
        PlatformError: it cannot be made or started; the message names the log.
    """
    with locked(home / "locks/postgres"):
        cluster = locate(home)
        passwords = {role: secret(home, f"postgres-{role}") for role in (SUPERUSER, *ROLES)}
        if not cluster.data.exists():
            create(cluster, passwords[SUPERUSER])
        if not _answers(cluster, passwords):
            _start(cluster, passwords[SUPERUSER])
            _make_roles_and_databases(cluster, passwords)
    return DatabaseUrls(
        airflow=_url(cluster, "airflow", passwords["airflow"], "airflow"),
        evol=_url(cluster, "evol", passwords["evol"], "evol"),
        analyst=_url(cluster, "evol_analyst", passwords["evol_analyst"], "evol"),
    )


def superuser_url(home: Path) -> str:
    """The embedded server as its superuser, for tests and repairs; `{}` stands for the database's name."""
    ensure_postgres(home)
    cluster = locate(home)
    return _url(cluster, SUPERUSER, secret(home, f"postgres-{SUPERUSER}"), "{}")


def stop_postgres(home: Path) -> None:
    """End the server and close its files in order; nothing where none runs."""
    if not (home / "postgres").exists():
        return
    with locked(home / "locks/postgres"):
        if server := postmaster(locate(home)):
            end([server], (signal.SIGINT, 60), (signal.SIGQUIT, 10), (signal.SIGKILL, 5))


def running_postgres(home: Path) -> Process | None:
    """The server's first process, where it is alive."""
    return postmaster(locate(home)) if (home / "postgres").exists() else None


def _answers(cluster: Cluster, passwords: dict[str, str]) -> bool:
    """Whether every role gets into its database."""
    if postmaster(cluster) is None:
        return False
    try:
        for role, database in ROLES.items():
            _connect(cluster, role, passwords[role], database).close()
    except psycopg2.OperationalError:
        return False
    return True


def _start(cluster: Cluster, password: str) -> None:
    server = postmaster(cluster) or start_server(cluster)
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            return _connect(cluster, SUPERUSER, password, "postgres").close()
        except psycopg2.OperationalError as error:
            if time.monotonic() > deadline:
                raise PlatformError(f"PostgreSQL does not answer ({error}); its log: {cluster.log}") from error
        if not alive(server):  # what a killed server left behind may take a moment to let go of its memory
            server = start_server(cluster)
        time.sleep(0.1)


def _make_roles_and_databases(cluster: Cluster, passwords: dict[str, str]) -> None:
    """Bring roles, passwords, databases and who may enter them to what they should be."""
    with _superuser(cluster, passwords[SUPERUSER]) as connection, connection.cursor() as cursor:
        for role in ROLES:
            verifier = encrypt_password(passwords[role], role, connection, "scram-sha-256")
            if not _exists(cursor, "pg_roles", "rolname", role):
                cursor.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)))
            cursor.execute(sql.SQL("ALTER ROLE {} LOGIN PASSWORD %s").format(sql.Identifier(role)), (verifier,))
        cursor.execute("ALTER ROLE evol_analyst SET default_transaction_read_only = on")
        cursor.execute("ALTER ROLE evol_analyst SET statement_timeout = '60s'")
        for name in DATABASES:
            if not _exists(cursor, "pg_database", "datname", name):
                cursor.execute(sql.SQL("CREATE DATABASE {0} OWNER {0}").format(sql.Identifier(name)))
        for name in ("postgres", "template1", *DATABASES):
            cursor.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name)))
        cursor.execute("GRANT CONNECT ON DATABASE evol TO evol_analyst")


def _exists(cursor: psycopg2.extensions.cursor, table: str, column: str, name: str) -> bool:
    query = sql.SQL("SELECT 1 FROM {} WHERE {} = %s").format(sql.Identifier(table), sql.Identifier(column))
    cursor.execute(query, (name,))
    return cursor.fetchone() is not None


@contextmanager
def _superuser(cluster: Cluster, password: str) -> Iterator[Connection]:
    connection = _connect(cluster, SUPERUSER, password, "postgres")
    connection.autocommit = True
    try:
        yield connection
    finally:
        connection.close()


def _connect(cluster: Cluster, role: str, password: str, database: str) -> Connection:
    return psycopg2.connect(
        host=str(cluster.sockets), port=5432, user=role, password=password, dbname=database, connect_timeout=10
    )


def _url(cluster: Cluster, role: str, password: str, database: str) -> str:
    folder = quote(os.fspath(cluster.sockets), safe="/")
    return f"postgresql+psycopg2://{role}:{password}@/{database}?host={folder}"
