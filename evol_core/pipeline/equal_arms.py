"""Two arms brought to one size: rows of a version or of a plain file, by what they were evolved from."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from evol_core.errors import InputError, NotFound
from evol_core.evolve.auto.equalise import equalise
from evol_core.lineage.versions import Version
from evol_core.records import content_hash
from evol_core.store.objects import ObjectStore
from evol_core.store.plain_rows import PlainRows, pair_of, read_rows

PARENTS = (("seed_id", "round"), ("parent_id",), ("parent",))
"""Columns that say what a row was evolved from; the first that both arms have. In later rounds the arms' parents are
different texts as a rule, and what pairs them is the seed and the round, as in a comparison."""

IDS = ("response_id", "instruction_id", "id")


@dataclass(frozen=True, kw_only=True)
class ArmRows:
    """One arm as it was given."""

    label: str
    """NAME@V, or the file's path."""

    ending: str
    """Of the file that it is written to."""

    rows: PlainRows


@dataclass(frozen=True, kw_only=True)
class Equalised:
    """The kept rows of both arms, by their numbers from 0, in their order."""

    a: list[int]
    b: list[int]
    by: tuple[str, ...]
    """The columns that pair rows."""

    paired: int
    """Kept rows of the smaller arm that have a kept row of the same parent in the other, one each."""


def file_rows(path: Path) -> ArmRows:
    """
    Raises:
        InputError: the file cannot be read, or a row of it is none.
    """
    rows = read_rows(path)
    broken = [number for number, value in enumerate(rows.values) if not isinstance(value, dict)]
    if broken:
        raise InputError(f"{path}: rows {broken[:5]} are no JSON objects ({len(broken)} in all); mend or remove them")
    return ArmRows(label=str(path), ending=path.suffix.lower(), rows=rows)


def version_rows(version: Version, store: ObjectStore) -> ArmRows:
    """
    Raises:
        NotFound: the version has no rows.
    """
    if not version.data:
        raise NotFound(f"{version.spec} has no rows; there is nothing to equalise")
    table = pa.concat_tables([store.read(part.sha256) for part in version.data], promote_options="default")
    return ArmRows(label=version.spec, ending=".parquet", rows=PlainRows(values=table.to_pylist(), table=table))


def equal_arms(a: ArmRows, b: ArmRows, *, by: Sequence[str], seed: int) -> Equalised:
    """Both arms with as many rows as the smaller has.

    Args:
        by: columns that pair rows; empty takes the first of PARENTS that both arms have.

    Raises:
        InputError: an arm has not these columns, or the arms share no parent.
    """
    columns = tuple(by) or _parent_columns(a, b)
    for arm in (a, b):
        _check_columns(arm, columns)

    def parent(row: Mapping[str, Any]) -> tuple[str, ...]:
        return tuple(str(row[name]) for name in columns)

    if not {parent(row) for row in a.rows.values} & {parent(row) for row in b.rows.values}:
        raise InputError(
            f"{a.label} and {b.label} do not share their parents: no {' and '.join(columns)} of the first is in the "
            "second; give arms that were evolved from the same seeds, or name another column with --by"
        )
    kept_a, kept_b = equalise(
        list(enumerate(a.rows.values)),
        list(enumerate(b.rows.values)),
        parent=lambda numbered: parent(numbered[1]),
        row_id=lambda numbered: _row_id(numbered[1]),
        seed=seed,
    )
    shared = Counter(parent(row) for _, row in kept_a) & Counter(parent(row) for _, row in kept_b)
    return Equalised(
        a=[number for number, _ in kept_a], b=[number for number, _ in kept_b], by=columns, paired=shared.total()
    )


def _parent_columns(a: ArmRows, b: ArmRows) -> tuple[str, ...]:
    for columns in PARENTS:
        if not any(_without(arm, columns) for arm in (a, b)):
            return columns
    raise InputError(
        f"{a.label} and {b.label} have no column in common that says what a row was evolved from; tried are "
        f"{[' and '.join(columns) for columns in PARENTS]}: name one with --by"
    )


def _check_columns(arm: ArmRows, columns: Sequence[str]) -> None:
    if lacking := _without(arm, columns):
        raise InputError(
            f"{arm.label}: rows {lacking[:5]} have no {' and '.join(columns)} ({len(lacking)} in all); "
            f"columns of its first row: {sorted(arm.rows.values[0])}"
        )


def _without(arm: ArmRows, columns: Sequence[str]) -> list[int]:
    return [
        number for number, row in enumerate(arm.rows.values) if any(row.get(name) in (None, "") for name in columns)
    ]


def _row_id(row: Mapping[str, Any]) -> str:
    """What a row is known by, whatever its place."""
    named = next((str(row[name]) for name in IDS if row.get(name)), "")
    pair = pair_of(row)
    return named or (pair.id if not isinstance(pair, str) else content_hash(sorted(map(str, row.items()))))
