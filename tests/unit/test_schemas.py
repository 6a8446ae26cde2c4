"""Records go to Parquet rows and come back the same."""

import pytest

from evol_core.records import (
    Evolved,
    Generation,
    Instruction,
    Losses,
    Measured,
    ModelRef,
    RequestHash,
    Seed,
    Status,
    Verdict,
)
from evol_core.requests import LossRequest
from evol_core.schemas import (
    EVOLVED,
    GENERATIONS,
    SEEDS,
    evolved_row,
    generation_record,
    generation_row,
    seed_record,
    seed_row,
    to_table,
)

REQUEST = LossRequest(model=ModelRef(name="m", revision="r", tokenizer="t"), instruction="Q", response="A")


@pytest.mark.parametrize(
    "generation",
    [
        Generation(request_hash=REQUEST.hash, text="x", finish_reason="stop", logprob_sum=-1.5, engine="e"),
        Generation(request_hash=REQUEST.hash, finish_reason="error", error="too long", engine="e"),
        Generation(
            request_hash=REQUEST.hash,
            finish_reason="scored",
            losses=Losses(question=1.0, given=None, alone=0.5, n_question=3, n_answer=0, n_alone=1, reason="empty"),
            engine="e",
        ),
        Generation(request_hash=REQUEST.hash, finish_reason="scored", measured=Measured(reward=-0.1), engine="e"),
        Generation(
            request_hash=REQUEST.hash,
            finish_reason="scored",
            measured=Measured(top1=(0.5, 0.25), entropy=(1.5, 0.0), vector=b"\0\1\2\3"),
            engine="e",
        ),
        Generation(
            request_hash=REQUEST.hash, finish_reason="scored", measured=Measured(reason="over_context"), engine="e"
        ),
    ],
)
def test_a_recorded_generation_comes_back_the_same(generation: Generation) -> None:
    table = to_table([generation_row(REQUEST, generation, "{}")], GENERATIONS)

    assert generation_record(table.to_pylist()[0]) == generation


def test_a_seed_comes_back_the_same() -> None:
    seed = Seed(ordinal=4, instruction=Instruction(text="a", input="b"), output=None, source="s", licence="MIT", line=2)

    assert seed_record(to_table([seed_row(seed)], SEEDS).to_pylist()[0]) == seed


def test_an_evolution_without_a_child_has_nulls_where_a_child_would_stand() -> None:
    row = Evolved(
        ordinal=0,
        round=1,
        seed_id=Instruction(text="p").id,
        parent=Instruction(text="p"),
        operator="deepen",
        child=None,
        response=None,
        verdict=Verdict(status=Status.REJECTED, reason="empty"),
        evolve_hash=RequestHash("h"),
        respond_hash=None,
    )

    (stored,) = to_table([evolved_row(row)], EVOLVED).to_pylist()

    assert (stored["instruction_id"], stored["response_id"], stored["reason"]) == (None, None, "empty")


def test_a_row_with_other_columns_than_its_table_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="'colour'"):
        to_table([{"colour": "red"}], SEEDS)
