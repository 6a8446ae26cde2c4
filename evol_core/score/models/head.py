"""The last step of a language model: hidden states to token losses, without ever holding all logits.

Shapes: N scored positions, D hidden, V vocabulary.
"""

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

TILES = {"cpu": (256, 2048), "cuda": (1024, 65_536)}
"""Positions and vocabulary entries of one product. On a processor a tile stays in its cache."""


class Head:
    """The losses of targets, nats, as the sum of exp(logit - the target's logit) over tiles of the vocabulary."""

    def __init__(self, weight_VD: Tensor) -> None:
        self._weight_VD = weight_VD
        self._rows, self._entries = TILES[weight_VD.device.type]
        self._buffer = weight_VD.new_empty(self._rows * min(self._entries, len(weight_VD)))

    def __call__(self, hidden_ND: Tensor, targets_N: Tensor) -> Tensor:
        parts = zip(hidden_ND.split(self._rows), targets_N.split(self._rows), strict=True)
        losses = [self._tile(hidden, targets) for hidden, targets in parts]
        return torch.cat(losses) if losses else hidden_ND.new_empty(0)

    def _tile(self, hidden_ND: Tensor, targets_N: Tensor) -> Tensor:
        if hidden_ND.dtype != torch.float32:
            return self._at_once(hidden_ND, targets_N)
        target_N1 = (hidden_ND * self._weight_VD[targets_N]).sum(1, keepdim=True)
        total_N = torch.zeros_like(target_N1[:, 0])
        for weight in self._weight_VD.split(self._entries):
            out = self._buffer[: len(hidden_ND) * len(weight)].view(len(hidden_ND), len(weight))
            total_N += torch.mm(hidden_ND, weight.t(), out=out).sub_(target_N1).exp_().sum(1)
        if not bool(total_N.isfinite().all()):  # a loss above 88 nats
            return self._at_once(hidden_ND, targets_N)
        return total_N.log()

    def _at_once(self, hidden_ND: Tensor, targets_N: Tensor) -> Tensor:
        return cross_entropy((hidden_ND @ self._weight_VD.t()).float(), targets_N, reduction="none")
