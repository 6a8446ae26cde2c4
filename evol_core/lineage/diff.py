"""What is different between two versions: rows, answers, scores, and why rows were refused."""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from evol_core.errors import ConfigError
from evol_core.lineage.rows_of import rows_of
from evol_core.lineage.versions import Version
from evol_core.store.objects import ObjectStore

KEY = "instruction_id"

ANSWERS = ("response_id", "chosen_id", "rejected_id")
"""Columns that tell which answers a row has, as far as its kind of dataset has any."""

PAIR = "pair"
"""A row with its answers."""

SCORE = "score_"
"""A score's column is named after its metric."""


def diff_versions(connection: sa.Connection, store: ObjectStore, old: Version, new: Version) -> dict[str, Any]:
    """Compare two versions by the ids of their rows.

    Returns:
        `added`, `removed`, `kept` (rows by instruction), `answered_anew` (kept rows with another answer), `scores` (a
        line a metric that both have: how many kept pairs have another value, and both means over them), `operators`
        and `reasons` (counts in both versions).

    Raises:
        ConfigError: one holds seeds and the other does not.
        NotFound: an object is not there.
        ObjectDamaged: an object is damaged.
    """
    if old.kind != new.kind:
        raise ConfigError(f"{old.spec} is of kind {old.kind!r}, {new.spec} of {new.kind!r}; compare two of one kind")
    before, after = _rows(store, old), _rows(store, new)
    added, removed = _without(after, before, KEY), _without(before, after, KEY)
    anew = _without(_without(after, before, PAIR), added, KEY)
    pairs = _joined(before, after)
    return {
        "old": old.spec,
        "new": new.spec,
        "added": added.num_rows,
        "removed": removed.num_rows,
        "kept": after.num_rows - added.num_rows,
        "answered_anew": anew.num_rows,
        "scores": [_score_change(pairs, name) for name in before.column_names if _is_in_both(name, pairs)],
        "operators": _counts(connection, _OPERATORS, old, new),
        "reasons": _counts(connection, _REASONS, old, new),
        "added_rows": added[KEY].to_pylist(),
        "removed_rows": removed[KEY].to_pylist(),
    }


def _rows(store: ObjectStore, version: Version) -> pa.Table:
    """Ids and scores of a version's rows."""
    tables = [_ids_and_scores(store.read(stored.sha256), version) for stored in version.data]
    if not tables:
        return pa.table({KEY: pa.array([], pa.string()), PAIR: pa.array([], pa.string())})
    return pa.concat_tables(tables)


def _ids_and_scores(table: pa.Table, version: Version) -> pa.Table:
    if KEY not in table.column_names:
        raise ConfigError(f"the rows of {version.spec} have no {KEY}; columns: {table.column_names}")
    joined: list[Any] = [table[KEY], *(table[name] for name in ANSWERS if name in table.column_names), "/"]
    table = table.append_column(PAIR, pc.binary_join_element_wise(*joined, null_handling="replace"))
    return table.select([KEY, PAIR, *(name for name in table.column_names if name.startswith(SCORE))])


def _without(rows: pa.Table, others: pa.Table, column: str) -> pa.Table:
    return rows.filter(pc.invert(pc.is_in(rows[column], value_set=others[column].combine_chunks())))


def _joined(before: pa.Table, after: pa.Table) -> pa.Table:
    """Rows that both have with the same answer; the old scores under `old_`."""
    scores = [name for name in before.column_names if name.startswith(SCORE)]
    old = before.select([PAIR, *scores]).rename_columns([PAIR, *(f"old_{name}" for name in scores)])
    return after.join(old, keys=[PAIR], join_type="inner")


def _is_in_both(name: str, pairs: pa.Table) -> bool:
    return name.startswith(SCORE) and {name, f"old_{name}"} <= set(pairs.column_names)


def _score_change(pairs: pa.Table, name: str) -> dict[str, Any]:
    """How a metric changed over the pairs that both versions have. A null that became a number is a change."""
    old, new = pairs[f"old_{name}"], pairs[name]
    return {
        "metric": name.removeprefix(SCORE),
        "pairs": pairs.num_rows,
        "changed": sum(before != after for before, after in zip(old.to_pylist(), new.to_pylist(), strict=True)),
        "old_mean": pc.mean(old).as_py(),
        "new_mean": pc.mean(new).as_py(),
    }


def _counts(connection: sa.Connection, query: str, old: Version, new: Version) -> list[dict[str, Any]]:
    return rows_of(
        connection,
        query,
        old_dataset=old.dataset_id,
        old_version=old.version,
        new_dataset=new.dataset_id,
        new_version=new.version,
    )


_OF = """
    count(*) FILTER (WHERE (o.dataset_id, o.version) = (:old_dataset, :old_version)) AS old,
    count(*) FILTER (WHERE (o.dataset_id, o.version) = (:new_dataset, :new_version)) AS new
    FROM lineage.outcome o LEFT JOIN lineage.step s USING (step_id)
    WHERE (o.dataset_id, o.version) IN ((:old_dataset, :old_version), (:new_dataset, :new_version))
"""

_OPERATORS = f"SELECT s.operator, o.status::text, {_OF} GROUP BY s.operator, o.status ORDER BY s.operator, o.status"

_REASONS = (
    f"SELECT o.stage, o.status::text, o.reason, {_OF} AND o.status <> 'accepted' "
    "GROUP BY o.stage, o.status, o.reason ORDER BY o.stage, o.status, o.reason"
)
