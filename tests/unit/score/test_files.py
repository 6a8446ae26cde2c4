"""A file's rows become long rows: none is missing, whatever is wrong with it."""

from typing import Any

import pytest

from evol_core.llm.fake import FakeEngine
from evol_core.records import Instruction, Losses, ModelRef
from evol_core.requests import LossRequest, Request
from evol_core.runner import drive
from evol_core.score.files import SCORED, coverage, score_programs
from evol_core.score.metric import Scoring

MODEL = ModelRef(name="model", revision="w", tokenizer="t")
SCORING = Scoring(judge=MODEL, scorer=MODEL, form="plain", max_tokens=2048)
VALUES: list[Any] = [
    {"instruction": "Add.", "input": "1 and 2", "output": "3"},
    None,
    {"instruction": "Say nothing.", "output": ""},
    {"instruction": 5},
    {"instruction": "\ud800", "output": "x"},
]


def reply(request: Request) -> Losses | str:
    if not isinstance(request, LossRequest):
        return "a long essay"
    alone = 2.0 if request.response else None
    return Losses(
        question=4.0, given=alone and 1.0, alone=alone, n_question=3, n_answer=1, n_alone=1, reason="empty_answer"
    )


def scored(*metrics: str) -> list[dict[str, Any]]:
    return [row for rows in drive(score_programs(VALUES, metrics, SCORING), FakeEngine(reply)) for row in rows]


def test_every_row_has_a_line_for_every_metric() -> None:
    rows = scored("ifd", "difficulty_score")

    assert [(row["row"], row["metric"]) for row in rows] == [
        (number, metric) for number in range(len(VALUES)) for metric in ("ifd", "difficulty_score")
    ]
    assert all(row.keys() == set(SCORED.names) for row in rows)


def test_what_has_no_value_has_a_reason() -> None:
    assert [(row["value"], row["reason"]) for row in scored("ifd")] == [
        (0.5, ""),
        (None, "not_a_row"),
        (None, "empty_answer"),
        (None, "not_text"),
        (None, "not_unicode"),
    ]


def test_a_row_names_its_instruction_where_it_has_one() -> None:
    assert [row["instruction_id"] for row in scored("length_chars")] == [
        Instruction(text="Add.", input="1 and 2").id,
        None,
        Instruction(text="Say nothing.").id,
        None,
        Instruction(text="\ud800").id,
    ]


def test_coverage_adds_up_to_the_rows() -> None:
    found = coverage(scored("ifd", "difficulty_score"))

    assert found == {
        "ifd": {"scored": 1, "not_a_row": 1, "empty_answer": 1, "not_text": 1, "not_unicode": 1},
        "difficulty_score": {"scored": 0, "unparsed": 2, "not_a_row": 1, "not_text": 1, "not_unicode": 1},
    }
    assert {sum(counts.values()) for counts in found.values()} == {len(VALUES)}


def test_an_unknown_metric_is_named() -> None:
    with pytest.raises(ValueError, match=r"unknown metrics \['beauty'\]"):
        scored("beauty")
