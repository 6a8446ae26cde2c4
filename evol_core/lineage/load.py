"""Rows of a version into Postgres: ids, edges, outcomes, scores. Texts stay in Parquet, but for their heads.

Every function runs on its caller's connection and never commits. What is there already stays as it is.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from evol_core.lineage.copy import Column, bytea_text, constant, copy_new, storable_texts, texts, whole_numbers
from evol_core.lineage.load_seeds import load_refused, load_seeds
from evol_core.lineage.outcomes import load_data_rows, load_instructions, load_outcomes
from evol_core.lineage.publication import VersionRef
from evol_core.lineage.registry import metric_number, scorer_number
from evol_core.records import UNIT_SEPARATOR

__all__ = ["load_data_rows", "load_evolved", "load_outcomes", "load_refused", "load_scores", "load_seeds"]

LATE_REASONS = dict.fromkeys(("duplicate", "contaminated", "capped", "not_selected"), "publish")
"""Reasons that are found only when a build's rows come together, and where."""

Steps = Mapping[tuple[int, str], tuple[int, int]]
"""(round, operator): (the evolve step, the respond step)."""


def load_evolved(connection: sa.Connection, table: pa.Table, *, version: VersionRef, steps: Steps) -> None:
    """Evolutions of a version, refused ones too: instructions, derivations, responses, outcomes.

    Args:
        table: columns of schemas.EVOLVED; parents must be seeds or children that are loaded, too.

    Raises:
        ValueError: a round and operator has no step, or a row (ordinal, round) stands there twice.
    """
    table = _with_steps(table, steps)
    children = table.filter(pc.is_valid(table["instruction_id"]))
    load_instructions(connection, children)
    _load_derivations(connection, children)
    _load_responses(connection, children.filter(pc.is_valid(children["response_id"])))
    _load_evolved_outcomes(connection, table, version)


def load_scores(connection: sa.Connection, table: pa.Table, *, attempt_id: int) -> int:
    """Scores; columns of schemas.SCORES. The first value of a metric, subject, scorer and revision stays.

    Returns:
        How many were not there yet.
    """
    said: tuple[Any, ...] = (table["scorer"], table["revision"], UNIT_SEPARATOR)
    scorers = pc.binary_join_element_wise(*said)

    def scorer_of(name: str) -> int:
        scorer, _, revision = name.rpartition(UNIT_SEPARATOR)
        return scorer_number(connection, scorer, revision)

    rows: dict[str, Column] = {
        "metric_id": _numbers(table["metric"], partial(metric_number, connection)),
        "subject_id": table["subject_id"],
        "scorer_id": _numbers(scorers, scorer_of),
        "value": table["value"],
        "label": storable_texts(table["label"]),
        "reason": storable_texts(table["reason"]),
        "attempt_id": constant(attempt_id, table.num_rows),
    }
    return copy_new(connection, "score", pa.Table.from_pydict(rows), ("subject_id", "metric_id", "scorer_id"))


def _numbers(names: Column, number: Callable[[str], int]) -> Column:
    """Every name's number, each asked for once, in the order of their names."""
    known = pc.unique(names).sort()
    numbers = pa.array([number(str(name)) for name in known.to_pylist()], pa.int64())
    return numbers.take(pc.index_in(names, value_set=known))


def _with_steps(table: pa.Table, steps: Steps) -> pa.Table:
    """The table with the numbers of each row's evolve step and respond step."""
    settings = list(zip(whole_numbers(table["round"]), texts(table["operator"]), strict=True))
    if unknown := set(settings) - set(steps):
        raise ValueError(f"no step for (round, operator) {sorted(unknown)}; known: {sorted(steps)}")
    for place, name in enumerate(("step_id", "respond_step_id")):
        table = table.append_column(name, pa.array([steps[key][place] for key in settings], pa.int64()))
    return table


def _load_derivations(connection: sa.Connection, children: pa.Table) -> None:
    """The edges; a child that is its parent once more is refused as such and makes no edge."""
    edges = children.filter(pc.not_equal(children["instruction_id"], children["parent_id"]))
    rows: dict[str, Column] = {
        "child_id": edges["instruction_id"],
        "parent_id": edges["parent_id"],
        "step_id": edges["step_id"],
        "request_hash": bytea_text(edges["evolve_hash"]),
    }
    copy_new(connection, "derivation", pa.Table.from_pydict(rows), ("child_id", "parent_id", "step_id"))


def _load_responses(connection: sa.Connection, answered: pa.Table) -> None:
    rows: dict[str, Column] = {
        "response_id": answered["response_id"],
        "instruction_id": answered["instruction_id"],
        "step_id": answered["respond_step_id"],
        "request_hash": bytea_text(answered["respond_hash"]),
        "n_chars": pc.utf8_length(answered["response"]),
    }
    copy_new(connection, "response", pa.Table.from_pydict(rows), ("response_id",))


def _load_evolved_outcomes(connection: sa.Connection, table: pa.Table, version: VersionRef) -> None:
    hashes = zip(texts(table["reason"]), table["respond_hash"].to_pylist(), strict=True)
    stages = [LATE_REASONS.get(reason, "respond" if asked else "evolve") for reason, asked in hashes]
    kept = ("ordinal", "round", "status", "reason", "parent_id", "response_id", "step_id", "respond_step_id")
    rows: dict[str, Column] = {name: table[name] for name in kept}
    rows |= {
        "stage": pa.array(stages, pa.string()),
        "row_id": table["instruction_id"],
        "request_hash": bytea_text(table["evolve_hash"]),
        "respond_hash": bytea_text(table["respond_hash"]),
    }
    load_outcomes(connection, pa.Table.from_pydict(rows), version)
