"""Rows of a file are chosen by what stands in them, or by long rows of scores."""

from typing import Any

import pytest

from evol_core.errors import InputError
from evol_core.publish.selection import select
from evol_core.publish.selection_file import candidates_from_scores, candidates_of, has_column
from evol_core.records import Instruction, Pair

ROWS: list[Any] = [
    {"instruction": "a", "output": "x", "ifd": 0.5},
    None,
    {"instruction": "b", "output": "y", "ifd": None},
    {"instruction": "c", "output": "z", "score_ifd": 1},
]


def test_values_stand_under_the_metrics_name_or_as_a_version_writes_it() -> None:
    assert [candidate.value for candidate in candidates_of(ROWS, "ifd")] == [0.5, None, None, 1.0]
    assert has_column(ROWS, "ifd")
    assert not has_column(ROWS, "ic_ifd")
    assert not has_column([None, "text"], "ifd")


def test_a_row_is_known_by_its_pair() -> None:
    pair = Pair(instruction=Instruction(text="a"), response="x")

    assert [candidate.id for candidate in candidates_of(ROWS, "ifd")][:2] == [pair.id, ""]


def test_long_rows_of_scores_are_joined_by_the_rows_number() -> None:
    scored = [
        {"row": 3, "metric": "ifd", "value": 0.1},
        {"row": 0, "metric": "ic_ifd", "value": 9.0},
        {"row": 0, "metric": "ifd", "value": 0.2},
        {"row": 2, "metric": "ifd", "value": None},
    ]

    candidates = candidates_from_scores(ROWS, scored, "ifd")

    assert [candidate.value for candidate in candidates] == [0.2, None, None, 0.1]
    assert select(candidates, percent=100, order="descending").chosen == [0, 3]


@pytest.mark.parametrize("value", ["0.5", True, float("nan"), float("inf"), [1]])
def test_a_value_that_is_no_number_is_refused_with_its_row(value: object) -> None:
    with pytest.raises(InputError, match="row 1: ifd must be a number or null, got"):
        candidates_of([{"ifd": 1}, {"ifd": value}], "ifd")
    with pytest.raises(InputError, match="row 1: value must be a number or null, got"):
        candidates_from_scores(ROWS, [{"row": 1, "metric": "ifd", "value": value}], "ifd")
