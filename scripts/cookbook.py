"""Write docs/cookbook.md: every example of sql/examples with its SQL and what it says on this home's real builds.

    .venv/bin/python scripts/cookbook.py demo

asks the database of EVOL_HOME as the analyst role, and the named dataset's head by DuckDB.
"""

import json
import sys
from collections.abc import Callable, Sequence
from typing import Any

from evol_core.catalogue.parquet_sql import ask_parquet
from evol_core.config import PROJECT_ROOT
from evol_core.lineage.analyst import PARQUET_EXAMPLES, Answer, Example, ask, examples
from evol_core.lineage.database import connect
from evol_core.lineage.versions import resolve
from evol_core.platform.settings import analyst_url_from_environment, settings_from_environment
from evol_core.store.objects import ObjectStore

PAGE = PROJECT_ROOT / "docs/cookbook.md"

MOST_ROWS = 12
WIDEST = 60

UNPRINTED = {"surface"}
"""It prints every column of every view: longer than the rest of the page."""


def page(spec: str, sql: Sequence[tuple[Example, Answer]], parquet: Sequence[tuple[Example, Answer]]) -> str:
    """The page's text."""
    parts = [
        HEAD,
        *(_recipe(found, answer, f"evol sql --example {found.name}") for found, answer in sql),
        PARQUET_HEAD,
        *(_recipe(found, answer, f"evol sql --duckdb {spec} --example {found.name}") for found, answer in parquet),
    ]
    return "\n".join(parts)


HEAD = """\
# SQL cookbook

Questions that analysts ask, each with its SQL and its answer. The answers are real: a build of `examples/demo.yaml`
on its first 16 seeds and again with another acceptance rule, by a model of 135 million parameters. They show what an
answer looks like; so small a build says nothing about methods.

[sql.md](sql.md) tells what the views mean and what to know before counting. This page is written by
`.venv/bin/python scripts/cookbook.py demo`; tests run every query, and hold the page's SQL against `sql/examples/`.

## In the database

PostgreSQL, as the role `evol_analyst`. Names are looked up in `analytics`, then in `lineage`.
"""

PARQUET_HEAD = """\
## In a version's Parquet

The database keeps ids, scores and the first 120 characters. A question that reads full texts, or compares all rows
with each other, goes to the version's own objects instead: DuckDB sees them as the tables `data`, `refused` and
`scores`. It reads these files alone, each held against its hash first, and writes nothing.
"""


def _recipe(found: Example, answer: Answer, command: str) -> str:
    query = found.query.partition("\n")[2].strip()
    said = "" if found.name in UNPRINTED else f"\n```\n{table(answer.rows)}\n```\n"
    return f"### {found.title}\n\n`{command}`\n\n```sql\n{query}\n```\n{said}"


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Rows as text in columns."""
    if not rows:
        return "(no rows: nothing of the kind was built here)"
    names = list(rows[0])
    cells = [names, *([_cell(row[name]) for name in names] for row in rows[:MOST_ROWS])]
    widths = [max(len(line[number]) for line in cells) for number in range(len(names))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells]
    lines.insert(1, "  ".join("-" * width for width in widths))
    more = [f"... {len(rows) - MOST_ROWS} more rows"] if len(rows) > MOST_ROWS else []
    return "\n".join([*lines, *more])


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}"
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else str(value)
    plain = "".join(c if c.isprintable() and c != "`" else " " for c in text)
    return plain if len(plain) <= WIDEST else f"{plain[: WIDEST - 3]}..."


def main(dataset: str = "demo") -> None:
    settings = settings_from_environment()
    analyst, own = connect(analyst_url_from_environment()), connect(settings.database_url)
    with own.connect() as connection:
        version = resolve(connection, dataset)
    store = ObjectStore(settings.objects)

    def answered(asked: list[Example], run: Callable[[str], Answer]) -> list[tuple[Example, Answer]]:
        return [(found, run(found.query)) for found in asked]

    sql = answered(examples(), lambda query: ask(analyst, query, limit=1000))
    parquet = answered(examples(PARQUET_EXAMPLES), lambda query: ask_parquet(store, version, query, limit=1000))
    PAGE.write_text(page(version.spec, sql, parquet), encoding="utf-8")
    print(f"{PAGE}: {len(sql)} questions in SQL, {len(parquet)} in Parquet")


if __name__ == "__main__":
    main(*sys.argv[1:])
