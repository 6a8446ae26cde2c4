"""Selection among a plain file's rows, by a metric that stands in them or that was scored for them."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from evol_core.errors import InputError
from evol_core.publish.selection import Candidate
from evol_core.store.plain_rows import pair_of


def has_column(values: Sequence[Any], metric: str) -> bool:
    """Whether any row says its value of a metric, under its own name or as a published version writes it."""
    return any(isinstance(value, dict) and _column(value, metric) for value in values)


def candidates_of(values: Sequence[Any], metric: str) -> list[Candidate]:
    """The rows with the values that stand in them.

    Raises:
        InputError: a value is neither a number nor null.
    """
    return [Candidate(_row_id(value), _value(number, value, metric)) for number, value in enumerate(values)]


def candidates_from_scores(values: Sequence[Any], scored: Iterable[Mapping[str, Any]], metric: str) -> list[Candidate]:
    """The rows with the values of long rows, as `evol score` writes them; a row without one has none.

    Raises:
        InputError: a value is neither a number nor null.
    """
    found = {row["row"]: _number(row["row"], "value", row["value"]) for row in scored if row["metric"] == metric}
    return [Candidate(_row_id(value), found.get(number)) for number, value in enumerate(values)]


def _row_id(value: Any) -> str:
    """The id of a row's pair; empty where it is none."""
    pair = pair_of(value)
    return "" if isinstance(pair, str) else pair.id


def _column(row: Mapping[str, Any], metric: str) -> str | None:
    return next((name for name in (metric, f"score_{metric}") if name in row), None)


def _value(number: int, row: Any, metric: str) -> float | None:
    column = _column(row, metric) if isinstance(row, dict) else None
    return _number(number, column, row[column]) if column else None


def _number(number: int, column: str, value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InputError(f"row {number}: {column} must be a number or null, got {value!r:.80}")
    return float(value)
