"""Vectors become distances and repeats, distances become scores; whoever has none is null and nobody's neighbour."""

import math
import random
import struct
from collections.abc import Sequence
from dataclasses import replace

import pytest

from evol_core.llm.fake import FakeEngine
from evol_core.records import Instruction, Measured, ModelRef
from evol_core.requests import EmbedRequest, Request
from evol_core.runner import drive
from evol_core.score.diversity import (
    Member,
    Neighbours,
    SetScores,
    set_scores,
    text_of,
    vectors_of,
)
from evol_core.score.metric import Mode, Scoring
from evol_core.score.metrics import SET_METRICS, set_metrics

MODEL = ModelRef(name="mpnet", revision="w", tokenizer="t")
SCORING = Scoring(judge=MODEL, scorer=MODEL, embedder=MODEL, form="plain", max_tokens=2048)
ALL = set_metrics(list(SET_METRICS))


def angle(text: str) -> float:
    """A text's place on the circle: its length; so texts are as near as they are of one length."""
    return 0.1 * len(text)


def reply(request: Request) -> Measured:
    assert isinstance(request, EmbedRequest)
    if request.text == "over":
        return Measured(reason="over_context")
    return Measured(vector=struct.pack("<2f", math.cos(angle(request.text)), math.sin(angle(request.text))))


def search(vectors: Sequence[bytes]) -> Neighbours:
    """Every pair, one after the other."""
    points = [struct.unpack("<2f", vector) for vector in vectors]
    rows = [[math.dist(one, other) ** 2 for j, other in enumerate(points) if j != i] for i, one in enumerate(points)]
    return Neighbours(
        distances=[min(row, default=math.inf) for row in rows],
        repeats=[sum(distance < 0.05 for distance in row) for row in rows],
    )


def scores_of(*instructions: Instruction, scoring: Scoring = SCORING) -> SetScores:
    members = [Member(instruction.id, instruction) for instruction in instructions]
    vectors = list(drive((vectors_of(member, ALL, scoring) for member in members), FakeEngine(reply)))
    return set_scores(members, vectors, ALL, scoring, search)


def test_vectors_in_another_dtype_are_asked_for_in_it_and_have_another_revision() -> None:
    rows = Instruction(text="a"), Instruction(text="ab")
    coarse = replace(SCORING, dtypes={"embedder": "bfloat16"})
    request = next(vectors_of(Member(rows[0].id, rows[0]), ALL, coarse))[0]

    assert isinstance(request, EmbedRequest)
    assert request.dtype == "bfloat16"
    found = scores_of(*rows), scores_of(*rows, scoring=coarse)
    assert {one.revision for one in found[0].scores[0]}.isdisjoint(one.revision for one in found[1].scores[0])


def values(found: SetScores) -> list[dict[str, float | None]]:
    return [{score.metric: score.value for score in row} for row in found.scores]


def test_every_row_has_its_distance_and_its_repeats_in_both_modes() -> None:
    found = scores_of(Instruction(text="aaaa"), Instruction(text="aaaa", input="b" * 20), Instruction(text="a" * 24))

    first, second, third = values(found)
    far = (2 * math.sin(1.0)) ** 2
    assert first["nearest_instruction"] == pytest.approx(0.0, abs=1e-6)
    assert (first["repeats_instruction"], third["repeats_instruction"]) == (1.0, 0.0)
    assert third["nearest_instruction"] == pytest.approx(far, abs=1e-5)
    assert first["nearest_instruction_input"] == pytest.approx(far, abs=1e-5)
    assert (second["repeats_instruction_input"], first["repeats_instruction_input"]) == (1.0, 0.0)
    assert [[score.metric for score in row] for row in found.scores] == [list(SET_METRICS)] * 3


def test_a_set_of_one_row_has_no_diversity() -> None:
    found = scores_of(Instruction(text="a"))

    assert {(score.value, score.reason) for row in found.scores for score in row} == {(None, "only_row")}


def test_a_set_of_no_rows_has_no_scores() -> None:
    assert scores_of().scores == []


def test_whoever_has_no_vector_is_null_and_nobodys_neighbour() -> None:
    found = scores_of(Instruction(text="aa"), Instruction(text="over"), Instruction(text="\ud800"))

    assert [{score.reason for score in row} for row in found.scores] == [
        {"only_row"},
        {"over_context"},
        {"not_unicode"},
    ]


def test_a_permutation_of_the_rows_permutes_the_scores() -> None:
    rows = [Instruction(text="a" * length, input="b" * (length % 3)) for length in (1, 5, 5, 9, 14, 2)]
    order = list(range(len(rows)))
    random.Random(3).shuffle(order)

    straight, shuffled = scores_of(*rows), scores_of(*(rows[place] for place in order))

    assert shuffled.scores == [straight.scores[place] for place in order]


def test_a_score_belongs_to_its_set_its_embedder_and_its_metric() -> None:
    rows = Instruction(text="a"), Instruction(text="bb")
    other = replace(SCORING, embedder=replace(MODEL, revision="other"))

    def revisions(found: SetScores) -> set[str]:
        return {score.revision for score in found.scores[0]}

    alone = revisions(scores_of(*rows))
    assert len(alone) == len(ALL)
    assert alone.isdisjoint(revisions(scores_of(*rows, Instruction(text="ccc"))))
    assert alone.isdisjoint(revisions(scores_of(*rows, scoring=other)))
    assert alone == revisions(scores_of(*rows[::-1]))


@pytest.mark.parametrize(("mode", "text"), [("instruction", "Add."), ("instruction_input", "Add.\n1 and 2")])
def test_the_mode_says_which_text_is_compared(mode: Mode, text: str) -> None:
    assert text_of(Instruction(text="Add.", input="1 and 2"), mode) == text
