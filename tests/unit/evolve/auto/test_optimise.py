from collections.abc import Sequence
from dataclasses import replace

import pytest

from evol_core.evolve.auto.method import BASE, PLACE, Method, method_problem
from evol_core.evolve.auto.optimise import drawn, optimise
from evol_core.evolve.auto.trials import Optimisation, OptimiseSetting, Stop, calls_a_step, calls_at_most
from evol_core.evolve.rounds import EvolveSetting
from evol_core.llm.fake import FakeEngine
from evol_core.recipe import AcceptanceConfig
from evol_core.records import Instruction, ModelRef, Seed
from evol_core.requests import Decoding, GenerateRequest, Message
from evol_core.runner import drive
from tests.unit.evolve.auto.scripted import Script, fenced, method_text, scripted

MODEL = ModelRef(name="m", revision="w", tokenizer="t")
N_DEVELOPMENT = 5


def answer(instruction: Instruction) -> GenerateRequest:
    return GenerateRequest(model=MODEL, messages=(Message("user", instruction.prompt),), decoding=Decoding(), seed=1)


EVOLVE = EvolveSetting(
    operators=(),
    rounds=1,
    evolver=MODEL,
    decoding=Decoding(temperature=0.0),
    acceptance=AcceptanceConfig(),
    recipe_seed=7,
    answer=answer,
    keep_truncated=False,
)
SETTING = OptimiseSetting(
    base=Method(text=method_text(1, "First. ")),
    form="json",
    evolve=EVOLVE,
    optimiser=MODEL,
    decoding=Decoding(temperature=0.6),
    steps=4,
    batch=2,
    stages=2,
    candidates=3,
    max_calls=None,
    recipe_seed=7,
)
ROWS = [
    Seed(
        ordinal=n,
        instruction=Instruction(text=f"Name {n} rivers."),
        output=None,
        source="a.txt",
        licence="CC0-1.0",
        line=n + 1,
    )
    for n in range(9)
]
DEVELOPMENT, POOL = ROWS[:N_DEVELOPMENT], ROWS[N_DEVELOPMENT:]


def loop(
    script: Script, setting: OptimiseSetting = SETTING, up_to: int | None = None, engine: FakeEngine | None = None
) -> Optimisation:
    program = optimise(setting, POOL, DEVELOPMENT, up_to=up_to)
    (found,) = drive([program], engine or FakeEngine(script))
    return found


def rates(found: Optimisation) -> list[tuple[int, int, float | None, str]]:
    return [(trial.step, trial.candidate, trial.failure_rate, trial.reason) for trial in found.trials]


def test_a_planted_better_method_has_the_lower_failure_rate_and_wins() -> None:
    found = loop(scripted([fenced(method_text(2)), fenced(method_text(4)), fenced(method_text(3))], base_good=1))

    assert rates(found) == [
        (0, 0, 0.8, ""),
        (1, 0, 0.6, ""),
        (1, 1, pytest.approx(0.2), ""),
        (1, 2, 0.4, ""),
        (2, 0, 0.6, ""),
        (2, 1, None, "unchanged_method"),
        (2, 2, 0.4, ""),
    ]
    assert found.best.method == Method(text=method_text(4))
    assert found.best.parent == SETTING.base
    assert found.best.failures == {"insufficient_qualification": 1}
    assert found.stop is Stop.NO_IMPROVEMENT


def test_where_no_candidate_improves_the_loop_stops_with_the_method_it_had() -> None:
    found = loop(scripted([fenced(method_text(1)), fenced(method_text(0))], base_good=1))

    assert found.stop is Stop.NO_IMPROVEMENT
    assert [trial.step for trial in found.winners] == [0]
    assert found.best.method == SETTING.base
    assert max(trial.step for trial in found.trials) == 1


def test_ties_go_to_the_first_and_a_repeated_candidate_is_measured_once() -> None:
    same, first, second = fenced(method_text(3)), fenced(method_text(3)), fenced(method_text(3, "Other. "))
    found = loop(scripted([same, first, second], base_good=1), replace(SETTING, steps=1))

    assert [(trial.candidate, trial.reason) for trial in found.trials if trial.step == 1] == [
        (0, ""),
        (1, "repeated_method"),
        (2, ""),
    ]
    assert found.best.candidate == 0
    assert found.stop is Stop.STEP_LIMIT


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("I cannot think of any.", "no_method_block"),
        (fenced("Make it harder.\n"), "no_place"),
        (fenced(" \n"), "empty_method"),
        (fenced(f"{PLACE}\n"), "empty_method"),
        (fenced(f"{PLACE}{'x' * 7000}\n"), "method_too_long"),
        (fenced(SETTING.base.text), "unchanged_method"),
    ],
)
def test_an_optimiser_that_never_returns_a_method_stops_the_loop_with_the_best_so_far(said: str, reason: str) -> None:
    found = loop(scripted([said], base_good=1))

    assert found.stop is Stop.NO_CANDIDATE
    assert found.best.method == SETTING.base
    assert {trial.reason for trial in found.trials if trial.step == 1} == {reason}
    assert all(trial.failure_rate is None for trial in found.trials if trial.step == 1)


def test_a_method_whose_replies_nobody_can_read_does_not_win() -> None:
    good = scripted([fenced(method_text(9, "UNREADABLE "))], base_good=1)

    def reply(request: GenerateRequest) -> str:
        said = good(request)
        assert isinstance(said, str)
        unreadable = "UNREADABLE" in request.messages[-1].content and "Reply in JSON" in request.messages[-1].content
        return "No." if unreadable else said

    found = loop(reply)  # type: ignore[arg-type]

    assert found.best.method == SETTING.base
    assert found.trials[1].failures == {"no_final": N_DEVELOPMENT}


def test_a_method_that_never_fails_ends_the_loop_without_asking_the_optimiser() -> None:
    found = loop(scripted([], base_good=1), replace(SETTING, base=Method(text=method_text(9))))

    assert (found.stop, found.cost.calls) == (Stop.NO_FAILURES, 2 * N_DEVELOPMENT)


def test_the_loop_makes_no_more_calls_than_it_said_beforehand() -> None:
    engine = FakeEngine(scripted([fenced(method_text(good)) for good in (2, 3, 4)], base_good=1))

    found = loop(scripted([], base_good=1), engine=engine)

    different = {request.hash for request in engine.submitted}
    assert len(different) <= found.cost.calls <= calls_at_most(SETTING, N_DEVELOPMENT)


@pytest.mark.parametrize("left", [0, 1])
def test_the_budget_is_never_passed_and_a_step_that_fits_exactly_is_made(left: int) -> None:
    step = calls_a_step(SETTING, N_DEVELOPMENT)
    budget = 2 * N_DEVELOPMENT + step - left
    improving = scripted([fenced(method_text(2)), fenced(method_text(3)), fenced(method_text(4))], base_good=1)

    found = loop(improving, replace(SETTING, max_calls=budget))

    assert found.cost.calls <= budget
    assert (found.stop, max(trial.step for trial in found.trials)) == (Stop.BUDGET, 1 - left)
    assert calls_at_most(replace(SETTING, max_calls=budget), N_DEVELOPMENT) <= budget


def test_the_paper_s_cost_of_a_step_is_found_again() -> None:
    """510 calls: 5 candidates x (50 rows x 2 + 2); the mini-batch of 10 comes on top of it."""
    papers = replace(SETTING, batch=10, stages=1, candidates=5)

    assert calls_a_step(papers, 50) == 510 + 10


def test_step_by_step_is_the_same_as_all_at_once_and_asks_the_same() -> None:
    script = scripted([fenced(method_text(2)), fenced(method_text(4)), fenced(method_text(3))], base_good=1)
    whole, parts = FakeEngine(script), FakeEngine(script)

    at_once = loop(script, engine=whole)
    in_steps = [loop(script, up_to=step, engine=parts) for step in range(1, SETTING.steps + 1)]

    assert in_steps[-1] == at_once
    assert in_steps[0].stop is Stop.UNFINISHED
    assert {request.hash for request in parts.submitted} == {request.hash for request in whole.submitted}


def test_an_input_takes_no_step_and_no_call_where_the_recipe_wants_none() -> None:
    engine = FakeEngine(scripted([], base_good=1))

    found = loop(scripted([], base_good=1), replace(SETTING, steps=0), engine=engine)

    assert (found.best.method, found.cost.calls, engine.submitted) == (SETTING.base, 0, [])


def test_the_development_set_and_the_pool_are_apart_and_do_not_depend_on_the_order_of_seeds() -> None:
    development, pool = drawn(ROWS, sample=8, development=3, recipe_seed=7)

    assert (len(development), len(pool)) == (3, 5)
    assert not {seed.ordinal for seed in development} & {seed.ordinal for seed in pool}
    assert drawn(ROWS[::-1], sample=8, development=3, recipe_seed=7) == (development, pool)
    assert drawn(ROWS, sample=8, development=3, recipe_seed=8) != (development, pool)


def test_the_optimiser_sees_the_numbered_stages_and_what_could_not_be_read() -> None:
    engine = FakeEngine(scripted([fenced(method_text(1))], base_good=1))

    loop(scripted([], base_good=1), replace(SETTING, steps=1), engine=engine)

    asked = [request.texts[0] for request in engine.submitted if request.texts[0].startswith("A method rewrites")]
    assert len(asked) == SETTING.candidates
    assert "Case 2\nStage 0: Name " in asked[0]
    assert "\nStage 2: " in asked[0]


def test_a_method_needs_the_place_for_the_instruction() -> None:
    def problems(texts: Sequence[str]) -> list[str]:
        return [method_problem(text) for text in texts]

    assert problems([BASE.text, "Harder!", "", f"{PLACE} {{other}}"]) == ["", "no_place", "empty_method", ""]
    assert Method(text=f"{{x}} {PLACE}").filled("a {b}") == "{x} a {b}"
