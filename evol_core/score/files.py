"""Scores of a plain file's rows, as long rows: one a row and metric, whatever is wrong with the row."""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pyarrow as pa

from evol_core.llm.port import Program
from evol_core.records import Pair, Score
from evol_core.score.diversity import Member
from evol_core.score.metric import Scoring
from evol_core.score.rows import score_pair
from evol_core.store.plain_rows import pair_of

Columns = dict[str, Any]

_FIELDS: list["pa.Field[Any]"] = [
    pa.field("row", pa.int64(), nullable=False),
    pa.field("instruction_id", pa.string()),
    pa.field("metric", pa.string(), nullable=False),
    pa.field("value", pa.float64()),
    pa.field("reason", pa.string(), nullable=False),
    pa.field("scorer", pa.string(), nullable=False),
    pa.field("revision", pa.string(), nullable=False),
]

SCORED = pa.schema(_FIELDS)
"""`row` counts the input's rows from 0; `instruction_id` is null where the row holds no instruction."""


def score_programs(values: Iterable[Any], metrics: Sequence[str], scoring: Scoring) -> Iterator[Program[list[Columns]]]:
    """One program a row of the file; each ends with one long row a metric, in the order asked."""
    for number, value in enumerate(values):
        yield _scored(number, value, metrics, scoring)


def _scored(number: int, value: Any, metrics: Sequence[str], scoring: Scoring) -> Program[list[Columns]]:
    pair = pair_of(value)
    if isinstance(pair, str):
        return no_pair(number, pair, metrics)
    scores = yield from score_pair(pair, metrics, scoring)
    return [long_row(number, pair, score) for score in scores]


def members_of(values: Sequence[Any]) -> dict[int, Member]:
    """The rows that hold a pair, by their numbers. Two rows of the same text are two members."""
    pairs = {number: pair_of(value) for number, value in enumerate(values)}
    return {
        number: Member(pair.instruction.id, pair.instruction)
        for number, pair in pairs.items()
        if not isinstance(pair, str)
    }


def long_row(number: int, pair: Pair, score: Score) -> Columns:
    return {
        "row": number,
        "instruction_id": pair.instruction.id,
        "metric": score.metric,
        "value": score.value,
        "reason": score.reason,
        "scorer": score.scorer,
        "revision": score.revision,
    }


def no_pair(number: int, reason: str, metrics: Sequence[str]) -> list[Columns]:
    """The long rows of a row that is no pair."""
    empty = {"instruction_id": None, "value": None, "reason": reason, "scorer": "", "revision": ""}
    return [{"row": number, **empty, "metric": metric} for metric in metrics]


def coverage(rows: Iterable[Columns]) -> dict[str, dict[str, int]]:
    """For each metric how many rows have a value (`scored`), and how many have none, by reason."""
    counts: dict[str, dict[str, int]] = {}
    for row in rows:
        reasons = counts.setdefault(row["metric"], {"scored": 0})
        reason = "scored" if row["value"] is not None else row["reason"]
        reasons[reason] = reasons.get(reason, 0) + 1
    return counts


def means(rows: Iterable[Columns]) -> dict[str, float | None]:
    """For each metric the mean of the values there are; None of none."""
    values: dict[str, list[float]] = {}
    for row in rows:
        values.setdefault(row["metric"], []).extend([] if row["value"] is None else [row["value"]])
    return {metric: math.fsum(found) / len(found) if found else None for metric, found in values.items()}
