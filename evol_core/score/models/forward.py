"""Forward passes of a causal language model that end in token losses, in exact float32 under any padding.

Shapes: B rows, T tokens a row, N scored positions of all rows, D hidden, V vocabulary.
A capital suffix on a tensor's name is its shape.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import AutoModelForCausalLM
from transformers.utils.logging import disable_progress_bar

from evol_core.errors import ModelError
from evol_core.score.models.head import Head
from evol_core.score.models.sides import NOBODY, Text

SAME = 1e-3
"""Two ways to the same logits may differ by so much in float32; wrong ways differ by whole numbers."""


class Forward(Protocol):
    """Token losses of texts."""

    name: str
    device: torch.device
    context: int
    """Positions that the model knows."""

    def __call__(self, texts: Sequence[Text]) -> list[list[float]]:
        """The loss of every token that is somebody's, nats, in the order of each text."""


class HfForward:
    """Any architecture that transformers knows: rows of like length padded on the right."""

    def __init__(self, model: Any, *, padded_tokens: int) -> None:
        """`padded_tokens` of one forward pass, padding included; a longer row goes alone."""
        self.name = "transformers"
        self.device = model.device
        self.context = int(getattr(model.config, "max_position_embeddings", 0)) or 2**31
        self._model = model
        self._padded_tokens = padded_tokens
        weight_VD = plain_head(model)
        self._head = None if weight_VD is None else Head(weight_VD)

    def __call__(self, texts: Sequence[Text]) -> list[list[float]]:
        losses: list[list[float]] = [[] for _ in texts]
        for batch in batches([len(text.ids) for text in texts], self._padded_tokens):
            with torch.inference_mode():
                rows = self._losses([texts[index] for index in batch])
            for index, row in zip(batch, rows, strict=True):
                losses[index] = row
        return losses

    def _losses(self, texts: Sequence[Text]) -> list[list[float]]:
        ids_BT, mask_BT = padded([text.ids for text in texts], self.device)
        rows, columns, targets_N = scored_positions(texts, self.device)
        if self._head is None:
            logits_BTV = self._model(input_ids=ids_BT, attention_mask=mask_BT, use_cache=False).logits
            losses_N = cross_entropy(logits_BTV[rows, columns - 1].float(), targets_N, reduction="none")
        else:
            hidden_BTD = self._model.base_model(input_ids=ids_BT, attention_mask=mask_BT, use_cache=False)[0]
            losses_N = self._head(hidden_BTD[rows, columns - 1], targets_N)
        return split(losses_N, texts)


def dtype_of(name: str) -> Any:
    """A dtype as transformers takes it: `auto` is that of the weights in the folder."""
    return name if name == "auto" else getattr(torch, name)


def load_model(folder: Path, *, device: str, dtype: str) -> Any:
    """A causal language model for inference; dtype `auto` is that of its weights.

    Raises:
        ModelError: the folder holds none, or the device is not there.
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.set_float32_matmul_precision("highest")
    disable_progress_bar()
    try:
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype_of(dtype), local_files_only=True)
        return model.eval().to(device)
    except (OSError, ValueError, RuntimeError, AssertionError) as error:
        raise ModelError(f"{folder} cannot be loaded as a scorer on {device!r}: {error}") from None


def plain_head(model: Any) -> Tensor | None:
    """The output matrix, where the model's logits are no more than its product with the last hidden states."""
    layer = model.get_output_embeddings()
    if layer is None or getattr(layer, "bias", None) is not None or not isinstance(layer, torch.nn.Linear):
        return None
    ids = probe_ids(model)
    with torch.inference_mode():
        logits = model(input_ids=ids, use_cache=False).logits.float()
        hidden = model.base_model(input_ids=ids, use_cache=False)[0]
        same = logits.shape[-1] == layer.weight.shape[0] and torch.allclose(
            layer(hidden).float(), logits, atol=SAME, rtol=SAME
        )
    return layer.weight.detach() if same else None


def probe_ids(model: Any) -> Tensor:
    """A short nonsense text, to compare two ways through a model."""
    return (torch.arange(24, device=model.device) * 37 % int(model.config.vocab_size))[None]


def batches(lengths: Sequence[int], padded_tokens: int) -> Iterator[list[int]]:
    """Indices of rows that share a forward pass: longest first, at most so many tokens with their padding."""
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda index: -lengths[index]):
        if batch and lengths[batch[0]] * (len(batch) + 1) > padded_tokens:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def padded(rows: Sequence[Sequence[int]], device: torch.device) -> tuple[Tensor, Tensor]:
    """Token ids filled up on the right, and which of them are real."""
    width = max(map(len, rows))
    ids_BT = torch.zeros(len(rows), width, dtype=torch.long)
    mask_BT = torch.zeros(len(rows), width, dtype=torch.long)
    for index, row in enumerate(rows):
        ids_BT[index, : len(row)] = torch.tensor(row)
        mask_BT[index, : len(row)] = 1
    return ids_BT.to(device), mask_BT.to(device)


def scored_positions(texts: Sequence[Text], device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Row, column and id of every token that is somebody's."""
    places = [
        (row, column, text.ids[column])
        for row, text in enumerate(texts)
        for column, side in enumerate(text.sides)
        if side != NOBODY
    ]
    rows, columns, targets = torch.tensor(places, dtype=torch.long, device=device).reshape(-1, 3).unbind(1)
    return rows, columns, targets


def split(losses_N: Tensor, texts: Sequence[Text]) -> list[list[float]]:
    """The losses of each text."""
    counts = [sum(side != NOBODY for side in text.sides) for text in texts]
    return [part.tolist() for part in losses_N.double().clamp(min=0.0).cpu().split(counts)]
