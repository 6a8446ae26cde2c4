"""Engines of rewards and vectors: what they record is what their models say."""

import struct
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch  # noqa: TID253

from evol_core.errors import ModelError
from evol_core.records import Generation, Measured, ModelRef
from evol_core.requests import EXACT, EmbedRequest, Request, RewardRequest
from evol_core.score.models.embeddings import Embedder
from evol_core.score.models.measuring import MeasuringEngine, measuring_engine
from evol_core.score.models.reward import Chat, load_reward_model
from tests.integration.engine_scores.test_reward import CHATS, classifier

pytestmark = pytest.mark.engine

REF = ModelRef(name="m", revision="r", tokenizer="t")


def answers(engine: MeasuringEngine, requests: list[Request]) -> list[Generation]:  # type: ignore[type-arg]
    engine.submit(requests)
    found = {}
    while some := engine.collect():
        found.update({one.request_hash: one for one in some})
    return [found[request.hash] for request in requests]


def test_a_recorded_reward_is_the_models(tmp_path: Path) -> None:
    folder = classifier(tmp_path)
    expected = load_reward_model(folder, device="cpu")([*CHATS, Chat("\ud800", "b")])
    requests: list[Request] = [
        RewardRequest(model=REF, user=chat.user, assistant=chat.assistant) for chat in [*CHATS, Chat("\ud800", "b")]
    ]

    found = [one.measured for one in answers(measuring_engine("reward", folder, REF), requests)]

    for one, reward in zip(found, expected, strict=True):
        assert one is not None
        assert one.reason == reward.reason
        assert one.reward == (None if reward.value is None else pytest.approx(reward.value, abs=3e-5))


def test_a_recorded_vector_is_the_embedders(tiny_embedder: Path) -> None:
    texts = ["the theatre", "a\0b", "", "\N{SNOWMAN}"]
    expected = Embedder(tiny_embedder, device="cpu").embed(texts)

    found = answers(
        measuring_engine("embed", tiny_embedder, REF), [EmbedRequest(model=REF, text=text) for text in texts]
    )

    for one, row in zip(found, expected, strict=True):
        assert one.measured is not None
        assert list(struct.unpack(f"<{len(row)}f", one.measured.vector)) == pytest.approx(row.tolist(), abs=1e-5)


def test_what_has_no_vector_has_a_reason_and_spoils_no_other(
    tiny_embedder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def embed(self: Embedder, texts: Sequence[str]) -> torch.Tensor:
        return torch.tensor([[float("nan"), 0.0] if text == "nan" else [0.0, float(len(text))] for text in texts])

    monkeypatch.setattr(Embedder, "embed", embed)
    texts = ["a", "\ud800", "nan", "", "b"]

    found = answers(
        measuring_engine("embed", tiny_embedder, REF), [EmbedRequest(model=REF, text=text) for text in texts]
    )

    said = [one.measured.reason if one.measured else None for one in found]
    assert said == ["", "not_unicode", "not_finite", "not_finite", ""]


def test_requests_that_do_not_fit_the_memory_together_are_measured_in_halves() -> None:
    def measure(requests: Sequence[EmbedRequest]) -> list[Measured]:
        if len(requests) > 2:
            raise torch.OutOfMemoryError("too much")
        return [Measured(reason=request.text) for request in requests]

    engine = MeasuringEngine("small", "embed", REF, EXACT, measure)
    requests: list[Request] = [EmbedRequest(model=REF, text=str(number)) for number in range(7)]

    assert [one.measured and one.measured.reason for one in answers(engine, requests)] == list("0123456")


def test_a_models_own_code_is_for_rewards_alone(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is run for rewards only, not for embed requests"):
        measuring_engine("embed", tmp_path, REF, trust_remote_code=True)
