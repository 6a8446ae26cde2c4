"""The schema of the `evol` database: brought up to date, and checked before work starts.

Migrations are forward-only. Each revision runs one reviewed file of sql/; views, functions for analysts and
roles are applied anew whenever their files have changed: schema analytics is dropped with all that hangs on it.
"""

import hashlib
from pathlib import Path

import sqlalchemy as sa

from evol_core.errors import DatabaseError
from evol_core.lineage.database import connect, describe, raw_cursor

SQL = Path(__file__).parents[2] / "sql"
"""The reviewed files, in the project's own folder."""

_LOCK = 4_968_108_111
"""Of whoever migrates: an arbitrary number that nobody else uses."""

_REVISION = sa.text("SELECT version_num FROM lineage.schema_revision")


def newest_revision() -> str:
    """The schema version that this code is written for."""
    return max(path.name[:4] for path in SQL.glob("[0-9][0-9][0-9][0-9]_*.sql"))


def migrate(url: str) -> None:
    """Bring a database's schema up to date; safe when several processes do it at once, quick when it is.

    Raises:
        DatabaseError: it cannot be reached, or its schema is newer than this code.
    """
    engine = connect(url)
    try:
        with engine.begin() as connection:
            if _is_current(connection):
                return
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            connection.execute(sa.text("CREATE SCHEMA IF NOT EXISTS lineage"))
            _refuse_newer(connection)
            _upgrade(connection)
            if not _is_current(connection):
                _make_surface(connection)
    finally:
        engine.dispose()


def check_schema(engine: sa.Engine) -> None:
    """Make sure that the database has the schema that this code is written for.

    Raises:
        DatabaseError: it has another one, or none, or cannot be reached.
    """
    with engine.connect() as connection:
        found = _revision(connection)
        wanted = newest_revision()
        if found is None:
            raise DatabaseError(f"database {describe(engine.url)} holds no Evol schema yet; `evol up` brings it")
        _refuse_newer(connection)
        if found != wanted:
            raise DatabaseError(
                f"database {describe(engine.url)} has schema version {found}, this code needs {wanted}; "
                "`evol up` brings it up to date"
            )


def check_writable(engine: sa.Engine) -> None:
    """Make sure that the database has our schema and takes writes.

    Raises:
        DatabaseError: it does not, or cannot be reached.
    """
    check_schema(engine)
    with engine.connect() as connection:
        if connection.execute(sa.text("SELECT current_setting('transaction_read_only')::boolean")).scalar_one():
            raise DatabaseError(
                f"database {describe(engine.url)} takes no writes here: it is read-only or a standby; "
                "name one that does, and a role that may"
            )


def run_file(connection: sa.Connection, path: Path) -> None:
    """Run a file of SQL as it stands."""
    with raw_cursor(connection) as cursor:
        cursor.execute(path.read_text(encoding="utf-8"))


def run_revision(connection: sa.Connection, revision: str) -> None:
    """Run the one file of sql/ that a revision stands for."""
    (path,) = SQL.glob(f"{revision}_*.sql")
    run_file(connection, path)


def _revision(connection: sa.Connection) -> str | None:
    if connection.execute(sa.text("SELECT to_regclass('lineage.schema_revision')")).scalar() is None:
        return None
    found: str | None = connection.execute(_REVISION).scalar()
    return found


def _refuse_newer(connection: sa.Connection) -> None:
    found = _revision(connection)
    if found is not None and found > newest_revision():
        raise DatabaseError(
            f"database {describe(connection.engine.url)} has schema version {found}, newer than this code's "
            f"{newest_revision()}; update this installation, migrations do not go back"
        )


def _upgrade(connection: sa.Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    command.upgrade(config, "head")


def _is_current(connection: sa.Connection) -> bool:
    """Whether nothing is left to do: tables, views and roles are those of this code's files."""
    mark = connection.execute(
        sa.text("SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = 'analytics'")
    ).scalar()
    return mark is not None and _surface_hash() in mark and _revision(connection) == newest_revision()


def _make_surface(connection: sa.Connection) -> None:
    """Make the analyst surface anew. It holds nothing of its own."""
    connection.execute(sa.text("DROP SCHEMA IF EXISTS analytics CASCADE"))
    connection.execute(sa.text("CREATE SCHEMA analytics"))
    for path in _surface_files():
        run_file(connection, path)
    connection.exec_driver_sql(
        f"COMMENT ON SCHEMA analytics IS 'Documented views for analysts. Made of files {_surface_hash()}'"
    )


def _surface_files() -> list[Path]:
    return [*sorted((SQL / "views").glob("*.sql")), SQL / "roles.sql"]


def _surface_hash() -> str:
    return hashlib.sha256(b"".join(path.read_bytes() for path in _surface_files())).hexdigest()
