"""Centres that rows gather round.

Shapes: N rows, D dimensions, C centres, S sampled rows.
"""

import math

import torch
from torch import Tensor

ROUNDS = 4
"""Of moving the centres to the mean of their rows."""

SAMPLED_A_CENTRE = 64
"""Rows that a centre is found from."""


def centres(unit_ND: Tensor, draw: torch.Generator) -> Tensor:
    """About the square root of N centres, of length 1."""
    n_centres = max(1, math.isqrt(len(unit_ND)))
    n_sampled = min(len(unit_ND), SAMPLED_A_CENTRE * n_centres)
    sample_SD = unit_ND[torch.randperm(len(unit_ND), generator=draw)[:n_sampled].to(unit_ND.device)]
    centre_CD = sample_SD[:n_centres].clone()
    for _ in range(ROUNDS):
        home_S = (sample_SD @ centre_CD.t()).argmax(1)
        total_CD = torch.zeros_like(centre_CD).index_add_(0, home_S, sample_SD)
        length_C1 = torch.linalg.vector_norm(total_CD, dim=1, keepdim=True)
        centre_CD = torch.where(length_C1 > 0, total_CD / length_C1.clamp(min=1e-12), centre_CD)
    return centre_CD
