import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evol_core.llm.fake import FakeEngine
from evol_core.records import Instruction, Losses, ModelRef, Pair, Score
from evol_core.runner import drive
from evol_core.score.metric import Scoring
from evol_core.score.metrics.ic_ifd import ic_ifd
from evol_core.score.metrics.ifd import ifd
from evol_core.score.rows import score_pair

MODEL = ModelRef(name="scorer", revision="w", tokenizer="t")
SCORING = Scoring(judge=MODEL, scorer=MODEL, form="plain", max_tokens=2048)
PAIR = Pair(instruction=Instruction(text="Say yes."), response="yes")

LOSSES = st.floats(min_value=1e-3, max_value=1e3)


def scored(losses: Losses, *metrics: str) -> list[Score]:
    (scores,) = drive([score_pair(PAIR, metrics, SCORING)], FakeEngine(lambda request: losses))
    return scores


def losses(question: float | None, given: float | None, alone: float | None, reason: str = "") -> Losses:
    counts = [0 if loss is None else 1 for loss in (question, given, alone)]
    return Losses(
        question=question,
        given=given,
        alone=alone,
        n_question=counts[0],
        n_answer=counts[1],
        n_alone=counts[2],
        reason=reason,
    )


def test_ifd_is_the_ratio_of_mean_losses() -> None:
    assert ifd(1.5, 3.0) == 0.5
    assert ifd(0.0, 3.0) == 0.0


def test_ic_ifd_divides_by_the_instruction_loss_as_well() -> None:
    assert ic_ifd(2.0, 1.5, 3.0) == 0.25


@given(LOSSES, LOSSES, LOSSES)
def test_ic_ifd_is_ifd_over_the_instruction_loss(question: float, with_it: float, alone: float) -> None:
    assert ic_ifd(question, with_it, alone) == pytest.approx(with_it / (question * alone), rel=1e-12)


@pytest.mark.parametrize(
    "parts", [(None, 2.0), (1.0, None), (1.0, 0.0), (0.0, 0.0), (math.nan, 1.0), (1.0, math.inf), (1e300, 1e-300)]
)
def test_ifd_is_none_where_it_cannot_be_computed(parts: tuple[float | None, float | None]) -> None:
    assert ifd(*parts) is None
    assert ic_ifd(2.0, *parts) is None


@pytest.mark.parametrize("question", [None, 0.0, math.nan, math.inf])
def test_ic_ifd_is_none_without_an_instruction_loss(question: float | None) -> None:
    assert ic_ifd(question, 1.0, 2.0) is None


def test_a_negative_loss_is_refused() -> None:
    with pytest.raises(ValueError, match=r"losses must be >= 0 nats a token, got -1\.0 and 2\.0"):
        ifd(-1.0, 2.0)


def test_the_reason_of_missing_losses_is_the_reason_of_the_null() -> None:
    missing = losses(3.0, None, None, "empty_answer")

    found = [(score.value, score.reason) for score in scored(missing, "ifd", "ic_ifd", "instruction_loss")]

    assert found == [(None, "empty_answer"), (None, "empty_answer"), (3.0, "")]


def test_zero_losses_are_null_and_say_so() -> None:
    found = [(score.value, score.reason) for score in scored(losses(0.0, 1.0, 0.0), "ifd", "ic_ifd")]

    assert found == [(None, "zero_loss"), (None, "zero_loss")]


def test_a_missing_instruction_loss_leaves_ifd_alone() -> None:
    found = [score.value for score in scored(losses(None, 1.0, 2.0, "empty_instruction"), "ifd", "ic_ifd")]

    assert found == [0.5, None]


def test_an_answer_whose_tokens_are_unknown_has_no_length() -> None:
    none = Losses(question=None, given=None, alone=None, n_question=0, n_answer=0, n_alone=0, reason="not_unicode")
    long = Losses(question=None, given=None, alone=None, n_question=9, n_answer=4000, n_alone=4000, reason="over")

    assert [(score.value, score.reason) for score in scored(none, "length_tokens")] == [(None, "not_unicode")]
    assert [score.value for score in scored(long, "length_tokens")] == [4000.0]
