"""How fast rows go into the lineage and questions come out of it.

    .venv/bin/python -m bench.lineage [--instructions 1000000] [--scores 3000000] [--edges 10000000]

Loads: the loads that a publication uses, beside a bare COPY of the same CSV into a table with the same key, in the
same run; then all once more, which must add no row. Goals: 40,000 instructions/s and 50,000 scores/s.
Graph: eleven layers, each row evolved from a random one of the layer before. Goals: all ancestors of a row of the
last layer, p99 under 10 ms; all descendants of 1,000 rows of the first, under 0.5 s.
"""

import argparse
import os
import random
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from bench.scratch import Clock, counts, home_with_database, ids, new_attempt, new_step, pieces, pool, texts
from evol_core.lineage.copy import _csv, storable_texts
from evol_core.lineage.database import raw_cursor
from evol_core.lineage.load import load_scores
from evol_core.lineage.outcomes import load_instructions
from evol_core.schemas import SCORES

LOAD_ROWS = 65_536
METRICS = ("ifd", "length_words", "difficulty_score")
LAYERS = 10
QUESTIONS = 1_000

Load = Callable[[sa.Connection, pa.Table], object]


def instructions(n_rows: int) -> pa.Table:
    return pa.table(
        {
            "instruction_id": ids("instruction", n_rows),
            "instruction": texts(n_rows, 200),
            "input": pa.repeat("", n_rows),
        }
    )


def scores(n_rows: int) -> pa.Table:
    subjects = ids("response", -(-n_rows // len(METRICS)))
    n_each = len(subjects)
    columns: dict[str, Any] = {
        "subject_id": subjects * len(METRICS),
        "metric": [metric for metric in METRICS for _ in range(n_each)],
        "value": pa.array([row % 997 / 997 for row in range(n_each * len(METRICS))], pa.float64()),
    }
    columns |= {name: pa.repeat("", n_each * len(METRICS)) for name in ("reason", "label", "scorer", "revision")}
    return pa.table(columns).cast(SCORES)


def load_all(engine: sa.Engine, table: pa.Table, load: Load) -> float:
    """Rows a second of a load in one transaction, as a publication does it."""
    with Clock() as clock, engine.begin() as connection:
        for piece in pieces(table, LOAD_ROWS):
            load(connection, piece)
    return table.num_rows / clock.seconds


def bare_copy(engine: sa.Engine, create: str, table: pa.Table) -> float:
    """Rows a second of COPY alone, into a table with a primary key."""
    with engine.begin() as connection, raw_cursor(connection) as cursor:
        cursor.execute(create)
        with Clock() as clock:
            for piece in pieces(table, LOAD_ROWS):
                cursor.copy_expert("COPY bare FROM STDIN (FORMAT csv)", _csv(piece))
        cursor.execute("DROP TABLE bare")
    return table.num_rows / clock.seconds


def measure_load(engine: sa.Engine, name: str, table: pa.Table, load: Load, floor: float, goal: int) -> bool:
    first = load_all(engine, table, load)
    there = counts(engine, [name])[name]
    again = load_all(engine, table, load)
    added = counts(engine, [name])[name] - there
    print(
        f"{name:12} {there:,} rows: {first:,.0f} rows/s (goal: {goal:,}), {first / floor:.2f} of a bare COPY "
        f"({floor:,.0f} rows/s); again: {again:,.0f} rows/s, {added} rows added (goal: 0)"
    )
    assert there == table.num_rows, f"{table.num_rows} rows in, {there} there"
    return first >= goal and added == 0


def measure_loads(engine: sa.Engine, n_instructions: int, n_scores: int) -> bool:
    attempt_id = new_attempt(engine)
    table = instructions(n_instructions)
    columns: dict[str, Any] = {
        "id": table["instruction_id"],
        "n": pa.repeat(200, table.num_rows),
        "head": storable_texts(table["instruction"]),
    }
    head = pa.table(columns)
    floor = bare_copy(engine, "CREATE TABLE bare (id uuid PRIMARY KEY, n int, head text)", head)
    held = measure_load(engine, "instruction", table, load_instructions, floor, 40_000)
    table = scores(n_scores)
    plain = table.select(["subject_id", "metric", "value", "label", "reason"])
    create = "CREATE TABLE bare (id uuid, metric text, value float8, label text, reason text, PRIMARY KEY (id, metric))"
    floor = bare_copy(engine, create, plain)

    def load(connection: sa.Connection, piece: pa.Table) -> None:
        load_scores(connection, piece, attempt_id=attempt_id)

    return measure_load(engine, "score", table, load, floor, 50_000) and held


_EDGES = """
    INSERT INTO lineage.derivation (child_id, parent_id, step_id)
    SELECT md5(:layer || ' ' || n)::uuid, md5((:layer - 1) || ' ' || floor(random() * :width)::int)::uuid, :step_id
    FROM generate_series(0, :width - 1) n
"""


def make_graph(engine: sa.Engine, width: int) -> None:
    """LAYERS layers of edges; indexes are made afterwards, which only makes the making faster."""
    step_id = new_step(engine, new_attempt(engine))
    with engine.begin() as connection:
        connection.execute(sa.text("SELECT setseed(0.5)"))
        connection.execute(sa.text("ALTER TABLE lineage.derivation DROP CONSTRAINT derivation_pkey"))
        connection.execute(sa.text("DROP INDEX lineage.derivation_down"))
        for layer in range(1, LAYERS + 1):
            connection.execute(sa.text(_EDGES), {"layer": layer, "width": width, "step_id": step_id})
        connection.execute(sa.text("ALTER TABLE lineage.derivation ADD PRIMARY KEY (child_id, parent_id, step_id)"))
        connection.execute(
            sa.text("CREATE INDEX derivation_down ON lineage.derivation (parent_id) INCLUDE (child_id, step_id)")
        )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("VACUUM ANALYZE lineage.derivation"))


def measure_graph(engine: sa.Engine, width: int) -> bool:
    draw = random.Random(1)
    ancestors = sa.text(f"SELECT count(*) FROM analytics.ancestors(md5('{LAYERS} ' || :n)::uuid)")
    descendants = sa.text(
        "SELECT count(*) FROM analytics.descendants(ARRAY(SELECT md5('0 ' || n)::uuid FROM unnest(:seeds) n))"
    )
    milliseconds = []
    with engine.connect() as connection:
        for _ in range(QUESTIONS):
            began = time.perf_counter()
            found = connection.execute(ancestors, {"n": draw.randrange(width)}).scalar_one()
            milliseconds.append(1000 * (time.perf_counter() - began))
            assert found == LAYERS + 1, f"{found - 1} ancestors, made were {LAYERS}"
        with Clock() as clock:
            seeds = draw.sample(range(width), min(1_000, width))
            n_found = connection.execute(descendants, {"seeds": seeds}).scalar_one()
    cuts = statistics.quantiles(milliseconds, n=100)
    print(
        f"ancestors at depth {LAYERS} among {LAYERS * width:,} edges: p50 {cuts[49]:.1f} ms, p99 {cuts[98]:.1f} ms "
        f"(goal: 10 ms); descendants of {len(seeds):,} seeds, {n_found:,} rows: {clock.seconds:.2f} s (goal: 0.5 s)"
    )
    return cuts[98] < 10 and clock.seconds < 0.5


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--instructions", type=int, default=1_000_000)
    parser.add_argument("--scores", type=int, default=3_000_000)
    parser.add_argument("--edges", type=int, default=10_000_000)
    options = parser.parse_args()
    with home_with_database() as (_, url), pool(url) as engine:
        print(f"load average before: {os.getloadavg()[0]:.1f}")
        held = measure_loads(engine, options.instructions, options.scores)
        with Clock() as clock:
            make_graph(engine, options.edges // LAYERS)
        print(f"{options.edges:,} edges made in {clock.seconds:.0f} s", flush=True)
        return 0 if measure_graph(engine, options.edges // LAYERS) and held else 1


if __name__ == "__main__":
    sys.exit(main())
