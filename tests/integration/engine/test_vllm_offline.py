"""vLLM in process, with a real model."""

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from evol_core.errors import EngineError, ModelError
from evol_core.llm.port import PollingEngine
from evol_core.llm.vllm_offline import VllmOffline, chat_tokens
from evol_core.recipe import ModelConfig
from evol_core.records import ModelRef
from evol_core.requests import LossRequest
from tests.integration.engine.chats import answers, chat, in_order_of_answer
from tests.integration.engine.conftest import CONTEXT

pytestmark = [
    pytest.mark.engine,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:max_rollback_tokens:DeprecationWarning"),  # how vLLM calls xgrammar
]

CITY = {
    "type": "object",
    "properties": {"city": {"type": "string", "maxLength": 20}, "score": {"type": "integer"}},
    "required": ["city", "score"],
    "additionalProperties": False,
}


def test_a_short_answer_does_not_wait_for_a_long_one(engine: VllmOffline, model: ModelRef) -> None:
    long = chat(model, "Tell a long story about a lighthouse.", max_tokens=20)
    short = chat(model, "Say yes.", max_tokens=2)
    engine.submit([long, short])

    assert [generation.request_hash for generation in engine.collect()] == [short.hash]
    assert [generation.request_hash for generation in engine.collect()] == [long.hash]
    assert engine.collect() == []


def test_whoever_waits_with_a_limit_gets_nothing_when_nothing_is_finished(engine: VllmOffline, model: ModelRef) -> None:
    assert isinstance(engine, PollingEngine)
    engine.submit([chat(model, "Tell a story about a harbour.", max_tokens=6)])

    assert engine.poll(0.0) == []
    assert len(engine.collect()) == 1


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_an_answer_does_not_depend_on_what_else_is_in_the_batch(
    engine: VllmOffline, model: ModelRef, temperature: float
) -> None:
    requests = [
        chat(
            model,
            f"Write one line about the number {number}.",
            max_tokens=10,
            temperature=temperature,
            top_p=0.9,
            seed=number,
        )
        for number in range(8)
    ]
    together = [generation.text for generation in answers(engine, requests)]

    alone = [answers(engine, [request])[0].text for request in requests[:3]]

    assert alone == together[:3]
    assert len(set(together)) > 4


def test_seeded_requests_with_more_prompt_tokens_than_one_step_reads_are_answered(
    engine: VllmOffline, model: ModelRef
) -> None:
    requests = [
        chat(model, f"{number} bakers. " + "They bake bread. " * 75, max_tokens=2, temperature=1.0, seed=number)
        for number in range(3)
    ]

    together = answers(engine, requests)

    assert sum(answer.n_prompt_tokens for answer in together) > CONTEXT
    assert answers(engine, requests[1:2])[0].text == together[1].text


def test_another_seed_draws_another_answer(engine: VllmOffline, model: ModelRef) -> None:
    one, other = (chat(model, "Tell a story.", max_tokens=8, temperature=1.0, seed=seed) for seed in (7, 8))

    first, second = answers(engine, [one, other])

    assert first.text != second.text


def test_a_chat_begins_with_one_special_token_even_where_the_tokenizer_would_add_its_own(
    engine: VllmOffline, model: ModelRef, model_folder: Path, tmp_path: Path
) -> None:
    from transformers import AutoTokenizer

    request = chat(model, "Hello.", max_tokens=1)
    adding = json.loads((model_folder / "tokenizer.json").read_text())
    bos = {"SpecialToken": {"id": "<|im_start|>", "type_id": 0}}
    text = {"Sequence": {"id": "A", "type_id": 0}}
    adding["post_processor"] = {
        "type": "TemplateProcessing",
        "single": [bos, text],
        "pair": [bos, text],
        "special_tokens": {"<|im_start|>": {"id": "<|im_start|>", "ids": [1], "tokens": ["<|im_start|>"]}},
    }
    for name in ("tokenizer_config.json", "chat_template.jinja", "config.json"):
        shutil.copy(model_folder / name, tmp_path)
    (tmp_path / "tokenizer.json").write_text(json.dumps(adding))
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    assert tokenizer("Hello.").input_ids[0] == 1, "this tokenizer adds a token of its own"

    tokens = chat_tokens(tokenizer, request.messages)

    assert tokens[0] == 1
    assert tokens[1] != 1
    assert tokens == engine.tokens(request)
    assert answers(engine, [request])[0].n_prompt_tokens == len(tokens)


def test_a_prompt_beyond_the_context_is_an_error_of_its_own(engine: VllmOffline, model: ModelRef) -> None:
    too_long = chat(model, "word " * CONTEXT)

    error, answer = answers(engine, [too_long, chat(model, "Say yes.", max_tokens=2)])

    assert error.finish_reason == "error"
    assert "a context of 512 (max_model_len) must also hold a reply" in error.error
    assert answer.finish_reason == "length"


def test_a_reply_ends_where_the_context_is_full(engine: VllmOffline, model: ModelRef) -> None:
    (answer,) = answers(engine, [chat(model, "Tell a story. " * 118, max_tokens=CONTEXT)])

    assert 1 < answer.n_tokens < 16
    assert answer.finish_reason == "length"
    assert answer.n_prompt_tokens + answer.n_tokens == CONTEXT


def test_structured_output_is_json_of_its_schema(engine: VllmOffline, model: ModelRef) -> None:
    asked = chat(model, "Rate Paris as JSON.", max_tokens=80, json_schema=json.dumps(CITY))

    said = json.loads(answers(engine, [asked])[0].text)

    assert said.keys() == {"city", "score"}
    assert isinstance(said["score"], int)


@pytest.mark.parametrize("broken", ["half a pair: \ud83d", "a schema"], ids=["text", "schema"])
def test_a_request_that_nobody_could_serve_is_an_error_of_its_own(
    engine: VllmOffline, model: ModelRef, broken: str
) -> None:
    schema = '{"type": "nonsense"}' if broken == "a schema" else ""

    (error,) = answers(engine, [chat(model, broken, json_schema=schema)])

    assert error.finish_reason == "error"
    assert ("nonsense" if schema else "surrogates not allowed") in error.error


def test_log_probabilities_are_those_before_temperature(
    engine: VllmOffline, model: ModelRef, model_folder: Path
) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    request = chat(model, "Name a colour.", max_tokens=1, temperature=1.7, top_p=0.2, seed=3)
    (answer,) = answers(engine, [request])
    (token,) = AutoTokenizer.from_pretrained(model_folder)(answer.text, add_special_tokens=False).input_ids
    reference = AutoModelForCausalLM.from_pretrained(model_folder, dtype=torch.float32)

    with torch.no_grad():
        logits = reference(torch.tensor([engine.tokens(request)])).logits[0, -1]

    assert answer.logprob_sum is not None
    assert math.isclose(answer.logprob_sum, torch.log_softmax(logits, -1)[token].item(), abs_tol=1e-3)


def test_two_engines_live_in_one_process_and_one_outlives_the_other(
    engine: VllmOffline, model: ModelRef, model_folder: Path
) -> None:
    second = VllmOffline(model_folder, model, ModelConfig(max_model_len=128, max_num_seqs=4))
    question = chat(model, "What is the capital of France?", max_tokens=12)
    engine.submit([question])
    second.submit([question])

    assert engine.collect()[0].text == second.collect()[0].text == "The capital of France is Paris."

    second.close()
    second.close()
    assert answers(engine, [replace(question, seed=2)])[0].text == "The capital of France is Paris."


def test_an_engine_that_breaks_is_an_engine_error(
    engine: VllmOffline, model: ModelRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise RuntimeError("out of memory")

    request = chat(model, "Say yes.", max_tokens=2)
    engine.submit([request])
    with monkeypatch.context() as patch:
        patch.setattr(engine.llm.llm_engine, "step", broken)
        with pytest.raises(EngineError, match=r"failed with 1 requests of model .*out of memory.*the log of this job"):
            engine.collect()
    assert len(engine.collect()) == 1


def test_other_weights_than_the_pinned_ones_are_refused_before_they_are_loaded(
    model: ModelRef, model_folder: Path
) -> None:
    with pytest.raises(ModelError, match="the recipe asks for revision abc"):
        VllmOffline(model_folder, model, ModelConfig(revision="abc"))


def test_a_context_that_the_model_has_not_is_a_mistake_of_the_recipe(model: ModelRef, model_folder: Path) -> None:
    with pytest.raises(ModelError, match=r"vLLM cannot run model .* as the recipe says: .*max_model_len \(1000000\)"):
        VllmOffline(model_folder, model, ModelConfig(max_model_len=1_000_000))


def test_pairs_to_be_scored_are_the_callers_mistake(engine: VllmOffline, model: ModelRef) -> None:
    with pytest.raises(ValueError, match="a LossRequest goes to a scorer"):
        engine.submit([LossRequest(model=model, instruction="q", response="a")])


def test_the_engine_is_named_with_its_version_and_platform(engine: VllmOffline, model: ModelRef) -> None:
    assert engine.name.split()[0] == "vllm"
    assert engine.name.split()[2] in ("cpu", "cuda")
    assert in_order_of_answer(engine, [chat(model, "Say yes.", max_tokens=1)])[0].engine == engine.name
