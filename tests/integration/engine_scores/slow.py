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
    """Both text forms."""

    def __init__(self, folder: Path) -> None:
        self._model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        self._tokenizer: Any = AutoTokenizer.from_pretrained(folder)

    def losses(self, question: str, answer: str) -> Losses:
        """In the plain form."""
        in_question, in_answer = [], []
        for loss, (first, after) in self._token_losses(question + "\n" + answer):
            if first < len(question) and after <= len(question):
                in_question.append(loss)
            if first > len(question):
                in_answer.append(loss)
        return self._averages(in_question, in_answer, answer)

    def chat_losses(self, question: str, answer: str) -> Losses:
        """In the form of the chat template, of texts that stand in it once."""
        chat = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
        text = self._tokenizer.apply_chat_template(chat, tokenize=False)
        in_question: list[float] = []
        in_answer: list[float] = []
        for loss, (first, after) in self._token_losses(text, add_special_tokens=False):
            for said, losses in ((question, in_question), (answer, in_answer)):
                begins = text.index(said)
                if begins <= first and after <= begins + len(said):
                    losses.append(loss)
        return self._averages(in_question, in_answer, answer)

    def _averages(self, in_question: list[float], in_answer: list[float], answer: str) -> Losses:
        alone = [loss for loss, _ in self._token_losses(answer)]
        return Losses(
            question=average(in_question),
            given=average(in_answer),
            alone=average(alone),
            n_question=len(in_question),
            n_answer=len(in_answer),
            n_alone=len(alone),
        )

    def _token_losses(self, text: str, **how: bool) -> list[tuple[float, tuple[int, int]]]:
        """Loss and characters of every token of the text that has a predecessor."""
        found = self._tokenizer(text, return_offsets_mapping=True, **how)
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
