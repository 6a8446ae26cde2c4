from dataclasses import replace

import pytest

from evol_core.llm.fake import FakeEngine
from evol_core.records import Instruction, Losses, Measured, ModelRef, Pair, Score
from evol_core.requests import ConfidenceRequest, GenerateRequest, LossRequest, Request, RewardRequest
from evol_core.runner import drive
from evol_core.score.metric import Role, Scoring
from evol_core.score.metrics import ALL_METRICS, METRICS, models_asked, unknown_metrics
from evol_core.score.rows import score_pair

SCORING = Scoring(
    judge=ModelRef(name="judge", revision="w1", tokenizer="t1"),
    scorer=ModelRef(name="scorer", revision="w2", tokenizer="t2"),
    reward=ModelRef(name="reward", revision="w3", tokenizer="t3"),
    responder=ModelRef(name="responder", revision="w4", tokenizer="t4"),
    embedder=ModelRef(name="embedder", revision="w5", tokenizer="t5"),
    form="plain",
    max_tokens=2048,
    respond_prompt="Please: {instruction}",
)
PAIR = Pair(
    instruction=Instruction(text="Add the numbers.", input="2 and 3"),
    response="That is 5.",
    evolving_prompt="Make 'Add.' harder.",
)
LOSSES = Losses(question=4.0, given=1.0, alone=2.0, n_question=7, n_answer=5, n_alone=4)
ALL = tuple(METRICS)


def reply(request: Request) -> str | Losses | Measured:
    if isinstance(request, LossRequest):
        return LOSSES
    if isinstance(request, RewardRequest):
        return Measured(reward=-6.0 if "harder" in request.user else 1.5)
    if isinstance(request, ConfidenceRequest):
        return Measured(top1=(1.0, 1.0, 1.0, 1.0, 1.0, 0.25), entropy=(0.0, 0.0, 0.0, 0.0, 0.0, 3.0))
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
        ("reward_response", 1.5),
        ("reward_response_per_word", 0.5),
        ("reward_evolution", -6.0),
        ("reward_evolution_per_word", -2.0),
        ("confidence", 0.875),
        ("confidence_first5", 1.0),
        ("entropy_top20", 0.5),
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
    assert message == f"unknown metrics ['beauty']; known: {sorted(ALL_METRICS)}"
    with pytest.raises(ValueError, match="unknown metrics \\['beauty'\\]; known: \\['confidence'"):
        score_pair(PAIR, ["beauty"], SCORING)


def test_which_models_are_needed_follows_from_the_metrics() -> None:
    assert models_asked(["length_chars", "length_words"]) == frozenset()
    assert models_asked(["length_chars", "ifd"]) == {"scorer"}
    assert models_asked(ALL) == {"judge", "scorer", "reward", "responder"}
    assert models_asked(["nearest_instruction"]) == {"embedder"}


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_keeps_the_contract(name: str) -> None:
    metric = METRICS[name]
    engine = FakeEngine(reply)

    (score,) = scored(PAIR, name, engine=engine)

    assert metric.name == name == score.metric
    assert score.subject_id == (PAIR.instruction.id if metric.subject == "instruction" else PAIR.id)
    assert isinstance(score.value, float)
    model = None if metric.asks == "nothing" else SCORING.model(metric.asks)
    assert {request.model for request in engine.submitted} == ({model} if model else set())
    assert (score.scorer, bool(score.revision)) == ((model.name, True) if model else ("", False))


@pytest.mark.parametrize("name", [name for name, metric in METRICS.items() if metric.asks != "nothing"])
def test_what_a_model_could_not_answer_is_null_with_a_reason(name: str) -> None:
    class Refusing(FakeEngine):
        def collect(self) -> list:  # type: ignore[type-arg]
            return [
                replace(one, finish_reason="error", losses=None, measured=None, text="7") for one in super().collect()
            ]

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


MEASURED = {name: metric.asks for name, metric in METRICS.items() if metric.asks not in ("nothing", "judge")}


@pytest.mark.parametrize(("name", "role"), MEASURED.items())
def test_a_score_in_another_dtype_is_asked_for_in_it_and_has_another_revision(name: str, role: Role) -> None:
    asked = []
    everywhere: list[dict[Role, str]] = [{}, {role: "bfloat16"}, {"judge": "bfloat16"}]

    def answer(request: Request) -> str | Losses | Measured:
        assert isinstance(request, LossRequest | RewardRequest | ConfidenceRequest)
        asked.append(request.dtype)
        return reply(request)

    exact, coarse, elsewhere = (
        scored(PAIR, name, scoring=replace(SCORING, dtypes=dtypes), engine=FakeEngine(answer))[0].revision
        for dtypes in everywhere
    )

    assert asked == ["float32", "bfloat16", "float32"]
    assert coarse != exact
    assert elsewhere == exact


@pytest.mark.parametrize("name", [name for name, metric in METRICS.items() if metric.asks == "judge"])
def test_verdicts_of_another_judge_have_another_revision(name: str) -> None:
    other = replace(SCORING, judge=replace(SCORING.judge, revision="other"))

    assert scored(PAIR, name)[0].revision != scored(PAIR, name, scoring=other)[0].revision
    assert scored(PAIR, name)[0].revision == scored(PAIR, name, scoring=replace(SCORING, form="chat"))[0].revision


def test_a_reward_is_of_the_evolving_prompt_and_the_child_or_of_the_instruction_and_the_response() -> None:
    engine = FakeEngine(reply)

    scored(PAIR, "reward_evolution", "reward_evolution_per_word", "reward_response", engine=engine)

    chats = {(one.user, one.assistant) for one in engine.submitted if isinstance(one, RewardRequest)}
    assert chats == {("Make 'Add.' harder.", "Add the numbers."), ("Add the numbers.\n2 and 3", "That is 5.")}
    assert len(engine.submitted) == 2, "raw and adjusted rewards share a question"


@pytest.mark.parametrize("name", ["reward_evolution", "reward_evolution_per_word"])
def test_an_instruction_without_a_known_evolving_prompt_has_no_reward_as_an_evolution(name: str) -> None:
    engine = FakeEngine(reply)

    (score,) = scored(replace(PAIR, evolving_prompt=""), name, engine=engine)

    assert (score.value, score.reason, engine.submitted) == (None, "no_parent", [])


def test_no_word_means_no_reward_for_each_word() -> None:
    adjusted, raw = scored(replace(PAIR, response=" "), "reward_response_per_word", "reward_response")

    assert (adjusted.value, adjusted.reason, raw.value) == (None, "empty_text", 1.5)


def test_confidence_is_asked_once_of_the_responder_with_its_prompt() -> None:
    engine = FakeEngine(reply)

    scored(PAIR, "confidence", "confidence_first5", "entropy_top20", engine=engine)

    (request,) = engine.submitted
    assert isinstance(request, ConfidenceRequest)
    assert (request.model, request.user) == (SCORING.responder, "Please: Add the numbers.\n2 and 3")


def test_the_reason_of_what_could_not_be_measured_is_the_engines() -> None:
    def over(request: Request) -> Measured:
        return Measured(reason="over_context")

    scores = scored(PAIR, "confidence", "reward_response", "reward_response_per_word", engine=FakeEngine(over))

    assert {(score.value, score.reason) for score in scores} == {(None, "over_context")}


def test_a_model_that_nobody_named_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="no model is named as the reward"):
        scored(PAIR, "reward_response", scoring=replace(SCORING, reward=None))
