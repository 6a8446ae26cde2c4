"""Token losses of pairs under a base model: the engine behind IFD and IC-IFD.

Two forward passes a pair (the whole text, and the answer alone), in exact float32 unless asked otherwise. Logits are
made only where a token is scored. What cannot be measured is None with a reason, never 0 and never NaN.
Source: methods 5.1 and 5.2.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import transformers

from evol_core.errors import EngineError
from evol_core.records import Generation, Losses, ModelRef
from evol_core.requests import LossRequest, Request
from evol_core.score.models.forward import Forward, HfForward, load_model
from evol_core.score.models.packed import is_packable, packed_or_none
from evol_core.score.models.sides import ANSWER, QUESTION, EncodedPair, PairEncoder, Text
from evol_core.text import has_lone_surrogate

EMPTY_ANSWER = "empty_answer"
EMPTY_INSTRUCTION = "empty_instruction"
ONE_TOKEN_TEXT = "one_token_text"
"""No token of its own that has a predecessor."""

OVER_MAX_TOKENS = "over_max_tokens"
OVER_CONTEXT = "over_context"
"""Longer than the scorer's positions reach."""

TEMPLATE_CHANGES_TEXT = "template_changes_text"
"""The chat template rewrites what was said, so nobody can say whose its tokens are."""

NOT_UNICODE = "not_unicode"
NOT_FINITE = "not_finite"

BATCH_TOKENS = {"cpu": 1024, "cuda": 32_768}
"""Tokens of one round of forward passes."""

PADDED_TOKENS = {"cpu": 1, "cuda": 32_768}
"""Of a padded batch; on a processor a row alone is as fast and wastes nothing."""

NOTHING = Text(ids=[], sides=[])


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A request in tokens."""

    request: LossRequest
    pair: EncodedPair
    reason: str
    """Why no forward pass can be made of it; empty where one can."""

    since: float

    @property
    def n_tokens(self) -> int:
        return len(self.pair.full.ids) + len(self.pair.alone.ids)


class LossScorer:
    """Satisfies Engine for the LossRequests of one model. Longest pairs first, so that like lengths go together."""

    def __init__(
        self,
        folder: Path,
        ref: ModelRef,
        *,
        device: str = "auto",
        dtype: str = "float32",
        batch_tokens: int | None = None,
        packed: bool = True,
    ) -> None:
        """Load the model.

        Args:
            folder: a Hugging Face model folder.
            ref: the model's identity, as requests name it.
            device: `auto` is `cuda` where there is one.
            dtype: of weights and arithmetic, and of the requests. float32 is exact on a GPU too (no tf32); others are
                not. `auto` is that of the folder's weights.
            batch_tokens: of one round of forward passes; None chooses by device.
            packed: take the faster pass of our own where it says the same as transformers'.

        Raises:
            ModelError: the folder holds no causal language model with a fast tokenizer.
        """
        self._ref = ref
        self._dtype = dtype
        self._encoder = PairEncoder(folder)
        self._forward = load_forward(folder, device=device, dtype=dtype, batch_tokens=batch_tokens, packed=packed)
        self.device = str(self._forward.device)
        self._batch_tokens = batch_tokens or BATCH_TOKENS[self._forward.device.type]
        self.name = (
            f"losses {self._forward.name} {dtype} {self._forward.device.type} "
            f"(torch {torch.__version__}, transformers {transformers.__version__})"
        )
        self._pending: list[Job] = []
        self._done: list[Generation] = []

    def submit(self, requests: Sequence[Request]) -> None:
        for request in requests:
            if not isinstance(request, LossRequest) or request.model != self._ref:
                raise ValueError(f"{self.name} measures losses under {self._ref.name!r} only, got {request!r:.200}")
            if request.dtype != self._dtype:
                raise ValueError(
                    f"{self.name} was loaded in {self._dtype}, and a request wants {request.dtype}: the recipe names "
                    f"{self._ref.name!r} twice with different dtype; give both the same"
                )
            job = self._read(request)
            if job.reason:
                self._done.append(self._answer(job, [], []))
            else:
                self._pending.append(job)
        self._pending.sort(key=lambda job: job.n_tokens)

    def collect(self) -> list[Generation]:
        if not self._done and self._pending:
            self._done = self._measure(self._next_batch())
        done, self._done = self._done, []
        return done

    def close(self) -> None:
        self._pending.clear()
        self._done.clear()

    def _read(self, request: LossRequest) -> Job:
        since = time.monotonic()
        nothing = EncodedPair(full=NOTHING, alone=NOTHING)
        if has_lone_surrogate(request.instruction) or has_lone_surrogate(request.response):
            return Job(request=request, pair=nothing, reason=NOT_UNICODE, since=since)
        encode = self._encoder.chat if request.form == "chat" else self._encoder.plain
        pair = encode(request.instruction, request.response)
        if pair is None:
            return Job(request=request, pair=nothing, reason=TEMPLATE_CHANGES_TEXT, since=since)
        longest = max(len(pair.full.ids), len(pair.alone.ids))
        reason = OVER_MAX_TOKENS if longest > request.max_tokens else ""
        reason = reason or (OVER_CONTEXT if longest > self._forward.context else "")
        return Job(request=request, pair=pair, reason=reason, since=since)

    def _next_batch(self) -> list[Job]:
        batch = [self._pending.pop()]
        n_tokens = batch[0].n_tokens
        while self._pending and n_tokens + self._pending[-1].n_tokens <= self._batch_tokens:
            batch.append(self._pending.pop())
            n_tokens += batch[-1].n_tokens
        return batch

    def _measure(self, batch: list[Job]) -> list[Generation]:
        try:
            losses = self._forward([text for job in batch for text in (job.pair.full, job.pair.alone)])
        except torch.OutOfMemoryError as error:
            if len(batch) == 1:
                raise EngineError(f"{self.name}: a pair of {batch[0].n_tokens} tokens is too much: {error}") from error
            half = len(batch) // 2
            return self._measure(batch[:half]) + self._measure(batch[half:])
        return [self._answer(job, losses[2 * index], losses[2 * index + 1]) for index, job in enumerate(batch)]

    def _answer(self, job: Job, full: list[float], alone: list[float]) -> Generation:
        return Generation(
            request_hash=job.request.hash,
            finish_reason="scored",
            n_prompt_tokens=job.n_tokens,
            losses=losses_of(job, full, alone),
            engine=self.name,
            seconds=time.monotonic() - job.since,
        )


def load_forward(folder: Path, *, device: str, dtype: str, batch_tokens: int | None, packed: bool) -> Forward:
    """The fastest pass that fits the model, chosen by what the model has and by comparing what comes out."""
    model = load_model(folder, device=device, dtype=dtype)
    packed = packed and model.dtype == torch.float32
    fast = packed_or_none(model) if packed else None
    if fast is not None:
        return fast
    if packed and is_packable(model):
        model = load_model(folder, device=device, dtype=dtype)
    return HfForward(model, padded_tokens=batch_tokens or PADDED_TOKENS[model.device.type])


def losses_of(job: Job, full: list[float], alone: list[float]) -> Losses:
    """Means by side, from the losses of every token that is somebody's; both lists empty where none was measured."""
    sides = [side for side in job.pair.full.sides if side] if full else []
    question = mean([loss for loss, side in zip(full, sides, strict=True) if side == QUESTION])
    given = mean([loss for loss, side in zip(full, sides, strict=True) if side == ANSWER])
    by_itself = mean(alone)
    return Losses(
        question=finite(question),
        given=finite(given),
        alone=finite(by_itself),
        n_question=job.pair.full.count(QUESTION),
        n_answer=job.pair.full.count(ANSWER),
        n_alone=job.pair.alone.count(ANSWER),
        reason=job.reason or _reason(job.request, question, given, by_itself),
    )


def _reason(request: LossRequest, question: float | None, given: float | None, alone: float | None) -> str:
    """Why one of the three is missing; the answer's reason before the question's."""
    if given is None or alone is None:
        return ONE_TOKEN_TEXT if request.response.strip() else EMPTY_ANSWER
    if question is None:
        return ONE_TOKEN_TEXT if request.instruction.strip() else EMPTY_INSTRUCTION
    return "" if all(map(math.isfinite, (question, given, alone))) else NOT_FINITE


def mean(losses: Sequence[float]) -> float | None:
    """None of nothing."""
    return math.fsum(losses) / len(losses) if losses else None


def finite(loss: float | None) -> float | None:
    return loss if loss is not None and math.isfinite(loss) else None
