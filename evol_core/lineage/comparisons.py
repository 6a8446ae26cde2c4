"""Comparisons of two versions: every verdict, every paired figure, and which objects hold the judge's texts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from evol_core.lineage.copy import Column, bytea_text, constant, copy_new, storable_texts
from evol_core.lineage.registry import object_number, register_objects
from evol_core.lineage.runs import check_not_fenced
from evol_core.lineage.versions import Version
from evol_core.records import content_hash
from evol_core.store.objects import StoredObject

_FIND = sa.text("SELECT comparison_id FROM lineage.comparison WHERE content_hash = :content_hash")

_ADD = sa.text("""
    INSERT INTO lineage.comparison (content_hash, name, a_label, a_dataset_id, a_version, b_label, b_dataset_id,
        b_version, attempt_id)
    VALUES (:content_hash, :name, :a_label, :a_dataset_id, :a_version, :b_label, :b_dataset_id,
        :b_version, :attempt_id)
    ON CONFLICT (content_hash) DO NOTHING
    RETURNING comparison_id
""")

_ADD_METRIC = sa.text("""
    INSERT INTO lineage.paired_metric (comparison_id, metric, round, n, mean_a, mean_b, difference, low, high,
        a_higher, b_higher, sign_p)
    VALUES (:comparison_id, :metric, :round, :n, :mean_a, :mean_b, :difference, :low, :high,
        :a_higher, :b_higher, :sign_p)
""")

Metrics = Sequence[Mapping[str, Any]]
"""Rows of lineage.paired_metric without their comparison."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedArm:
    """One side of a comparison."""

    label: str
    version: Version


def put_comparison(
    connection: sa.Connection,
    *,
    name: str,
    attempt_id: int,
    arms: tuple[ComparedArm, ComparedArm],
    verdicts: Sequence[tuple[StoredObject, pa.Table]],
    metrics: Metrics,
) -> int:
    """A comparison's number; the same versions, verdicts and figures are the same comparison.

    Args:
        verdicts: objects of schemas.VERDICTS with their rows.

    Raises:
        Fenced: a newer attempt owns this work.
    """
    check_not_fenced(connection, attempt_id)
    a, b = arms
    row = {
        "content_hash": _content(arms, verdicts, metrics),
        "name": name,
        "a_label": a.label,
        "a_dataset_id": a.version.dataset_id,
        "a_version": a.version.version,
        "b_label": b.label,
        "b_dataset_id": b.version.dataset_id,
        "b_version": b.version.version,
        "attempt_id": attempt_id,
    }
    added = connection.execute(_ADD, row).scalar()
    if added is None:
        return int(connection.execute(_FIND, row).scalar_one())
    _load(connection, int(added), attempt_id, verdicts, metrics)
    return int(added)


def verdict_objects(connection: sa.Connection, a: Version, b: Version) -> list[str]:
    """The objects that hold the verdicts on two versions, of their newest comparison; [] of none."""
    rows = connection.execute(
        sa.text("""
            SELECT encode(f.sha256, 'hex') AS sha256
            FROM lineage.comparison_file cf JOIN lineage.object_file f USING (file_id)
            WHERE cf.comparison_id = (
                SELECT max(comparison_id) FROM lineage.comparison
                WHERE (a_dataset_id, a_version, b_dataset_id, b_version) = (:a, :a_version, :b, :b_version)
            )
            ORDER BY cf.ord
        """),
        {"a": a.dataset_id, "a_version": a.version, "b": b.dataset_id, "b_version": b.version},
    )
    return [str(row.sha256) for row in rows]


def _content(arms: Sequence[ComparedArm], verdicts: Sequence[tuple[StoredObject, pa.Table]], metrics: Metrics) -> bytes:
    said = {
        "arms": [[arm.label, arm.version.spec] for arm in arms],
        "verdicts": [stored.sha256 for stored, _ in verdicts],
        "metrics": [dict(one) for one in metrics],
    }
    return bytes.fromhex(content_hash(said))


def _load(
    connection: sa.Connection,
    comparison_id: int,
    attempt_id: int,
    verdicts: Sequence[tuple[StoredObject, pa.Table]],
    metrics: Metrics,
) -> None:
    register_objects(connection, (stored for stored, _ in verdicts), attempt_id)
    for place, (stored, table) in enumerate(verdicts):
        connection.execute(
            sa.text("INSERT INTO lineage.comparison_file VALUES (:comparison_id, :ord, :file_id)"),
            {"comparison_id": comparison_id, "ord": place, "file_id": object_number(connection, stored.sha256)},
        )
        copy_new(connection, "verdict", _verdict_rows(comparison_id, table), ("comparison_id", "ordinal", "round"))
    for one in metrics:
        connection.execute(_ADD_METRIC, {"comparison_id": comparison_id, **one})


_AS_THEY_ARE = (
    *("ordinal", "round", "seed_id", "parent_id", "a_id", "b_id"),
    *("verdict", "kind", "first", "swapped", "words_a", "words_b"),
)


def _verdict_rows(comparison_id: int, table: pa.Table) -> pa.Table:
    rows: dict[str, Column] = {"comparison_id": constant(comparison_id, table.num_rows)}
    rows |= {name: table[name] for name in _AS_THEY_ARE}
    rows |= {"reason": storable_texts(table["reason"])}
    rows |= {name: bytea_text(table[name]) for name in ("first_hash", "swapped_hash")}
    return pa.Table.from_pydict(rows)
