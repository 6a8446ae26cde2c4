"""What a plan knows without an engine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from evol_core.errors import NotRecorded
from evol_core.llm.fake import FakeEngine
from evol_core.llm.plan import ModelPlan, ReplayOnly, estimated_tokens
from evol_core.llm.record import MemoryIndex, RecordedEngine
from evol_core.records import ModelRef
from evol_core.requests import Decoding, GenerateRequest, LossRequest, Message
from evol_core.store.objects import ObjectStore
from evol_core.store.scratch import Seen, scratch_database

SMALL = ModelRef(name="small", revision="r" * 64, tokenizer="t" * 64)
LARGE = ModelRef(name="large", revision="R" * 64, tokenizer="t" * 64)


def chat(text: str, model: ModelRef = SMALL) -> GenerateRequest:
    return GenerateRequest(model=model, messages=(Message("user", text),), decoding=Decoding(max_tokens=100), seed=7)


@pytest.fixture
def replay(tmp_path: Path) -> Iterator[ReplayOnly]:
    """A record that holds the answer to "a"."""
    store, index = ObjectStore(tmp_path), MemoryIndex()
    engine = RecordedEngine(make_engine=lambda: FakeEngine(lambda _: "answer"), store=store, index=index)
    engine.submit([chat("a")])
    engine.collect()
    with scratch_database() as database:
        yield ReplayOnly(store=store, index=index, asked=Seen(database, "asked"))


def test_replay_hands_out_what_is_recorded_before_it_names_what_is_not(replay: ReplayOnly) -> None:
    replay.submit([chat("b"), chat("a"), chat("c", LARGE)])

    assert [generation.text for generation in replay.collect()] == ["answer"]
    with pytest.raises(NotRecorded, match=r"2 requests to \['large', 'small'\] are not recorded.*`evol run`"):
        replay.collect()
    assert [plan.missing for plan in replay.plans()] == [1, 1]


def test_replay_of_what_is_all_recorded_ends_as_any_engine_does(replay: ReplayOnly) -> None:
    replay.submit([chat("a")])

    assert len(replay.collect()) == 1
    assert replay.collect() == []


def test_a_plan_counts_each_request_of_each_model_once(replay: ReplayOnly) -> None:
    replay.submit([chat("a"), chat("four"), chat("four")])
    replay.submit([chat("four"), chat("eight ch", LARGE)])

    assert replay.plans() == [
        ModelPlan(model=SMALL, recorded=1, missing=1, estimated_prompt_tokens=1, max_new_tokens=100),
        ModelPlan(model=LARGE, recorded=0, missing=1, estimated_prompt_tokens=2, max_new_tokens=100),
    ]


def test_a_pair_to_be_scored_has_the_tokens_of_both_its_texts_and_no_new_ones(replay: ReplayOnly) -> None:
    request = LossRequest(model=SMALL, instruction="12345", response="1234")
    replay.submit([request])

    assert estimated_tokens(request) == 3
    assert replay.plans()[0].max_new_tokens == 0
