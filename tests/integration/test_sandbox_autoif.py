"""AutoIF from seed constraints to SFT rows and preference pairs, with recorded replies and the real sandbox."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evol_core.llm.fake import FakeEngine
from evol_core.records import ModelRef, Status
from evol_core.requests import Decoding, GenerateRequest, Request
from evol_core.runner import drive
from evol_core.sandbox.limits import Limits
from evol_core.sandbox.supervisor import Sandbox
from evol_core.verify.asking import Asking
from evol_core.verify.back_translation import back_translate
from evol_core.verify.checkers import sample_checkers
from evol_core.verify.checks import CheckedResponse, ResponseGroup, check_responses
from evol_core.verify.crosscheck import policy_named
from evol_core.verify.examine import Examined, examine, repaired, subject_of
from evol_core.verify.nli import prompted_nli
from evol_core.verify.pairs import Checked, preference_pairs
from evol_core.verify.quality import judge_quality
from evol_core.verify.queries import choose_queries, usable_queries
from evol_core.verify.responses import ConstrainedTask, sample_responses
from evol_core.verify.self_instruct import propose_constraints

PROJECT = Path(__file__).resolve().parents[2]
EXAMPLES = PROJECT / "examples/autoif"
RECORDED = [json.loads(line) for line in (PROJECT / "tests/data/autoif/replies.jsonl").read_text().splitlines()]
CHECKER_REPLIES = {row["instruction"]: row["gpt-answer"] for row in RECORDED}

LOWER = "Use lower case letters only"
NUMBERS = "Include at least three numbers written in digits"
RESPONSES = ["all small", "One Big", "", "SHOUT 1 2 3", "small 1 2 3", "4 5 6", "plain words", "seven 7 8 9"]

ASKING = Asking(model=ModelRef(name="m", revision="r", tokenizer="t"), decoding=Decoding(), recipe_seed=7)


def recorded_reply(request: Request) -> str:
    """What the recorded model said: recognised by what it was asked."""
    assert isinstance(request, GenerateRequest)
    prompt = request.messages[-1].content
    if "Write 50 more rules" in prompt:
        return f"Here you are:\n- {RECORDED[request.sample]['instruction']}\n- Use no commas at all, please\n- short"
    if "`evaluate(response)`" in prompt:
        replies = next((replies for text, replies in CHECKER_REPLIES.items() if f"this rule: {text}\n" in prompt), [""])
        return str(replies[request.sample % len(replies)])
    if "This Python function" in prompt:
        return "Write digits only." if "finditer" in prompt else "Follow the rule."
    if "Second rule:" in prompt:
        return "contradiction" if "digits only" in prompt else "entailment"
    if "Score: N" in prompt:
        return "It serves.\nScore: 9" if "\n\nall small\n" in prompt else "Poor.\nScore: 4"
    return RESPONSES[request.sample]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(n_workers=2, limits=Limits(case_cpu_s=0.2)) as running:
        yield running


@pytest.fixture(scope="module")
def engine() -> FakeEngine:
    return FakeEngine(recorded_reply, seed=3)


@pytest.fixture(scope="module")
def examined(engine: FakeEngine, sandbox: Sandbox) -> dict[str, Examined]:
    """Constraints proposed from the seeds, given checkers, and cross-validated."""
    seeds = (EXAMPLES / "constraints.txt").read_text().splitlines()
    (proposed,) = drive([propose_constraints(seeds[:3], len(RECORDED), ASKING)], engine)
    constraints = [one.text for one in proposed.constraints]
    sampled = list(drive((sample_checkers(text, 8, ASKING) for text in constraints), engine))
    repairs = repaired((checker.source for one in sampled for checker in one.checkers), sandbox)
    subjects = [subject_of(one.constraint, one.checkers, repairs) for one in sampled]
    return {one.subject.constraint: one for one in examine(subjects, sandbox, policy_named("upstream"))}


def test_every_constraint_has_a_fate(examined: dict[str, Examined]) -> None:
    fates = {text: one.reason for text, one in examined.items()}

    assert fates[LOWER] == fates[NUMBERS] == ""
    assert fates["Use no commas at all, please"] == "too_few_functions"
    assert len(fates) == 3 + len(RECORDED) + 1


def test_a_contradicting_description_drops_its_constraint(examined: dict[str, Examined], engine: FakeEngine) -> None:
    nli = prompted_nli(ASKING)
    survivors = {text: one.survivors for text, one in examined.items() if not one.reason}

    translated = drive((back_translate(text, found, ASKING, nli) for text, found in survivors.items()), engine)

    verdicts = {one.constraint: one.verdict.reason for one in translated}
    assert verdicts[LOWER] == ""
    assert verdicts[NUMBERS] == "contradicted"


def checked_rows(
    examined: dict[str, Examined], engine: FakeEngine, sandbox: Sandbox
) -> list[tuple[ConstrainedTask, str, CheckedResponse]]:
    queries = usable_queries((EXAMPLES / "queries.txt").read_text().splitlines())
    tasks = [ConstrainedTask(query=query, constraint=LOWER) for query in choose_queries(LOWER, queries, 2)]
    answered = list(drive((sample_responses(task, 8, ASKING) for task in tasks), engine))
    usable = [
        (task, one.text)
        for task, responses in zip(tasks, answered, strict=True)
        for one in responses
        if one.verdict.status is Status.ACCEPTED
    ]
    group = ResponseGroup(examined[LOWER].survivors, tuple(text for _, text in usable))
    (checked,) = check_responses([group], sandbox)
    return [(task, text, one) for (task, text), one in zip(usable, checked, strict=True)]


def test_responses_are_checked_scored_and_paired(
    examined: dict[str, Examined], engine: FakeEngine, sandbox: Sandbox
) -> None:
    rows = checked_rows(examined, engine, sandbox)
    rates = {text: one.pass_rate for _, text, one in rows}

    assert len(rows) == 2 * 7
    assert (rates["all small"], rates["One Big"], rates["SHOUT 1 2 3"]) == (1.0, 0.0, 0.0)
    assert rates["4 5 6"] == 0.8
    assert all("seccomp" in one.layers for _, _, one in rows)

    kept = [(task, text) for task, text, one in rows if one.pass_rate]
    qualities = list(drive((judge_quality(task, text, 9, ASKING) for task, text in kept), engine))
    good = [
        text for (_, text), quality in zip(kept, qualities, strict=True) if quality.verdict.status is Status.ACCEPTED
    ]
    assert good == ["all small"] * 2

    first = rows[0][0]
    pairs = preference_pairs(
        [Checked(text, one.pass_rate) for task, text, one in rows if task == first and one.pass_rate is not None],
        recipe_seed=7,
        row_id=first.instruction.id,
    )
    assert len(pairs) == 4
    assert all(rates[pair.chosen] == 1.0 or rates[pair.chosen] == 0.8 for pair in pairs)
    assert all(rates[pair.rejected] == 0.0 for pair in pairs)


def test_a_replay_gives_the_same_rows(examined: dict[str, Examined], sandbox: Sandbox) -> None:
    def rows(seed: int) -> list[Any]:
        return checked_rows(examined, FakeEngine(recorded_reply, seed=seed), sandbox)

    assert rows(1) == rows(2)


def test_nothing_survives_and_says_why(sandbox: Sandbox) -> None:
    """A model that writes no checker at all: a legal end, with a reason for each constraint."""
    engine = FakeEngine(lambda request: "I am a small model.")
    (proposed,) = drive([propose_constraints(["Use no commas"], 2, ASKING)], engine)
    sampled = list(drive((sample_checkers(one.text, 4, ASKING) for one in proposed.constraints), engine))
    subjects = [subject_of(one.constraint, one.checkers, {}) for one in sampled]

    fates = [(one.reason, one.checkers) for one in examine(subjects, sandbox, policy_named("upstream"))]

    assert fates == [("too_few_functions", ())] * 2
    assert {reply.reason for one in sampled for reply in one.replies} == {"not_json"}


def test_no_group_and_no_response_are_legal(sandbox: Sandbox) -> None:
    source = "def evaluate(response):\n    return True\n"
    groups = [ResponseGroup((), ("a",)), ResponseGroup((source,), ()), ResponseGroup((source,), ("a",))]

    first, second, third = check_responses(groups, sandbox)

    assert (first[0].pass_rate, second, third[0].pass_rate) == (None, (), 1.0)
