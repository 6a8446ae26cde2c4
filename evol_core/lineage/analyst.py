"""SQL as an analyst asks it: read only, with a time limit; and examples to begin with."""

from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

import psycopg2
import sqlalchemy as sa

from evol_core.errors import NotFound, QueryError
from evol_core.lineage.database import raw_cursor
from evol_core.lineage.migrate import SQL
from evol_core.lineage.rows_of import plain

EXAMPLES = SQL / "examples"

PARQUET_EXAMPLES = EXAMPLES / "parquet"
"""Queries for DuckDB over a version's objects."""

TIMEOUT = "60s"
"""For one query."""


class Answer(NamedTuple):
    """A query's rows, as far as they were asked for."""

    rows: list[dict[str, Any]]
    is_complete: bool


class Example(NamedTuple):
    """A query that analysts begin with."""

    name: str
    title: str
    query: str


def ask(engine: sa.Engine, query: str, *, limit: int) -> Answer:
    """Run an analyst's query; a name without schema is looked up in analytics, then in lineage.

    Args:
        limit: rows to bring at most.

    Raises:
        QueryError: Postgres cannot run it, or it takes too long.
        DatabaseError: the database cannot be reached.
    """
    with engine.connect().execution_options(postgresql_readonly=True) as connection:
        connection.execute(sa.text("SET LOCAL search_path = analytics, lineage"))
        connection.execute(sa.text(f"SET LOCAL statement_timeout = '{TIMEOUT}'"))
        try:
            with raw_cursor(connection) as cursor:
                cursor.execute(query)
                names = [column.name for column in cursor.description or ()]
                found = cursor.fetchmany(limit + 1) if names else []
        except psycopg2.Error as error:
            raise QueryError(_said(error)) from error
    rows = [dict(zip(distinct_names(names), map(plain, row), strict=True)) for row in found[:limit]]
    return Answer(rows, len(found) <= limit)


def examples(folder: Path = EXAMPLES) -> list[Example]:
    """All examples of a folder, by name; a file's first comment is its title."""
    found = []
    for path in sorted(folder.glob("*.sql")):
        query = path.read_text(encoding="utf-8")
        found.append(Example(path.stem, query.partition("\n")[0].removeprefix("-- "), query))
    return found


def example(name: str, folder: Path = EXAMPLES) -> Example:
    """One example of a folder.

    Raises:
        NotFound: there is none of that name; the message names those that are near.
    """
    known = {found.name: found for found in examples(folder)}
    if name not in known:
        near = get_close_matches(name, known, n=3) or sorted(known)
        raise NotFound(f"there is no example {name!r}; try {' or '.join(near)}; `evol sql` lists all")
    return known[name]


def distinct_names(names: list[str]) -> list[str]:
    """Column names with a number where one comes again, so that none is lost."""
    seen: dict[str, int] = {}
    for name in names:
        seen[name] = seen.get(name, 0) + 1
    if len(seen) == len(names):
        return names
    return [f"{name}_{place}" if seen[name] > 1 else name for place, name in enumerate(names, start=1)]


def _said(error: psycopg2.Error) -> str:
    """What Postgres says, with its hint; the place in the query as it shows it."""
    text = str(error).strip()
    if error.pgcode == "57014":
        text = f"the query took longer than {TIMEOUT}; narrow it down, for example to one dataset and version"
    if error.pgcode in {"42P01", "42703"}:
        text += "\n`evol sql --example surface` lists the views and their columns"
    return text
