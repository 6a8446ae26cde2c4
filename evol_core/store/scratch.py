"""Rows that are too many to hold, on disk: private to their process, and gone when it is done with them or dies."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

from evol_core.errors import StoreError


@contextmanager
def scratch_database(tables: str = "") -> Iterator[sqlite3.Connection]:
    """An empty database with these tables.

    What is little stays in memory. The rest goes into a file without a name in the folder that TMPDIR says, or else
    in /var/tmp or /tmp.

    Raises:
        StoreError: that folder takes no more.
    """
    try:
        with closing(sqlite3.connect("", isolation_level=None)) as database:
            database.executescript(tables)
            database.execute("BEGIN")
            yield database
    except sqlite3.OperationalError as error:
        raise StoreError(
            f"rows cannot be kept in a temporary file: {error}; free space for temporary files, or let TMPDIR name a "
            "folder that has it; the same command then goes on"
        ) from error


class Seen:
    """A set of keys in a scratch database."""

    def __init__(self, database: sqlite3.Connection, name: str) -> None:
        """`name` is a table's, and no other table's there."""
        database.execute(f"CREATE TABLE {name} (key TEXT PRIMARY KEY) WITHOUT ROWID")
        self._add = f"INSERT OR IGNORE INTO {name} VALUES (?)"
        self._database = database

    def add(self, key: str) -> bool:
        """Whether the key is new."""
        return self._database.execute(self._add, (key,)).rowcount == 1
