"""The steps that ask models, run against prepared replies."""

from collections.abc import Callable
from typing import TypeVar

import pytest

from evol_core.errors import ConfigError, ModelError
from evol_core.llm.nli_labels import NliLabel, labels_of
from evol_core.llm.port import Program
from evol_core.records import FinishReason, Generation, ModelRef, Status
from evol_core.requests import Decoding, GenerateRequest, Request
from evol_core.sandbox.jobs import CheckVerdict
from evol_core.verify.asking import Asking
from evol_core.verify.back_translation import MAX_CHECKERS, back_translate
from evol_core.verify.checkers import SCHEMA, sample_checkers
from evol_core.verify.checks import PASS_RULES, CheckedResponse, pass_rule_named
from evol_core.verify.nli import parse_label, prompted_nli
from evol_core.verify.quality import KEEP_FROM, judge_quality
from evol_core.verify.queries import choose_queries, first_human_turn, is_usable, usable_queries
from evol_core.verify.responses import ConstrainedTask, sample_responses
from evol_core.verify.self_instruct import propose_constraints

T = TypeVar("T")

ASKING = Asking(
    model=ModelRef(name="m", revision="r", tokenizer="t"), decoding=Decoding(temperature=0.7, top_p=0.95), recipe_seed=1
)
TASK = ConstrainedTask(query="what is rain", constraint="use {one} sentence")
CHECKER = '{"func": "def evaluate(response):\\n    return True", "cases": []}'

Reply = str | tuple[str, FinishReason]


def run(program: Program[T], reply: Callable[[GenerateRequest], Reply]) -> T:
    """A program to its end; a reply is a text, or a text with the reason why it ended."""
    try:
        asked = next(program)
        while True:
            asked = program.send(tuple(_generation(request, reply) for request in asked))
    except StopIteration as stop:
        result: T = stop.value
        return result


def _generation(request: Request, reply: Callable[[GenerateRequest], Reply]) -> Generation:
    assert isinstance(request, GenerateRequest)
    said = reply(request)
    text, reason = said if isinstance(said, tuple) else (said, "stop")
    return Generation(request_hash=request.hash, text=text, finish_reason=reason, engine="prepared")


def prompt_of(request: GenerateRequest) -> str:
    return request.messages[-1].content


def test_all_seeds_are_shown_in_every_request_and_each_request_draws_anew() -> None:
    asked: list[GenerateRequest] = []

    def reply(request: GenerateRequest) -> str:
        asked.append(request)
        return f"- Write exactly {'x' * (request.sample + 1)} lines of text"

    proposed = run(propose_constraints(["Use no commas", "Write one line"], 3, ASKING), reply)

    assert all("- Use no commas\n- Write one line\n" in prompt_of(request) for request in asked)
    assert len({request.hash for request in asked}) == len({request.seed for request in asked}) == 3
    assert proposed.requests == tuple(request.hash for request in asked)


def test_proposed_constraints_follow_their_seeds_and_know_their_reply() -> None:
    replies = ["- Put a colon into each line", "- Use no commas\n- Begin with a number", "never mind"]

    proposed = run(propose_constraints(["Use no commas"], 3, ASKING), lambda request: replies[request.sample])

    assert [(one.text, one.origin) for one in proposed.constraints] == [
        ("Use no commas", "seed"),
        ("Put a colon into each line", "self_instruct"),
        ("Begin with a number", "self_instruct"),
        ("never mind", "self_instruct"),
    ]
    assert [one.request for one in proposed.constraints] == [None, *proposed.requests]
    assert [(line.text, line.reason) for line in proposed.rejected] == [("Use no commas", "repeats_a_seed")]


def test_failed_requests_are_counted_and_give_no_constraint() -> None:
    proposed = run(propose_constraints(["Use no commas"], 2, ASKING), lambda request: ("", "error"))

    assert (len(proposed.constraints), len(proposed.failed)) == (1, 2)


def test_every_sampled_reply_is_a_row() -> None:
    replies: list[Reply] = [CHECKER, "no", ("", "error"), ("", "stop"), CHECKER[:30]]

    sampled = run(sample_checkers("Use no commas", 5, ASKING), lambda request: replies[request.sample])

    assert [reply.reason for reply in sampled.replies] == ["", "not_json", "engine_error", "empty", "not_json"]
    assert len({reply.request for reply in sampled.replies}) == 5
    assert len(sampled.checkers) == 1


def test_the_checker_prompt_holds_the_constraint_as_it_is() -> None:
    prompts: list[str] = []

    def reply(request: GenerateRequest) -> str:
        prompts.append(prompt_of(request))
        return ""

    run(sample_checkers("Use {braces} and {constraint}", 1, ASKING), reply)

    assert "follow this rule: Use {braces} and {constraint}\n" in prompts[0]


def test_the_schema_asks_for_what_the_parser_takes() -> None:
    assert '"required":["func","cases"]' in SCHEMA
    assert '"required":["input","output"]' in SCHEMA


def translate(replies: dict[str, Reply], labels: dict[str, str]) -> tuple[str, str, int]:
    """Verdict, and number of requests, for sources whose description and its label are given."""
    n_asked = 0

    def reply(request: GenerateRequest) -> Reply:
        nonlocal n_asked
        n_asked += 1
        prompt = prompt_of(request)
        for source, text in replies.items():
            if source in prompt:
                return text
        return next(label for text, label in labels.items() if text in prompt)

    result = run(back_translate("Use no commas", list(replies), ASKING, prompted_nli(ASKING)), reply)
    return result.verdict.status.value, result.verdict.reason, n_asked


def test_one_contradiction_drops_a_constraint() -> None:
    replies: dict[str, Reply] = {"src_a": "Avoid commas.", "src_b": "Use commas."}

    assert translate(replies, {"Avoid": "entailment", "Use commas": "Contradiction."}) == (
        "rejected",
        "contradicted",
        4,
    )
    assert translate(replies, {"Avoid": "entailment", "Use commas": "neutral"}) == ("accepted", "", 4)


def test_a_label_that_nobody_can_read_is_no_contradiction() -> None:
    assert translate({"src_a": "Avoid commas."}, {"Avoid": "contradiction or neutral"}) == ("accepted", "", 2)


def test_an_empty_description_is_not_compared() -> None:
    assert translate({"src_a": " \n"}, {}) == ("accepted", "", 1)


def test_only_the_first_three_checkers_are_described() -> None:
    replies: dict[str, Reply] = {f"src_{number}": "" for number in range(9)}

    assert translate(replies, {})[2] == MAX_CHECKERS


def test_an_engine_that_serves_none_fails_the_constraint() -> None:
    assert translate({"src_a": ("", "error")}, {}) == ("failed", "engine_error", 1)


def test_labels_come_from_the_models_configuration() -> None:
    named = labels_of({0: "CONTRADICTION", 1: "neutral", 2: "Entailment"})

    assert named == {0: NliLabel.CONTRADICTION, 1: NliLabel.NEUTRAL, 2: NliLabel.ENTAILMENT}


def test_labels_without_meaning_are_refused() -> None:
    with pytest.raises(ModelError, match=r"this one's id2label is \{0: 'LABEL_0', 1: 'LABEL_1', 2: 'LABEL_2'\}"):
        labels_of({0: "LABEL_0", 1: "LABEL_1", 2: "LABEL_2"})


@pytest.mark.parametrize(
    ("reply", "label"),
    [
        ("entailment", "entailment"),
        ("**Neutral**.", "neutral"),
        ("neutral, yes neutral", "neutral"),
        ("", None),
        ("both", None),
    ],
)
def test_a_label_is_the_one_that_is_named(reply: str, label: str | None) -> None:
    assert parse_label(reply) == label


def test_queries_have_more_than_20_and_fewer_than_300_characters() -> None:
    assert [is_usable("x" * n) for n in (20, 21, 299, 300)] == [False, True, True, False]


def test_usable_queries_are_clean_and_distinct() -> None:
    long = "What is the meaning of rain?"

    assert usable_queries([f" {long}\r\n", long, "short"]) == (long,)


def test_the_same_queries_whatever_their_order() -> None:
    queries = [f"query number {number} of many" for number in range(50)]

    assert choose_queries("c", queries, 16) == choose_queries("c", queries[::-1], 16)
    assert choose_queries("c", queries, 16) != choose_queries("d", queries, 16)
    assert len(set(choose_queries("c", queries, 16))) == 16
    assert sorted(choose_queries("c", queries, 99)) == sorted(queries)


@pytest.mark.parametrize(
    ("conversation", "said"),
    [
        ([{"from": "system", "value": "s"}, {"from": "human", "value": "q"}, {"from": "human", "value": "r"}], "q"),
        ([{"role": "user", "content": "q"}], "q"),
        ([{"from": "gpt", "value": "a"}], None),
        ([{"from": "human", "value": 7}], None),
        ([], None),
    ],
)
def test_the_first_human_turn_is_the_query(conversation: list[dict[str, object]], said: str | None) -> None:
    assert first_human_turn(conversation) == said


def test_each_sampled_response_is_a_row_with_its_verdict() -> None:
    replies: list[Reply] = ["wet.", " ", ("cut", "length"), ("", "error")]

    rows = run(sample_responses(TASK, 4, ASKING), lambda request: replies[request.sample])
    kept = run(sample_responses(TASK, 4, ASKING, keep_truncated=True), lambda request: replies[request.sample])

    assert [row.verdict.reason for row in rows] == ["", "empty_response", "truncated", "engine_error"]
    assert [row.verdict.status for row in rows][3] is Status.FAILED
    assert kept[2].verdict.status is Status.ACCEPTED
    assert [row.text for row in rows][:3] == ["wet.", "", "cut"]


def test_the_model_is_asked_what_the_trainer_sees() -> None:
    asked: list[str] = []

    def reply(request: GenerateRequest) -> str:
        asked.append(prompt_of(request))
        return "x"

    run(sample_responses(TASK, 1, ASKING), reply)

    assert asked == ["What is rain. Use {one} sentence."]


@pytest.mark.parametrize(
    ("reply", "keep_from", "status", "reason", "score"),
    [
        ("Good.\nScore: 9", KEEP_FROM["code"], "accepted", "", 9),
        ("Good.\nScore: 8", KEEP_FROM["code"], "rejected", "low_quality", 8),
        ("Good.\nScore: 8", KEEP_FROM["paper"], "accepted", "", 8),
        ("Good.", 8, "rejected", "no_score", None),
        (("Score: 9", "error"), 8, "failed", "engine_error", None),
    ],
)
def test_a_score_keeps_from_its_threshold_on(
    reply: Reply, keep_from: int, status: str, reason: str, score: int | None
) -> None:
    quality = run(judge_quality(TASK, "It is {wet}.", keep_from, ASKING), lambda request: reply)

    assert (quality.verdict.status.value, quality.verdict.reason, quality.score) == (status, reason, score)


def test_no_score_is_as_high_as_eleven() -> None:
    with pytest.raises(ValueError, match=r"keep_from must be in \[0, 10\], got 11"):
        run(judge_quality(TASK, "x", 11, ASKING), lambda request: "")


def test_a_pass_rate_is_the_share_of_checkers_that_accept() -> None:
    def rate(*verdicts: CheckVerdict) -> float | None:
        return CheckedResponse(verdicts=verdicts, layers=()).pass_rate

    assert rate(CheckVerdict.TRUE, CheckVerdict.FALSE, CheckVerdict.TIMEOUT, CheckVerdict.ERROR) == 0.25
    assert rate() is None
    assert rate(CheckVerdict.TRUE, CheckVerdict.LOST) is None


def test_pass_rules_differ_at_their_bounds() -> None:
    kept = {name: [rule(rate) for rate in (0.0, 0.1, 0.5, 0.6, 0.8)] for name, rule in PASS_RULES.items()}

    assert kept == {
        "any": [False, True, True, True, True],
        "majority": [False, False, False, True, True],
        "most": [False, False, False, False, True],
    }


def test_an_unknown_pass_rule_names_the_known() -> None:
    with pytest.raises(ConfigError, match="unknown pass rule 'all'; known: any, majority, most"):
        pass_rule_named("all")
