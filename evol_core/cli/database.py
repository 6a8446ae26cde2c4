"""The database that a command asks: reachable, and of the schema that this code is written for."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from evol_core.config import Settings
from evol_core.lineage.database import connect
from evol_core.lineage.migrate import check_schema
from evol_core.platform.settings import settings_from_environment


@contextmanager
def open_engine() -> Iterator[tuple[Settings, sa.Engine]]:
    """This machine's settings, and a pool of connections for as long as the command runs.

    Raises:
        DatabaseError: the database cannot be reached, or has another schema.
    """
    settings = settings_from_environment()
    engine = connect(settings.database_url)
    try:
        check_schema(engine)
        yield settings, engine
    finally:
        engine.dispose()


@contextmanager
def open_database() -> Iterator[tuple[Settings, sa.Connection]]:
    """The same with one connection, for a command that asks or changes a few things."""
    with open_engine() as (settings, engine), engine.connect() as connection:
        yield settings, connection
