"""Losses of a pair in the plainest way there is: one row, no batch, every logit, float64 from the logits on.

Written apart from the code it is compared with; it shares nothing with evol_core but the record it returns.
"""

import math
from pathlib import Path
from typing import Any

import torch  # noqa: TID253
from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: TID253

from evol_core.records import Losses


class SlowScorer:
    """The plain form only."""

    def __init__(self, folder: Path) -> None:
        self._model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        self._tokenizer: Any = AutoTokenizer.from_pretrained(folder)

    def losses(self, question: str, answer: str) -> Losses:
        whole = question + "\n" + answer
        in_question, in_answer = [], []
        for loss, (first, after) in self._token_losses(whole):
            if first < len(question) and after <= len(question):
                in_question.append(loss)
            if first > len(question):
                in_answer.append(loss)
        alone = [loss for loss, _ in self._token_losses(answer)]
        return Losses(
            question=average(in_question),
            given=average(in_answer),
            alone=average(alone),
            n_question=len(in_question),
            n_answer=len(in_answer),
            n_alone=len(alone),
        )

    def _token_losses(self, text: str) -> list[tuple[float, tuple[int, int]]]:
        """Loss and characters of every token of the text that has a predecessor."""
        found = self._tokenizer(text, return_offsets_mapping=True)
        ids = found["input_ids"]
        losses = []
        if len(ids) > 1:
            with torch.no_grad():
                logits = self._model(torch.tensor([ids])).logits[0].double()
            for place in range(1, len(ids)):
                row = logits[place - 1]
                losses.append((float(row.logsumexp(0) - row[ids[place]]), found["offset_mapping"][place]))
        return losses


def average(losses: list[float]) -> float | None:
    return math.fsum(losses) / len(losses) if losses else None
