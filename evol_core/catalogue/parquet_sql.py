"""SQL over a version's own Parquet objects, by DuckDB: for questions that need full texts or all rows at once.

The tables are `data`, `refused` and `scores`, each made of the version's resolved list of objects and nothing else.
A query reads these files alone: it writes nothing, opens no other file and no network, and may not change that.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb

from evol_core.errors import QueryError
from evol_core.lineage.analyst import Answer, distinct_names
from evol_core.lineage.rows_of import plain
from evol_core.lineage.versions import Version
from evol_core.store.objects import ObjectStore, StoredObject

TIMEOUT_S = 60.0
"""For one query."""

TABLES = ("data", "refused", "scores")


def ask_parquet(
    store: ObjectStore, version: Version, query: str, *, limit: int, timeout_s: float = TIMEOUT_S
) -> Answer:
    """Run a query on a version's objects, each of which is held against its hash first.

    Args:
        limit: rows to bring at most.

    Raises:
        NotFound: an object is not in the store.
        ObjectDamaged: an object's bytes are not those that its name promises.
        QueryError: DuckDB cannot run the query, or it takes too long.
    """
    _check_reads_only(query)
    for stored in version.objects:
        store.verify(stored.sha256)
    with _opened(store, version) as connection:
        timer = threading.Timer(timeout_s, connection.interrupt)
        timer.start()
        try:
            result = connection.execute(query)
            names = [column[0] for column in result.description or ()]
            found = result.fetchmany(limit + 1)
        except duckdb.InterruptException:
            raise QueryError(f"the query took longer than {timeout_s:g} s; narrow it down") from None
        except duckdb.Error as error:
            raise QueryError(f"{error}\nTables of {version.spec}: {', '.join(TABLES)}") from None
        finally:
            timer.cancel()
    rows = [dict(zip(distinct_names(names), map(plain, row), strict=True)) for row in found[:limit]]
    return Answer(rows, len(found) <= limit)


def _check_reads_only(query: str) -> None:
    """DuckDB may write to a file that it may read, so a query must be one that only reads."""
    try:
        kinds = [statement.type for statement in duckdb.extract_statements(query)]
    except duckdb.Error as error:
        raise QueryError(str(error)) from None
    if kinds != [duckdb.StatementType.SELECT]:
        found = ", ".join(kind.name for kind in kinds) or "nothing"
        raise QueryError(f"a question to a version is one SELECT, got {found}; its tables: {', '.join(TABLES)}")


@contextmanager
def _opened(store: ObjectStore, version: Version) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in memory with the version's tables, closed to everything else."""
    files = [str(store.path(stored.sha256)) for stored in version.objects]
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"SET allowed_paths = {_list(files)}")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        for table, objects in zip(TABLES, (version.data, version.refused, version.scores), strict=True):
            if paths := _paths(store, objects):
                connection.execute(f"CREATE VIEW {table} AS SELECT * FROM read_parquet({_list(paths)})")
        yield connection


def _paths(store: ObjectStore, objects: Sequence[StoredObject]) -> list[Path]:
    return [store.path(stored.sha256) for stored in objects]


def _list(items: Sequence[object]) -> str:
    """Texts as a list in SQL."""
    quoted = ("'" + str(item).replace("'", "''") + "'" for item in items)
    return f"[{', '.join(quoted)}]"
