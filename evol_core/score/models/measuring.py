"""Engines for what is measured without a word written: rewards, confidence, vectors.

Each takes the requests of one kind and one model, longest first, so that like lengths share a pass.
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Generic, TypeVar

import torch
import transformers
from torch import Tensor

from evol_core.errors import EngineError, ModelError
from evol_core.records import Generation, Measured, ModelRef
from evol_core.requests import EXACT, ConfidenceRequest, EmbedRequest, Kind, Request, RewardRequest
from evol_core.score.models.confidence import NOT_FINITE, NOT_UNICODE, load_confidence
from evol_core.score.models.embeddings import Embedder
from evol_core.score.models.reward import Chat, load_reward_model
from evol_core.text import has_lone_surrogate

OF_LENGTH_ONE = 1e-3
"""How far a vector's length may be from 1; NaN is farther than any number."""

BATCH_ROWS = {"reward": 16, "confidence": 16, "embed": 256}
"""Requests that are answered, and can be recorded, together."""

MEASURED = (RewardRequest, ConfidenceRequest, EmbedRequest)

Q = TypeVar("Q", bound=RewardRequest | ConfidenceRequest | EmbedRequest)


class MeasuringEngine(Generic[Q]):
    """Satisfies Engine by a function that measures a batch."""

    def __init__(
        self, name: str, kind: Kind, ref: ModelRef, dtype: str, measure: Callable[[Sequence[Q]], list[Measured]]
    ) -> None:
        self.name = f"{name} {dtype} (torch {torch.__version__}, transformers {transformers.__version__})"
        self._kind = kind
        self._ref = ref
        self._dtype = dtype
        self._measure = measure
        self._pending: list[tuple[Q, float]] = []

    def submit(self, requests: Sequence[Request]) -> None:
        for request in requests:
            if not isinstance(request, MEASURED) or request.kind != self._kind or request.model != self._ref:
                raise ValueError(
                    f"{self.name} answers {self._kind} requests of {self._ref.name!r}, got {request!r:.200}"
                )
            if request.dtype != self._dtype:
                raise ValueError(
                    f"{self.name} was loaded in {self._dtype}, and a request wants {request.dtype}: the recipe names "
                    f"{self._ref.name!r} twice with different dtype; give both the same"
                )
            self._pending.append((request, time.monotonic()))  # type: ignore[arg-type]
        self._pending.sort(key=lambda member: sum(map(len, member[0].texts)))

    def collect(self) -> list[Generation]:
        batch = [self._pending.pop() for _ in range(min(BATCH_ROWS[self._kind], len(self._pending)))]
        if not batch:
            return []
        measured = self._measured([request for request, _ in batch])
        return [self._answer(*member, one) for member, one in zip(batch, measured, strict=True)]

    def close(self) -> None:
        self._pending.clear()

    def _measured(self, requests: Sequence[Q]) -> list[Measured]:
        """In halves where the memory does not hold all at once."""
        try:
            return self._measure(requests)
        except torch.OutOfMemoryError as error:
            if len(requests) == 1:
                raise EngineError(f"{self.name}: one request alone is too much: {error}") from error
            half = len(requests) // 2
            return self._measured(requests[:half]) + self._measured(requests[half:])

    def _answer(self, request: Q, since: float, measured: Measured) -> Generation:
        return Generation(
            request_hash=request.hash,
            finish_reason="scored",
            measured=measured,
            engine=self.name,
            seconds=time.monotonic() - since,
        )


def reward_engine(
    folder: Path, ref: ModelRef, *, dtype: str = EXACT, trust_remote_code: bool = False
) -> MeasuringEngine[RewardRequest]:
    """
    Raises:
        ModelError: the folder holds no reward model, or one whose code is not allowed.
    """
    model = load_reward_model(folder, dtype=dtype, trust_remote_code=trust_remote_code)

    def measure(requests: Sequence[RewardRequest]) -> list[Measured]:
        rewards = model([Chat(request.user, request.assistant) for request in requests])
        return [Measured(reward=reward.value, reason=reward.reason) for reward in rewards]

    return MeasuringEngine("rewards", "reward", ref, dtype, measure)


def confidence_engine(folder: Path, ref: ModelRef, *, dtype: str = EXACT) -> MeasuringEngine[ConfidenceRequest]:
    """
    Raises:
        ModelError: the folder holds no causal language model with a chat template.
    """
    return MeasuringEngine("confidence", "confidence", ref, dtype, load_confidence(folder, dtype=dtype))


def vector_of(vector_D: Tensor) -> Measured:
    """A vector as it is recorded; one that has no direction is none."""
    if not abs(float(torch.linalg.vector_norm(vector_D)) - 1) <= OF_LENGTH_ONE:
        return Measured(reason=NOT_FINITE)
    return Measured(vector=vector_D.numpy().astype("<f4").tobytes())


def embed_engine(folder: Path, ref: ModelRef, *, dtype: str = EXACT) -> MeasuringEngine[EmbedRequest]:
    """
    Raises:
        ModelError: the folder holds no sentence-transformers model.
    """
    embedder = Embedder(folder, dtype=dtype)

    def measure(requests: Sequence[EmbedRequest]) -> list[Measured]:
        texts = [request.text for request in requests if not has_lone_surrogate(request.text)]
        vectors = iter(embedder.embed(texts))
        return [
            Measured(reason=NOT_UNICODE) if has_lone_surrogate(request.text) else vector_of(next(vectors))
            for request in requests
        ]

    return MeasuringEngine("embeddings", "embed", ref, dtype, measure)


def measuring_engine(
    kind: Kind, folder: Path, ref: ModelRef, *, dtype: str = EXACT, trust_remote_code: bool = False
) -> MeasuringEngine[RewardRequest] | MeasuringEngine[ConfidenceRequest] | MeasuringEngine[EmbedRequest]:
    """The engine of one kind of measurement; loads the model.

    Raises:
        ModelError: the folder holds no model of that kind.
    """
    if kind == "reward":
        return reward_engine(folder, ref, dtype=dtype, trust_remote_code=trust_remote_code)
    if trust_remote_code:
        raise ModelError(f"model {ref.name!r}: code of a model's own is run for rewards only, not for {kind} requests")
    return (confidence_engine if kind == "confidence" else embed_engine)(folder, ref, dtype=dtype)
