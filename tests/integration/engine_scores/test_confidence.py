"""Confidence of small random models, against a plain loop over positions, and of the real one."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch  # noqa: TID253
from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: TID253

from evol_core.errors import ModelError
from evol_core.llm.model_folder import describe
from evol_core.records import Measured, ModelRef
from evol_core.requests import ConfidenceRequest
from evol_core.score.models.confidence import Confidence, load_confidence
from evol_core.score.models.forward import load_model
from evol_core.score.models.measuring import confidence_engine
from tests.integration.engine_scores.conftest import Tiny
from tests.integration.engine_scores.tiny import CONTEXT

pytestmark = pytest.mark.engine

REF = ModelRef(name="m", revision="r", tokenizer="t")
PAIRS = [("the sum?", "9"), ("?\nb", "the \0 a" * 9), ("", "\N{SNOWMAN}\n"), ("a" * 60, "so, what then?")]


def asked(*pairs: tuple[str, str], max_tokens: int = 2048) -> list[ConfidenceRequest]:
    return [ConfidenceRequest(model=REF, user=user, response=said, max_tokens=max_tokens) for user, said in pairs]


def slow(folder: Path, user: str, response: str) -> tuple[list[float], list[float]]:
    """One token after the other, in float64: the largest probability, and - sum p ln p over the largest 20."""
    model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    words: Any = AutoTokenizer.from_pretrained(folder)
    chat = [{"role": "user", "content": user}]
    ids = words.apply_chat_template(chat, add_generation_prompt=True, return_dict=False)
    top1, entropy = [], []
    for token in words(response, add_special_tokens=False)["input_ids"]:
        with torch.no_grad():
            probabilities = model(torch.tensor([ids])).logits[0, -1].double().softmax(0)
        largest = sorted(probabilities.tolist(), reverse=True)[:20]
        top1.append(largest[0])
        entropy.append(-sum(p * math.log(p) for p in largest))
        ids = [*ids, token]
    return top1, entropy


@pytest.mark.parametrize("model", ["llama", "gemma2"])
def test_figures_are_those_of_a_plain_loop_over_positions(tiny: Tiny, model: str) -> None:
    folder = tiny(model, "bos")

    found = load_confidence(folder, device="cpu")(asked(*PAIRS))

    for (user, response), one in zip(PAIRS, found, strict=True):
        top1, entropy = slow(folder, user, response)
        assert list(one.top1) == pytest.approx(top1, abs=3e-5)
        assert list(one.entropy) == pytest.approx(entropy, abs=3e-5)


def test_padding_and_order_change_nothing(tiny: Tiny) -> None:
    folder = tiny("llama", "bos")
    words = AutoTokenizer.from_pretrained(folder)
    model = load_model(folder, device="cpu", dtype="float32")

    alone = Confidence(model, words)(asked(*PAIRS))
    together = Confidence(model, words, padded_tokens=100_000)(asked(*PAIRS[::-1]))[::-1]

    for one, other in zip(alone, together, strict=True):
        assert list(one.top1) == pytest.approx(list(other.top1), abs=3e-5)
        assert list(one.entropy) == pytest.approx(list(other.entropy), abs=3e-5)


def test_what_has_no_figures_has_a_reason(tiny: Tiny) -> None:
    measure = load_confidence(tiny("llama", "bos"), device="cpu")

    long = ("a", "b" * CONTEXT)
    found = measure([*asked(("a", ""), ("\ud800", "b"), long), *asked(long, max_tokens=9), *asked(("a", "b"))])

    assert found[:4] == [
        Measured(reason=reason) for reason in ("empty_answer", "not_unicode", "over_context", "over_max_tokens")
    ]
    assert len(found[4].top1) == len(found[4].entropy) == 1


def test_a_model_without_a_chat_template_is_refused(tiny: Tiny) -> None:
    with pytest.raises(ModelError, match="has no chat template, so it answers nobody"):
        load_confidence(tiny("llama", "no_bos"))


def test_the_engine_answers_every_request_once_and_refuses_others(tiny: Tiny) -> None:
    folder = tiny("llama", "bos")
    ref = describe(folder)
    engine = confidence_engine(folder, ref)
    requests = [ConfidenceRequest(model=ref, user="a", response="b" * length) for length in range(1, 40)]

    engine.submit(requests)
    answers = []
    while some := engine.collect():
        answers += some

    assert sorted(answer.request_hash for answer in answers) == sorted(request.hash for request in requests)
    assert {answer.finish_reason for answer in answers} == {"scored"}
    lengths = {request.hash: len(request.response) for request in requests}
    assert all(len(answer.measured.top1) == lengths[answer.request_hash] for answer in answers if answer.measured)
    with pytest.raises(ValueError, match="answers confidence requests of"):
        engine.submit(asked(("a", "b")))


def test_the_real_model_is_surer_of_its_own_greedy_words_than_of_noise(model_folder: Path) -> None:
    measure = load_confidence(model_folder, device="cpu")

    fluent, noise = measure(asked(("What is 2 + 2?", "2 + 2 = 4."), ("What is 2 + 2?", "zq vexlor 88 ;; blit")))

    assert sum(fluent.top1) / len(fluent.top1) > sum(noise.top1) / len(noise.top1)
    assert all(0 < p <= 1 for p in fluent.top1)
    assert all(0 <= nats <= math.log(20) + 1e-6 for nats in fluent.entropy)
