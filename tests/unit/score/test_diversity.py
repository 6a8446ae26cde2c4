"""Distances and repeats become scores; a row that is alone has none."""

import math

import pytest

from evol_core.records import Instruction, ModelRef, Score
from evol_core.score.diversity import diversity_scores, mean_nearest, text_of

EMBEDDER = ModelRef(name="mpnet", revision="w", tokenizer="t")


def scores(*rows: tuple[float, int]) -> list[Score]:
    ids = [f"row{number}" for number in range(len(rows))]
    return diversity_scores(
        ids, [row[0] for row in rows], [row[1] for row in rows], mode="instruction", embedder=EMBEDDER
    )


def test_every_row_has_its_distance_and_its_repeats() -> None:
    found = [(score.subject_id, score.metric, score.value) for score in scores((1.5, 0), (0.0, 2))]

    assert found == [
        ("row0", "nearest_instruction", 1.5),
        ("row0", "repeats_instruction", 0.0),
        ("row1", "nearest_instruction", 0.0),
        ("row1", "repeats_instruction", 2.0),
    ]


def test_the_set_has_the_mean_of_its_rows() -> None:
    assert mean_nearest(scores((1.5, 0), (0.5, 0)), "instruction") == 1.0
    assert mean_nearest(scores((1.5, 0)), "instruction_input") is None


def test_a_set_of_one_row_has_no_diversity() -> None:
    alone = scores((math.inf, 0))

    assert [(score.value, score.reason) for score in alone] == [(None, "only_row"), (None, "only_row")]
    assert mean_nearest(alone, "instruction") is None


@pytest.mark.parametrize(("mode", "text"), [("instruction", "Add."), ("instruction_input", "Add.\n1 and 2")])
def test_the_mode_says_which_text_is_compared(mode: str, text: str) -> None:
    assert text_of(Instruction(text="Add.", input="1 and 2"), mode) == text  # type: ignore[arg-type]


def test_each_metric_and_embedder_has_its_own_revision() -> None:
    other = ModelRef(name="mpnet", revision="other", tokenizer="t")
    revisions = {
        score.revision
        for embedder in (EMBEDDER, other)
        for score in diversity_scores(["a"], [1.0], [0], mode="instruction", embedder=embedder)
    }

    assert len(revisions) == 4
