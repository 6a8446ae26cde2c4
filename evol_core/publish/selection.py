"""The best part of a set by one metric, the same rows every time.

A build selects before it publishes (methods 2: the difficulty governor), a person among the rows of a file.
Source: methods 5.3; arXiv 2412.11231, where a quarter of the data, chosen by IC-IFD, trained a better model than all.
"""

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Literal, NamedTuple

from evol_core.recipe import SelectConfig

Order = Literal["descending", "ascending"]

ORDERS: Mapping[str, Order] = {
    "ifd": "descending",
    "ic_ifd": "descending",
    "instruction_loss": "ascending",
    "length_chars": "ascending",
    "length_words": "ascending",
    "length_tokens": "ascending",
    "difficulty_score": "descending",
    "difficulty_level": "descending",
    "reward_response": "descending",
    "reward_response_per_word": "descending",
    "reward_evolution": "descending",
    "reward_evolution_per_word": "descending",
    "confidence": "ascending",
    "confidence_first5": "ascending",
    "entropy_top20": "ascending",
    "nearest_instruction": "descending",
    "nearest_instruction_input": "descending",
    "repeats_instruction": "ascending",
    "repeats_instruction_input": "ascending",
}
"""Which end of a metric is chosen first."""


class Candidate(NamedTuple):
    """A row that may be chosen."""

    id: str
    """Breaks ties."""

    value: float | None
    """None: it has no score, and is never chosen."""


class Selection(NamedTuple):
    """The chosen rows, by their places in what was given."""

    chosen: list[int]
    """In order of rank."""

    wanted: int
    """How many were to be chosen; more than there are in `chosen` only where too few rows have a score."""

    unscored: int


def order_of(metric: str) -> Order:
    """
    Raises:
        ValueError: nobody has said which end of this metric is the better one.
    """
    if metric not in ORDERS:
        raise ValueError(f"metric {metric!r} has no order to select by; metrics that have one: {sorted(ORDERS)}")
    return ORDERS[metric]


def select(candidates: Sequence[Candidate], *, percent: float, order: Order) -> Selection:
    """The first `percent` of all rows: floor(percent x n / 100), but at least 1; ties go to the smaller id.

    Args:
        candidates: all rows of the set, those without a score among them.
        percent: above 0, at most 100.
        order: which end of the values comes first.

    Raises:
        ValueError: percent is out of bounds, or a value is no number (null is None, never NaN).
    """
    wanted = share(len(candidates), percent)
    ranked: list[tuple[float, str, int]] = []
    for place, (row_id, value) in enumerate(candidates):
        if value is not None:
            if math.isnan(value):
                raise ValueError(f"row {row_id} has the value nan; a score that could not be computed is null")
            ranked.append((-value if order == "descending" else value, row_id, place))
    ranked.sort()
    return Selection(
        chosen=[place for _, _, place in ranked[:wanted]], wanted=wanted, unscored=len(candidates) - len(ranked)
    )


def share(n_rows: int, percent: float) -> int:
    """floor(percent x n / 100) of the number as it is written, at least 1; 0 of no rows.

    Raises:
        ValueError: percent is out of bounds.
    """
    if not 0 < percent <= 100:
        raise ValueError(f"percent must be above 0 and at most 100, got {percent}")
    if not n_rows:
        return 0
    return max(1, math.floor(Fraction(repr(percent)) * n_rows / 100))


CAPPED = "capped"
"""The reason of a row whose value is above a cap."""

NOT_SELECTED = "not_selected"
"""The reason of a row that is not among the best."""


class Row(NamedTuple):
    """An accepted row with the values that a recipe selects by; None where a metric could not be computed."""

    id: str
    values: Mapping[str, float | None]


def left_out(rows: Sequence[Row], config: SelectConfig) -> dict[str, str]:
    """Why a row is not published, by its id: first the caps, then the best part of what is within them.

    A value that could not be computed is above no cap, and never among the best.
    """
    found = {row.id: CAPPED for row in rows if _is_over(row, config.at_most)}
    if config.by:
        within = [Candidate(row.id, row.values[config.by]) for row in rows if row.id not in found]
        best = {within[place].id for place in select(within, percent=config.percent, order=order_of(config.by)).chosen}
        found |= {row.id: NOT_SELECTED for row in within if row.id not in best}
    return found


def _is_over(row: Row, caps: Mapping[str, float]) -> bool:
    values = ((row.values[metric], cap) for metric, cap in caps.items())
    return any(value is not None and value > cap for value, cap in values)
