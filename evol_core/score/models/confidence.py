"""How sure a chat model was of each token of a response: the likeliest token's probability, and the top-20's entropy.

The prompt is rendered by the model's chat template as when it generates; the response's tokens follow, and each is
predicted from all before it. Probabilities are before temperature and top-p. The end-of-turn token is no position.
Source: methods 5.7.

Shapes: N positions of one response, D hidden, V vocabulary, K = 20.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import AutoTokenizer

from evol_core.errors import ModelError
from evol_core.records import Measured
from evol_core.requests import ConfidenceRequest
from evol_core.score.models.forward import batches, load_model, padded, plain_head
from evol_core.score.models.sides import DATE
from evol_core.text import has_lone_surrogate

TOP = 20

PADDED_TOKENS = {"cpu": 1, "cuda": 16_384}
"""Of one batch; on a processor a chat alone is as fast and wastes nothing."""

POSITIONS = 256
"""Whose logits are held at once."""

EMPTY_ANSWER = "empty_answer"
OVER_MAX_TOKENS = "over_max_tokens"
OVER_CONTEXT = "over_context"
NOT_UNICODE = "not_unicode"
NOT_FINITE = "not_finite"


class Confidence:
    """Measures requests of one model, in float32."""

    def __init__(self, model: Any, tokenizer: Any, *, padded_tokens: int | None = None) -> None:
        self._model, self._tokenizer = model, tokenizer
        self._padded_tokens = padded_tokens or PADDED_TOKENS[model.device.type]
        self._context = int(getattr(model.config, "max_position_embeddings", 0)) or 2**31
        self._weight_VD = plain_head(model)

    def __call__(self, requests: Sequence[ConfidenceRequest]) -> list[Measured]:
        measured: dict[int, Measured] = {}
        chats: dict[int, tuple[list[int], list[int]]] = {}
        for number, request in enumerate(requests):
            prompt, response, reason = self._read(request)
            if reason:
                measured[number] = Measured(reason=reason)
            else:
                chats[number] = prompt, response
        numbers = list(chats)
        for batch in batches([len(prompt) + len(response) for prompt, response in chats.values()], self._padded_tokens):
            members = [numbers[place] for place in batch]
            measured.update(zip(members, self._forward([chats[number] for number in members]), strict=True))
        return [measured[number] for number in range(len(requests))]

    def _read(self, request: ConfidenceRequest) -> tuple[list[int], list[int], str]:
        """The tokens of both sides, and why they cannot be measured, if they cannot."""
        if has_lone_surrogate(request.user + request.response):
            return [], [], NOT_UNICODE
        prompt, response = self._ids(request)
        length = len(prompt) + len(response)
        if not response:
            return prompt, response, EMPTY_ANSWER
        if length > request.max_tokens:
            return prompt, response, OVER_MAX_TOKENS
        return prompt, response, OVER_CONTEXT if length > self._context else ""

    def _ids(self, request: ConfidenceRequest) -> tuple[list[int], list[int]]:
        chat = [{"role": "user", "content": request.user}]
        text = self._tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True, date_string=DATE)
        ids = [self._tokenizer(part, add_special_tokens=False)["input_ids"] for part in (text, request.response)]
        return ids[0], ids[1]

    def _forward(self, chats: Sequence[tuple[list[int], list[int]]]) -> list[Measured]:
        ids_BT, mask_BT = padded([prompt + response for prompt, response in chats], self._model.device)
        with torch.inference_mode():
            if self._weight_VD is None:
                states = self._model(input_ids=ids_BT, attention_mask=mask_BT, use_cache=False).logits
            else:
                states = self._model.base_model(input_ids=ids_BT, attention_mask=mask_BT, use_cache=False)[0]
            return [
                self._measured(states[row, len(prompt) - 1 : len(prompt) + len(response) - 1])
                for row, (prompt, response) in enumerate(chats)
            ]

    def _measured(self, states: Tensor) -> Measured:
        """Of the states that predict a response's tokens: logits, or hidden states before the head."""
        parts = [self._figures(part) for part in states.split(POSITIONS)]
        top1_N, entropy_N = (torch.cat(column) for column in zip(*parts, strict=True))
        if not bool((top1_N.isfinite() & entropy_N.isfinite()).all()):
            return Measured(reason=NOT_FINITE)
        return Measured(top1=tuple(top1_N.tolist()), entropy=tuple(entropy_N.tolist()))

    def _figures(self, states: Tensor) -> tuple[Tensor, Tensor]:
        logits_NV = (states if self._weight_VD is None else states @ self._weight_VD.t()).float()
        top_NK = logits_NV.topk(min(TOP, logits_NV.shape[1]), dim=1).values
        logprob_NK = top_NK - logits_NV.logsumexp(1, keepdim=True)
        return logprob_NK[:, 0].exp().clamp(max=1.0), -(logprob_NK.exp() * logprob_NK).sum(1).clamp(max=0.0)


def load_confidence(
    folder: Path, *, device: str = "auto", dtype: str = "float32"
) -> Callable[[Sequence[ConfidenceRequest]], list[Measured]]:
    """
    Raises:
        ModelError: the folder holds no causal language model with a chat template.
    """
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError) as error:
        raise ModelError(f"{folder} holds no tokenizer that can be loaded: {error}") from None
    if not getattr(tokenizer, "chat_template", None):
        raise ModelError(f"model {folder.name!r} has no chat template, so it answers nobody; use its instruct version")
    return Confidence(load_model(folder, device=device, dtype=dtype), tokenizer)
