"""Identity comes from content, and from all of it."""

import unicodedata
from dataclasses import replace

import pytest

from evol_core.records import Instruction, ModelRef, Pair
from evol_core.requests import (
    ConfidenceRequest,
    Decoding,
    EmbedRequest,
    GenerateRequest,
    LossRequest,
    Message,
    RewardRequest,
    request_seed,
)

MODEL = ModelRef(name="m", revision="r", tokenizer="t")
BASE = GenerateRequest(model=MODEL, messages=(Message("user", "Hi."),), decoding=Decoding(), seed=1)


def test_an_id_is_the_same_on_every_machine() -> None:
    assert Instruction(text="Name three primes.").id == "a5af2205-b270-0bcd-ca35-3adf6aa6a494"


def test_text_and_input_do_not_run_into_each_other() -> None:
    assert Instruction(text="ab", input="c").id != Instruction(text="a", input="bc").id


def test_composed_and_decomposed_letters_are_one_text() -> None:
    assert Instruction(text="é").id == Instruction(text=unicodedata.normalize("NFD", "é")).id


def test_a_lone_surrogate_has_an_id_too() -> None:
    assert Instruction(text="\ud800").id


def test_a_pair_is_known_by_its_response_as_well() -> None:
    question = Instruction(text="2+2?")

    assert Pair(instruction=question, response="4").id != Pair(instruction=question, response="5").id


@pytest.mark.parametrize(
    "other",
    [
        GenerateRequest(model=MODEL, messages=(Message("user", "Ho."),), decoding=Decoding(), seed=1),
        GenerateRequest(model=MODEL, messages=(Message("system", "Hi."),), decoding=Decoding(), seed=1),
        GenerateRequest(model=MODEL, messages=BASE.messages, decoding=Decoding(temperature=0), seed=1),
        GenerateRequest(model=MODEL, messages=BASE.messages, decoding=Decoding(json_schema="{}"), seed=1),
        GenerateRequest(model=MODEL, messages=BASE.messages, decoding=Decoding(), seed=2),
        GenerateRequest(model=MODEL, messages=BASE.messages, decoding=Decoding(), seed=1, sample=1),
        GenerateRequest(
            model=ModelRef(name="m", revision="s", tokenizer="t"), messages=BASE.messages, decoding=Decoding(), seed=1
        ),
        GenerateRequest(
            model=ModelRef(name="m", revision="r", tokenizer="u"), messages=BASE.messages, decoding=Decoding(), seed=1
        ),
        GenerateRequest(model=replace(MODEL, context=512), messages=BASE.messages, decoding=Decoding(), seed=1),
        LossRequest(model=MODEL, instruction="Hi.", response=""),
    ],
)
def test_everything_that_decides_an_answer_is_in_its_hash(other: GenerateRequest | LossRequest) -> None:
    assert other.hash != BASE.hash


def test_a_loss_does_not_depend_on_the_context_of_an_engine_that_generates() -> None:
    wide = replace(MODEL, context=4096)

    assert LossRequest(model=wide, instruction="Hi.", response="Ho.").hash == (
        LossRequest(model=MODEL, instruction="Hi.", response="Ho.").hash
    )


@pytest.mark.parametrize(
    "exact",
    [
        LossRequest(model=MODEL, instruction="Hi.", response="Ho."),
        RewardRequest(model=MODEL, user="Hi.", assistant="Ho."),
        ConfidenceRequest(model=MODEL, user="Hi.", response="Ho."),
        EmbedRequest(model=MODEL, text="Hi."),
    ],
)
def test_a_measurement_in_another_dtype_is_another_question(
    exact: LossRequest | RewardRequest | ConfidenceRequest | EmbedRequest,
) -> None:
    assert replace(exact, dtype="bfloat16").hash != exact.hash
    assert replace(exact, dtype="float32").hash == exact.hash


def test_two_kinds_of_request_of_the_same_texts_are_two_questions() -> None:
    asked = {
        LossRequest(model=MODEL, instruction="a", response="b").hash,
        RewardRequest(model=MODEL, user="a", assistant="b").hash,
        ConfidenceRequest(model=MODEL, user="a", response="b").hash,
        EmbedRequest(model=MODEL, text="a").hash,
        EmbedRequest(model=MODEL, text="b").hash,
    }

    assert len(asked) == 5


def test_a_request_hash_is_the_same_in_every_run() -> None:
    assert BASE.hash == "5c371882ce90b3ef4cd0bd6514414ea8abb7389ac0e3916c3e9d6e1b84ee381e"


def test_a_request_seed_depends_on_the_row_and_not_on_its_place() -> None:
    assert request_seed(0, "row", "deepen", 1, 0) == request_seed(0, "row", "deepen", 1, 0)
    seeds = {request_seed(0, "row", operator, round, 0) for operator in ("deepen", "breadth") for round in range(3)}
    assert len(seeds) == 6
    assert all(0 <= seed < 2**63 for seed in seeds)
