from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evol_core.evolve.rounds import EvolveSetting, evolve_row
from evol_core.llm.fake import FakeEngine
from evol_core.recipe import AcceptanceConfig
from evol_core.records import Evolved, FinishReason, Generation, Instruction, ModelRef, Seed
from evol_core.requests import Decoding, GenerateRequest, Message, Request, request_seed
from evol_core.runner import drive

EVOLVER = ModelRef(name="evolver", revision="w1", tokenizer="t1")
RESPONDER = ModelRef(name="responder", revision="w2", tokenizer="t2")
ROUNDS = 3


def answer(instruction: Instruction) -> GenerateRequest:
    return GenerateRequest(
        model=RESPONDER, messages=(Message("user", instruction.prompt),), decoding=Decoding(), seed=1
    )


SETTING = EvolveSetting(
    operators=("constraints", "deepen", "concretize", "reasoning", "breadth"),
    rounds=ROUNDS,
    evolver=EVOLVER,
    decoding=Decoding(max_tokens=192),
    acceptance=AcceptanceConfig(),
    recipe_seed=7,
    answer=answer,
    keep_truncated=False,
)


def seed(text: str = "Name a river.", ordinal: int = 0, input: str = "") -> Seed:
    instruction = Instruction(text=text, input=input)
    return Seed(ordinal=ordinal, instruction=instruction, output=None, source="a.txt", licence="CC0-1.0", line=1)


Said = str | tuple[str, FinishReason]


def play(start: Seed, script: list[Said], setting: EvolveSetting = SETTING) -> tuple[list[Evolved], list[Request]]:
    """Drive one row by hand: each request in turn is answered by the next line of the script."""
    program = evolve_row(start, setting)
    asked: list[Request] = []
    lines = iter(script)
    try:
        (request,) = next(program)
        while True:
            asked.append(request)
            line = next(lines)
            text, finish_reason = line if isinstance(line, tuple) else (line, "stop")
            (request,) = program.send((said(request, text, finish_reason),))
    except StopIteration as stop:
        rows = stop.value
    assert next(lines, None) is None, "the script has lines that nobody asked for"
    return rows, asked


def said(request: Request, text: str, finish_reason: FinishReason) -> Generation:
    return Generation(request_hash=request.hash, text=text, finish_reason=finish_reason, engine="script")


def test_the_accepted_output_of_a_round_is_the_input_of_the_next() -> None:
    rows, _ = play(seed(), ["Name two rivers.", "Po, Rhine", "Name six rivers.", "Many", "Name ten rivers.", "More"])

    assert [(row.parent.text, row.child and row.child.text, row.response) for row in rows] == [
        ("Name a river.", "Name two rivers.", "Po, Rhine"),
        ("Name two rivers.", "Name six rivers.", "Many"),
        ("Name six rivers.", "Name ten rivers.", "More"),
    ]
    assert [(row.round, row.ordinal, row.seed_id) for row in rows] == [
        (round, 0, seed().instruction.id) for round in range(ROUNDS)
    ]


def test_a_refused_child_stays_in_its_row_and_the_parent_tries_again() -> None:
    rows, asked = play(
        seed(),
        ["Name a river", "Name two rivers.", "Sorry, no.", ("Name three", "length")],
    )

    assert [(row.verdict.reason, row.parent.text, row.child and row.child.text, row.response) for row in rows] == [
        ("unchanged", "Name a river.", "Name a river", None),
        ("refusal", "Name a river.", "Name two rivers.", "Sorry, no."),
        ("truncated", "Name a river.", "Name three", None),
    ]
    assert [row.respond_hash for row in rows] == [None, asked[2].hash, None]
    assert [row.evolve_hash for row in rows] == [asked[0].hash, asked[1].hash, asked[3].hash]


def test_a_reply_without_an_instruction_has_no_child() -> None:
    rows, _ = play(seed(), ["", "Name a river.", "Name two rivers.", "Po"])

    assert [(row.child is None, row.verdict.reason) for row in rows] == [
        (True, "empty"),
        (True, "unchanged"),
        (False, ""),
    ]


def test_an_engines_error_fails_the_row_and_the_next_round_goes_on() -> None:
    rows, _ = play(seed(), [("", "error"), "Name two rivers.", ("", "error"), "Name six rivers.", "Many"])

    assert [(row.verdict.status.value, row.verdict.reason, row.response) for row in rows] == [
        ("failed", "engine_error", None),
        ("failed", "engine_error", None),
        ("accepted", "", "Many"),
    ]
    assert rows[2].parent == seed().instruction


def test_a_row_takes_its_operators_in_turn_from_its_own_number() -> None:
    operators = {
        ordinal: [row.operator for row in play(seed(ordinal=ordinal), ["", "", ""])[0]] for ordinal in (0, 3, 8)
    }

    assert operators == {
        0: ["constraints", "deepen", "concretize"],
        3: ["reasoning", "breadth", "constraints"],
        8: ["reasoning", "breadth", "constraints"],
    }


def test_a_request_is_one_user_turn_with_a_seed_of_its_own() -> None:
    start = seed(input="in Asia", ordinal=1)
    _, (first, second, third) = play(start, ["", "", ""])

    assert isinstance(first, GenerateRequest)
    assert isinstance(second, GenerateRequest)
    assert isinstance(third, GenerateRequest)
    assert (first.model, first.decoding, [turn.role for turn in first.messages]) == (
        EVOLVER,
        SETTING.decoding,
        ["user"],
    )
    assert start.instruction.text in first.messages[0].content
    assert start.instruction.input in first.messages[0].content
    assert [first.seed, second.seed, third.seed] == [
        request_seed(7, start.instruction.id, operator, round, 0)
        for round, operator in enumerate(["deepen", "concretize", "reasoning"])
    ]


def test_a_later_rounds_seed_comes_from_the_parent_that_is_shown() -> None:
    _, asked = play(seed(), ["Name two rivers.", "Po", "", ""])

    assert isinstance(asked[2], GenerateRequest)
    assert asked[2].seed == request_seed(7, Instruction(text="Name two rivers.").id, "deepen", 1, 0)


def test_what_is_asked_does_not_depend_on_the_rows_beside_it() -> None:
    _, alone = play(seed(ordinal=5), ["", "", ""])
    engine = FakeEngine(lambda request: "")
    list(drive([evolve_row(seed(f"Task {n}.", ordinal=n), SETTING) for n in range(5)], engine))
    list(drive([evolve_row(seed(ordinal=5), SETTING)], engine))

    assert [request.hash for request in engine.submitted[-ROUNDS:]] == [request.hash for request in alone]


def test_the_child_is_answered_with_its_input() -> None:
    _, asked = play(seed(input="in Asia"), ["Name two rivers.", "Ob", "", ""])

    assert asked[1].hash == answer(Instruction(text="Name two rivers.", input="in Asia")).hash


def test_a_response_is_cleaned_before_it_is_kept() -> None:
    rows, _ = play(seed(), ["Name two rivers.", " Po,\0 Rhine\r\n", "", ""])

    assert rows[0].response == "Po, Rhine"


def test_a_cut_response_is_kept_where_the_setting_says_so() -> None:
    script: list[Said] = ["Name two rivers.", ("Po, Rh", "length"), "", ""]

    assert play(seed(), script)[0][0].verdict.reason == "response_truncated"
    assert play(seed(), script, replace(SETTING, keep_truncated=True))[0][0].verdict.reason == ""


REPLIES: list[Callable[[Request], str]] = [
    lambda request: "",
    lambda request: "Name two rivers.",
    lambda request: f"Task {request.hash[:6]}",
    lambda request: "Sorry.",
]


@pytest.mark.parametrize("rounds", [0, 1, 4])
@given(choices=st.lists(st.sampled_from(REPLIES), min_size=1))
def test_every_seed_gives_one_row_a_round_whatever_the_model_says(
    rounds: int, choices: list[Callable[[Request], str]]
) -> None:
    engine = FakeEngine(lambda request: choices[int(request.hash[:8], 16) % len(choices)](request))
    seeds = [seed(f"Task {n}.", ordinal=n) for n in range(3)]

    results = list(drive([evolve_row(one, replace(SETTING, rounds=rounds)) for one in seeds], engine))

    assert [[(row.ordinal, row.round) for row in rows] for rows in results] == [
        [(n, round) for round in range(rounds)] for n in range(3)
    ]
    for rows in results:
        for row, following in pairwise(rows):
            assert following.parent == (row.child if row.verdict.reason == "" else row.parent)


def test_a_line_that_goes_back_to_its_seed_is_refused_and_tries_again_from_where_it_was() -> None:
    script: list[Said] = [
        "Name a river in Asia.",
        "The Mekong.",
        "name a river",
        "Name a river in Asia, and its source.",
        "The Mekong, from Tibet.",
    ]

    rows, _ = play(seed("Name a river."), script)

    assert [row.verdict.reason for row in rows] == ["", "repeats_ancestor", ""]
    assert rows[2].parent.text == "Name a river in Asia."


JUDGED = replace(SETTING, equality_judge=ModelRef(name="judge", revision="w3", tokenizer="t3"), rounds=1)


def test_a_child_that_asks_for_nothing_new_is_refused_before_anybody_answers_it() -> None:
    (row,), asked = play(seed(), ["Please name one river.", "The same.\nVerdict: EQUAL"], JUDGED)

    assert (row.verdict.reason, row.response, row.respond_hash) == ("no_information_gain", None, None)
    assert [request.model.name for request in asked] == ["evolver", "judge"]


def test_a_child_that_asks_for_more_goes_on_to_its_answer() -> None:
    script: list[Said] = ["Name a river with two sources.", "Verdict: DIFFERENT", "The Danube has two source rivers."]

    (row,), asked = play(seed(), script, JUDGED)

    assert row.verdict.status == "accepted"
    assert [request.model.name for request in asked] == ["evolver", "judge", "responder"]


@pytest.mark.parametrize(("wanted", "reason"), [(True, "loss_of_key_information"), (False, "")])
def test_an_answer_that_shows_a_failed_evolution_refuses_the_child_where_the_recipe_wants_it(
    wanted: bool, reason: str
) -> None:
    setting = replace(SETTING, rounds=1, acceptance=AcceptanceConfig(refuse_failures=wanted))

    (row,), _ = play(seed(), ["Name a river with two sources.", "Please provide the map of rivers."], setting)

    assert row.verdict.reason == reason
