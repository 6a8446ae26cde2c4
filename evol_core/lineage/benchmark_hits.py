"""Which rows shared words with items of benchmarks, into Postgres. Runs on its caller's connection, never commits."""

from collections.abc import Mapping, Sequence

import pyarrow as pa
import sqlalchemy as sa

from evol_core.lineage.copy import constant, copy_new, storable_texts
from evol_core.lineage.publication import VersionRef


def load_benchmark_hits(connection: sa.Connection, hits: Sequence[Mapping[str, str]], version: VersionRef) -> None:
    """Hits of a version's rows: row_id, benchmark, item, words. The first of a row and an item stays."""
    if not hits:
        return
    said = {name: storable_texts(pa.array([hit[name] for hit in hits])) for name in ("benchmark", "item", "words")}
    rows = {
        "dataset_id": constant(version.dataset_id, len(hits)),
        "version": constant(version.version, len(hits)),
        "row_id": pa.array([hit["row_id"] for hit in hits]),
        **said,
    }
    key = ("dataset_id", "version", "row_id", "benchmark", "item")
    copy_new(connection, "benchmark_hit", pa.Table.from_pydict(rows), key)
