from dataclasses import replace

import pytest

from evol_core.llm.fake import FakeEngine
from evol_core.records import GenerateRequest, Instruction, Losses, LossRequest, ModelRef, Pair, Request, Score
from evol_core.runner import drive
from evol_core.score.metric import Scoring
from evol_core.score.metrics import METRICS, models_asked, unknown_metrics
from evol_core.score.rows import score_pair

SCORING = Scoring(
    judge=ModelRef(name="judge", revision="w1", tokenizer="t1"),
    scorer=ModelRef(name="scorer", revision="w2", tokenizer="t2"),
    form="plain",
    max_tokens=2048,
)
PAIR = Pair(instruction=Instruction(text="Add the numbers.", input="2 and 3"), response="That is 5.")
LOSSES = Losses(question=4.0, given=1.0, alone=2.0, n_question=7, n_answer=5, n_alone=4)
ALL = tuple(METRICS)


def reply(request: Request) -> str | Losses:
    if isinstance(request, LossRequest):
        return LOSSES
    assert isinstance(request, GenerateRequest)
    return "Hard." if "very easy" in request.messages[0].content else "62"


def scored(pair: Pair, *metrics: str, scoring: Scoring = SCORING, engine: FakeEngine | None = None) -> list[Score]:
    (scores,) = drive([score_pair(pair, metrics, scoring)], engine or FakeEngine(reply))
    return scores


def test_every_metric_says_its_word_in_the_order_asked() -> None:
    scores = scored(PAIR, *ALL)

    assert [(score.metric, score.value) for score in scores] == [
        ("length_chars", 10.0),
        ("length_words", 3.0),
        ("length_tokens", 5.0),
        ("difficulty_score", 62.0),
        ("difficulty_level", 4.0),
        ("instruction_loss", 4.0),
        ("ifd", 0.5),
        ("ic_ifd", 0.125),
    ]
    assert {score.reason for score in scores} == {""}
    assert [score.label for score in scores if score.label] == ["hard"]


def test_a_pair_is_measured_once_for_all_metrics_made_of_losses() -> None:
    engine = FakeEngine(reply)

    scored(PAIR, "ifd", "ic_ifd", "instruction_loss", "length_tokens", engine=engine)

    (request,) = engine.submitted
    assert isinstance(request, LossRequest)
    assert (request.instruction, request.response) == ("Add the numbers.\n2 and 3", "That is 5.")


def test_judges_are_asked_greedily_and_see_the_input() -> None:
    engine = FakeEngine(reply)

    scored(PAIR, "difficulty_score", "difficulty_level", engine=engine)

    assert len(engine.submitted) == 2
    for request in engine.submitted:
        assert isinstance(request, GenerateRequest)
        assert request.decoding.temperature == 0
        assert "Add the numbers.\n2 and 3" in request.messages[0].content
        assert "{instruction}" not in request.messages[0].content


def test_an_unknown_metric_is_named_before_anything_is_asked() -> None:
    assert unknown_metrics(["ifd", "length_chars"]) is None
    message = unknown_metrics(["ifd", "beauty"])
    assert message == f"unknown metrics ['beauty']; known: {sorted(METRICS)}"
    with pytest.raises(ValueError, match="unknown metrics \\['beauty'\\]; known: \\['difficulty_level'"):
        score_pair(PAIR, ["beauty"], SCORING)


def test_which_models_are_needed_follows_from_the_metrics() -> None:
    assert models_asked(["length_chars", "length_words"]) == frozenset()
    assert models_asked(["length_chars", "ifd"]) == {"scorer"}
    assert models_asked(ALL) == {"judge", "scorer"}


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_keeps_the_contract(name: str) -> None:
    metric = METRICS[name]
    engine = FakeEngine(reply)

    (score,) = scored(PAIR, name, engine=engine)

    assert metric.name == name == score.metric
    assert score.subject_id == (PAIR.instruction.id if metric.subject == "instruction" else PAIR.id)
    assert isinstance(score.value, float)
    model = {"nothing": None, "judge": SCORING.judge, "scorer": SCORING.scorer}[metric.asks]
    assert {request.model for request in engine.submitted} == ({model} if model else set())
    assert (score.scorer, bool(score.revision)) == ((model.name, True) if model else ("", False))


@pytest.mark.parametrize("name", [name for name, metric in METRICS.items() if metric.asks != "nothing"])
def test_what_a_model_could_not_answer_is_null_with_a_reason(name: str) -> None:
    class Refusing(FakeEngine):
        def collect(self) -> list:  # type: ignore[type-arg]
            return [replace(one, finish_reason="error", losses=None, text="7") for one in super().collect()]

    (score,) = scored(PAIR, name, engine=Refusing(reply))

    assert (score.value, score.reason, score.label) == (None, "engine_error", "")


@pytest.mark.parametrize("name", METRICS)
def test_half_a_surrogate_pair_is_no_text_that_a_model_can_be_asked_of(name: str) -> None:
    broken = Pair(instruction=Instruction(text="a\ud800"), response="b\udfff")
    engine = FakeEngine(reply)

    (score,) = scored(broken, name, engine=engine)

    assert not engine.submitted
    if METRICS[name].asks != "nothing":
        assert (score.value, score.reason) == (None, "not_unicode")


@pytest.mark.parametrize("name", [name for name, metric in METRICS.items() if metric.asks == "scorer"])
def test_losses_under_another_scorer_or_form_have_another_revision(name: str) -> None:
    others = [
        SCORING,
        replace(SCORING, scorer=replace(SCORING.scorer, revision="other")),
        replace(SCORING, scorer=replace(SCORING.scorer, tokenizer="other")),
        replace(SCORING, form="chat"),
        replace(SCORING, max_tokens=4096),
    ]
    renamed = replace(SCORING, scorer=replace(SCORING.scorer, name="renamed"))

    revisions = [scored(PAIR, name, scoring=scoring)[0].revision for scoring in others]

    assert len(set(revisions)) == len(others)
    assert scored(PAIR, name, scoring=renamed)[0].revision == revisions[0]


@pytest.mark.parametrize("name", [name for name, metric in METRICS.items() if metric.asks == "judge"])
def test_verdicts_of_another_judge_have_another_revision(name: str) -> None:
    other = replace(SCORING, judge=replace(SCORING.judge, revision="other"))

    assert scored(PAIR, name)[0].revision != scored(PAIR, name, scoring=other)[0].revision
    assert scored(PAIR, name)[0].revision == scored(PAIR, name, scoring=replace(SCORING, form="chat"))[0].revision
