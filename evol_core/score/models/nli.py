"""Natural language inference: whether a hypothesis follows from a premise, by a sequence classifier of three classes.

An engine: it answers a chat of two messages (what a user says is the premise, what an assistant says the hypothesis)
with the name of the class. Which class stands where, the model's own configuration says, never a fixed order.
Source: methods 4, step 4; AutoIF uses mDeBERTa-v3-base-xnli-multilingual-nli-2mil7.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from evol_core.errors import ModelError
from evol_core.llm.nli_labels import labels_of
from evol_core.records import Generation, ModelRef
from evol_core.requests import GenerateRequest, Request
from evol_core.score.models.forward import batches, dtype_of

PADDED_TOKENS = {"cpu": 2048, "cuda": 65_536}
"""Of one batch."""


Encoding = dict[str, list[int]]
"""A pair in tokens, with whatever else its tokenizer says of each."""


class NliClassifier:
    """Satisfies Engine."""

    def __init__(self, folder: Path, ref: ModelRef, *, device: str = "auto", dtype: str = "float32") -> None:
        """
        Raises:
            ModelError: the folder holds no classifier, or one of other classes.
        """
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        self.name = f"nli transformers {transformers.__version__} torch {torch.__version__}"
        self._ref = ref
        self._tokenizer, model = _load(folder, dtype)
        self._labels = labels_of({int(number): name for number, name in model.config.id2label.items()})
        self._model = model.eval().to(device)
        positions = int(getattr(model.config, "max_position_embeddings", 0)) or 2**31
        self._context = min(positions, int(self._tokenizer.model_max_length))
        self._waiting: list[Request] = []

    def submit(self, requests: Sequence[Request]) -> None:
        self._waiting += requests

    def collect(self) -> list[Generation]:
        """All that wait, in batches of like length."""
        requests, self._waiting = self._waiting, []
        began = time.perf_counter()
        answers: dict[int, Generation] = {}
        rows: dict[int, Encoding] = {}
        for number, request in enumerate(requests):
            encoded = self._encoded(request)
            if isinstance(encoded, str):
                answers[number] = self._failed(request, encoded)
            else:
                rows[number] = encoded
        answers |= self._classified(requests, rows, began)
        return [answers[number] for number in range(len(requests))]

    def close(self) -> None:
        self._waiting = []

    def _encoded(self, request: Request) -> Encoding | str:
        """The pair in tokens, or why it cannot be classified."""
        if not isinstance(request, GenerateRequest) or len(request.messages) != 2:
            return "a classifier reads two messages, a premise and a hypothesis"
        premise, hypothesis = (message.content for message in request.messages)
        encoded: Encoding = dict(self._tokenizer(premise, hypothesis))
        if (n_tokens := len(encoded["input_ids"])) > self._context:
            return f"over_context: {n_tokens} tokens, the model reads {self._context}"
        return encoded

    def _classified(
        self, requests: Sequence[Request], rows: dict[int, Encoding], began: float
    ) -> dict[int, Generation]:
        answers: dict[int, Generation] = {}
        numbers = list(rows)
        limit = PADDED_TOKENS[self._model.device.type]
        for batch in batches([len(rows[number]["input_ids"]) for number in numbers], limit):
            members = [numbers[place] for place in batch]
            for number, label in zip(members, self._read([rows[number] for number in members]), strict=True):
                answers[number] = Generation(
                    request_hash=requests[number].hash,
                    text=label,
                    finish_reason="stop",
                    n_prompt_tokens=len(rows[number]["input_ids"]),
                    engine=self.name,
                    seconds=time.perf_counter() - began,
                )
        return answers

    def _read(self, rows: list[Encoding]) -> list[str]:
        batch = self._tokenizer.pad(rows, return_tensors="pt").to(self._model.device)
        with torch.inference_mode():
            logits_BC = self._model(**batch).logits
        return [self._labels[int(place)].value for place in logits_BC.argmax(-1)]

    def _failed(self, request: Request, error: str) -> Generation:
        return Generation(request_hash=request.hash, finish_reason="error", error=error, engine=self.name)


def _load(folder: Path, dtype: str) -> tuple[Any, Any]:
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=dtype_of(dtype), local_files_only=True)
    except (OSError, ValueError, RuntimeError, ImportError) as error:
        raise ModelError(f"{folder} cannot be loaded as an NLI classifier: {error}") from None
    return tokenizer, model
