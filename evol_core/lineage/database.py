"""The `evol` database: connections, and Postgres errors in our own words."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2
import sqlalchemy as sa
from psycopg2.extensions import cursor as Cursor
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import ExceptionContext

from evol_core.errors import ConfigError, DatabaseError, EvolError, Fenced, NotFound, RowsLost, VersionConflict

DRIVER = "postgresql+psycopg2"

_BY_STATE: dict[str, type[EvolError]] = {
    "EV001": Fenced,
    "EV002": NotFound,
    "EV003": RowsLost,
    "EV004": ConfigError,
    "40001": VersionConflict,
    "40P01": VersionConflict,
}
"""SQLSTATEs that mean something to us: our own functions' (sql/), serialization failure, deadlock."""

_UNREACHABLE = "check that it runs (`evol status`; `evol up` starts the embedded one) and that the settings name it"


def connect(url: str) -> sa.Engine:
    """A pool of connections, opened when first used.

    Raises:
        ConfigError: this is no URL of a Postgres database.
    """
    parsed = parse_url(url)
    engine = sa.create_engine(
        parsed,
        pool_pre_ping=True,
        connect_args={"connect_timeout": 10, "application_name": "evol"},
    )
    place = describe(parsed)

    @sa.event.listens_for(engine, "handle_error")
    def _in_our_words(context: ExceptionContext) -> None:
        lost = context.is_disconnect or context.connection is None
        error = None if context.is_pre_ping else translate(context.original_exception, place, lost=lost)
        if error is not None:
            raise error from context.original_exception

    return engine


def parse_url(url: str) -> URL:
    """A Postgres URL for psycopg2, whichever driver it names.

    Raises:
        ConfigError: this is no URL of a Postgres database. The message does not repeat it: it may hold a password.
    """
    form = f"write it as {DRIVER}://USER:PASSWORD@HOST:PORT/evol"
    try:
        parsed = make_url(url)
    except sa.exc.ArgumentError:
        raise ConfigError(f"the database URL cannot be read; {form}") from None
    if parsed.get_backend_name() not in {"postgresql", "postgres"}:
        raise ConfigError(f"the database URL is of {parsed.get_backend_name()!r}, wanted is PostgreSQL; {form}")
    return parsed.set(drivername=DRIVER)


def describe(url: URL) -> str:
    """A database's place, without user and password."""
    host = url.host or url.query.get("host") or "local socket"
    port = f":{url.port}" if url.port else ""
    return f"{url.database} at {host}{port}"


def translate(original: Any, place: str, *, lost: bool) -> EvolError | None:
    """A driver's error in our own words; None where the driver's says it best.

    Args:
        lost: the connection is gone, or never came about.
    """
    state = getattr(original, "pgcode", None)
    text = getattr(getattr(original, "diag", None), "message_primary", None) or str(original).strip()
    if state in _BY_STATE:
        return _BY_STATE[state](text)
    if state is not None and state.startswith("53"):
        return DatabaseError(f"database {place} is out of resources: {text}; free disk space or connections there")
    if state == "25006":
        return DatabaseError(f"database {place} takes no writes here: {text}; name one that does, and a role that may")
    if lost:
        reason = text.splitlines()[0] if text else "no reason given"
        return DatabaseError(f"database {place} cannot be reached: {reason}; {_UNREACHABLE}")
    return None


@contextmanager
def raw_cursor(connection: sa.Connection) -> Iterator[Cursor]:
    """The driver's own cursor, for COPY and files of SQL; its errors come in our words too."""
    driver: Any = connection.connection.driver_connection
    try:
        with driver.cursor() as cursor:
            yield cursor
    except psycopg2.Error as original:
        lost = bool(driver.closed)
        if lost:
            connection.invalidate(original)
        error = translate(original, describe(connection.engine.url), lost=lost)
        if error is None:
            raise
        raise error from original
