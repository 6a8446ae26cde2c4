"""Versions as the arms of a comparison: out of the lineage and the object store, into a report."""

import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from evol_core.compare.arm import Arm, read_arm
from evol_core.compare.material import Material
from evol_core.compare.report import Example
from evol_core.errors import InputError
from evol_core.evolve.auto.tables import PHRASES
from evol_core.lineage.versions import Version, parents_of
from evol_core.store.objects import ObjectStore, StoredObject, schema_hash

SCORE = "score_"
"""What the columns of metrics begin with in a dataset's objects."""

EXAMPLES = 8
"""Judged pairs that a report shows."""

Row = dict[str, Any]


def read_rows(store: ObjectStore, objects: Sequence[str]) -> Iterator[Row]:
    """All rows of some objects."""
    for sha256 in objects:
        yield from store.read(sha256).to_pylist()


def arm_of(version: Version, label: str, store: ObjectStore) -> Arm:
    """A version as an arm, with all of its rows."""
    return read_arm(
        label=label,
        version=version.spec,
        data=read_rows(store, _hashes(version.data)),
        refused=read_rows(store, _hashes(version.refused)),
        scores=read_rows(store, _hashes(version.scores)),
        metrics=_metrics(version, store),
        phrases=read_rows(store, [one.sha256 for one in version.evidence if one.schema_hash == schema_hash(PHRASES)]),
    )


def check_parents(connection: sa.Connection, versions: Sequence[Version]) -> None:
    """Versions that are drawn side by side must have been built from the same versions.

    Raises:
        InputError: they were not; the message names both and their parents.
    """
    parents = [parents_of(connection, version) for version in versions]
    for version, found in zip(versions, parents, strict=True):
        if found != parents[0]:
            raise InputError(
                f"{versions[0].spec} and {version.spec} do not share their parents: the first was built from "
                f"{parents[0]}, the second from {found}; compare versions of one seed version"
            )


def _hashes(objects: Sequence[StoredObject]) -> list[str]:
    return [stored.sha256 for stored in objects]


def _metrics(version: Version, store: ObjectStore) -> list[str]:
    """The metrics that its recipe asked for."""
    names = store.read(version.data[0].sha256).column_names if version.data else []
    return [name.removeprefix(SCORE) for name in names if name.startswith(SCORE)]


def examples_of(material: Material, seeds: dict[str, str], seed: int) -> list[Example]:
    """Some judged pairs in full, drawn by the seed."""
    a, b = ({row.key: row for row in arm.rows} for arm in material.arms[:2])
    verdicts = list(material.verdicts)
    chosen = random.Random(seed).sample(range(len(verdicts)), min(EXAMPLES, len(verdicts)))
    examples = []
    for row in (verdicts[place] for place in sorted(chosen)):
        key = (row["ordinal"], row["round"])
        kind = "" if row["kind"] in ("consistent", "unparsed") else f" ({row['kind']})"
        examples.append(
            Example(
                seed=seeds.get(row["seed_id"], ""),
                a=a[key].text,
                b=b[key].text,
                verdict=f"{row['verdict']}{kind}",
                reply=row["first_text"],
            )
        )
    return examples


def seed_texts(store: ObjectStore, objects: Sequence[str]) -> dict[str, str]:
    """Seeds by their ids, from SEEDS objects."""
    return {
        row["instruction_id"]: f"{row['instruction']}\n{row['input']}" if row["input"] else row["instruction"]
        for row in read_rows(store, objects)
    }


def comparison_folder(home: Path, name: str, specs: Sequence[str]) -> Path:
    """Where a comparison of these versions is kept."""
    return home / "comparisons" / name / "-".join(spec.replace("@", "-") for spec in specs)
