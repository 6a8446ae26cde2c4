"""How much the object store costs beside a bare Parquet write, and what a whole publication costs on top.

    .venv/bin/python -m bench.store [--rows 1000000] [--publish-rows 100000] [--turns 2]

Bare: `pyarrow.parquet.write_table` of the same part in the same form (zstd, page checksums), fsync, SHA-256 of the
file. Ours: `ObjectStore.write` of the same part: the same, and a staging name, a rename, the folder's fsync.
Parts take turns. The goal: at most 1.3 times as long, by the clock.

A publication also tells Postgres of every row (instructions, edges, responses, outcomes, scores, where each row
lies), which a bare write does not: it is timed by itself, with the part of it that makes the version's figures.
"""

import argparse
import hashlib
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from bench.scratch import Clock, home_with_database, ids, new_attempt, new_step, pieces, pool, texts
from evol_core.lineage.load import load_data_rows, load_evolved, load_scores
from evol_core.lineage.publish import Counts, Publication, VersionRef, publish
from evol_core.runner import PART_ROWS
from evol_core.schemas import EVOLVED, SCORES, dataset_schema
from evol_core.store.objects import ObjectStore

GOAL = 1.3
METRICS = ("ifd", "length_words", "difficulty_score")
LOAD_ROWS = 16_384


def rows(n_rows: int) -> pa.Table:
    """Rows of a dataset, about 700 bytes of text each."""
    instruction_ids = ids("instruction", n_rows)
    columns: dict[str, Any] = {
        "ordinal": pa.array(range(n_rows), pa.int64()),
        "round": pa.repeat(0, n_rows),
        "operator": pa.repeat("deepen", n_rows),
        "instruction_id": instruction_ids,
        "response_id": ids("response", n_rows),
        "seed_id": ids("seed", n_rows),
        "parent_id": ids("seed", n_rows),
        "instruction": texts(n_rows, 200),
        "input": pa.repeat("", n_rows),
        "output": texts(n_rows, 230),
        "evolve_hash": [text.replace("-", "") * 2 for text in instruction_ids],
        "respond_hash": [text.replace("-", "")[::-1] * 2 for text in instruction_ids],
    }
    return pa.table(columns, schema=dataset_schema(()))


def bare(part: pa.Table, folder: Path) -> None:
    path = folder / f"{os.urandom(8).hex()}.parquet"
    pq.write_table(part, path, compression="zstd", write_page_checksum=True, row_group_size=8192)
    with path.open("rb") as file:
        os.fsync(file.fileno())
        hashlib.file_digest(file, "sha256").hexdigest()


def measure_writes(table: pa.Table, turns: int) -> float:
    """Our time over the bare one's; each turn writes into new folders."""
    clocks = {"bare": Clock(), "ours": Clock()}
    for turn in range(turns):
        with tempfile.TemporaryDirectory(prefix="evol-bench-") as folder:
            store, aside = ObjectStore(Path(folder, "objects")), Path(folder, "bare")
            aside.mkdir()
            for number, part in enumerate(pieces(table, PART_ROWS)):
                for side in ("bare", "ours") if (number + turn) % 2 else ("ours", "bare"):
                    with clocks[side]:
                        bare(part, aside) if side == "bare" else store.put(part)
    for name, clock in clocks.items():
        speed = turns * table.num_rows / clock.seconds
        print(f"write {name:5} {clock.seconds:7.2f} s {speed:10,.0f} rows/s {clock.cpu_seconds:7.2f} CPU s")
    print(f"ours / bare by CPU time: {clocks['ours'].cpu_seconds / clocks['bare'].cpu_seconds:.2f}")
    return clocks["ours"].seconds / clocks["bare"].seconds


def evolved(table: pa.Table) -> pa.Table:
    """The evolutions behind these rows, all accepted."""
    n_rows = table.num_rows
    columns: dict[str, Any] = {
        "parent_instruction": pa.repeat("seed", n_rows),
        "parent_input": pa.repeat("", n_rows),
        "status": pa.repeat("accepted", n_rows),
        "reason": pa.repeat("", n_rows),
        "response": table["output"],
    }
    columns = {name: columns[name] if name in columns else table[name] for name in EVOLVED.names}
    return pa.table(columns).cast(EVOLVED)


def scores(table: pa.Table) -> pa.Table:
    """A score of every metric for every row."""
    n_rows = table.num_rows
    columns: dict[str, Any] = {
        "subject_id": table["response_id"],
        "value": pa.array([row % 997 / 997 for row in range(n_rows)], pa.float64()),
        **{name: pa.repeat("", n_rows) for name in ("reason", "label", "scorer", "revision")},
    }
    each = [{name: columns.get(name, pa.repeat(metric, n_rows)) for name in SCORES.names} for metric in METRICS]
    return pa.concat_tables(pa.table(one).cast(SCORES) for one in each)


def measure_publication(n_rows: int) -> None:
    """Seconds of a whole publication, in its parts."""
    table = rows(n_rows)
    scored = scores(table)
    load_clock, figures, whole = Clock(), Clock(), Clock()
    with home_with_database() as (home, url), pool(url) as engine:
        attempt_id, store = new_attempt(engine), ObjectStore(home / "objects")
        step_id = new_step(engine, attempt_id)
        with whole:
            data = tuple(store.put(part) for part in pieces(table, PART_ROWS))
            score_objects = tuple(store.put(part) for part in pieces(scored, PART_ROWS))

            def load(connection: sa.Connection, version: VersionRef) -> None:
                with load_clock:
                    for piece in pieces(evolved(table), LOAD_ROWS):
                        load_evolved(connection, piece, version=version, steps={(0, "deepen"): (step_id, step_id)})
                    for piece in pieces(scored, LOAD_ROWS):
                        load_scores(connection, piece, attempt_id=attempt_id)
                    for stored in data:
                        load_data_rows(connection, stored, store.read(stored.sha256, ["instruction_id"]))

            published = publish(engine, _publication(data, score_objects, n_rows), attempt_id=attempt_id, load=load)
        with figures, engine.begin() as connection:
            connection.execute(sa.text("SELECT lineage.summarise_scores(dataset_id, 1) FROM lineage.dataset"))
    assert published.version == 1
    print(
        f"publication of {n_rows:,} rows with {scored.num_rows:,} scores: {whole.seconds:.1f} s, of which rows into "
        f"Postgres {load_clock.seconds:.1f} s; the version's figures alone {figures.seconds:.2f} s"
    )


def _publication(data: Any, score_objects: Any, n_rows: int) -> Publication:
    return Publication(
        name="bench",
        kind="dataset",
        recipe_hash="0",
        code_version="0",
        parents=(),
        data=data,
        refused=(),
        scores=score_objects,
        counts=Counts(n_in=n_rows, accepted=n_rows, rejected=0, failed=0),
        gates=(),
        metadata={},
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--publish-rows", type=int, default=100_000)
    parser.add_argument("--turns", type=int, default=2)
    options = parser.parse_args()
    table = rows(options.rows)
    print(f"{table.num_rows:,} rows of {table.nbytes / table.num_rows:.0f} bytes, load {os.getloadavg()[0]:.1f}")
    ratio = measure_writes(table, options.turns)
    print(f"ours / bare: {ratio:.2f} (goal: at most {GOAL})")
    del table
    if options.publish_rows:
        measure_publication(options.publish_rows)
    return 0 if ratio <= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
