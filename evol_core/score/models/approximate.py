"""The nearest other row of each row, nearly always, where all products would be too many.

Rows are gathered round centres; each is compared with the rows of the centres nearest to its own. What is found is a
real distance to a real row, never too small; how often it is the smallest is measured on rows drawn at random.

Shapes: N rows, D dimensions, C centres, S sampled rows.
"""

import math

import torch
from torch import Tensor

from evol_core.score.models.blocks import NEAR
from evol_core.score.models.centres import centres
from evol_core.score.models.nearest import Nearest

PROBED = 1 / 8
"""Share of the centres whose rows a row is compared with, at least 8 of them."""

CHECKED = 1000
"""Rows that recall is measured on."""

SAME = 1e-5
"""Two distances that differ by less are one."""


def approximate(unit_ND: Tensor, *, seed: int = 0) -> tuple[Nearest, float]:
    """As `nearest`, with the recall: the share of sampled rows whose distance is the exact one."""
    draw = torch.Generator().manual_seed(seed)
    centre_CD = centres(unit_ND, draw)
    inhabited, home_N = (unit_ND @ centre_CD.t()).argmax(1).unique(return_inverse=True)
    centre_CD = centre_CD[inhabited]  # copies of a row may be many centres, all but one of them empty
    n_probed = min(len(centre_CD), max(8, math.ceil(PROBED * len(centre_CD))))
    near_CP = (centre_CD @ centre_CD.t()).fill_diagonal_(torch.inf).topk(n_probed, dim=1).indices
    members = [(home_N == centre).nonzero()[:, 0] for centre in range(len(centre_CD))]
    best = Nearest(
        torch.full((len(unit_ND),), torch.inf, device=unit_ND.device),
        torch.full((len(unit_ND),), -1, dtype=torch.long, device=unit_ND.device),
        torch.zeros(len(unit_ND), dtype=torch.long, device=unit_ND.device),
    )
    for centre, rows in enumerate(members):
        _compare(unit_ND, rows, torch.cat([members[other] for other in near_CP[centre].tolist()]), best)
    return best, recall(unit_ND, best, draw)


def _compare(unit_ND: Tensor, rows: Tensor, others: Tensor, best: Nearest) -> None:
    """Take in the products of some rows with others; self is left out by its number."""
    for part in rows.split(1024):
        products = unit_ND[part] @ unit_ND[others].t()
        products[part[:, None] == others[None, :]] = -torch.inf
        largest = products.max(1)
        found = largest.values > -torch.inf
        best.distance_N[part[found]] = (2 - 2 * largest.values[found]).clamp(min=0.0)
        best.row_N[part[found]] = others[largest.indices[found]]
        best.repeats_N[part] = (products > 1 - NEAR / 2).sum(1)


def recall(unit_ND: Tensor, found: Nearest, draw: torch.Generator) -> float:
    """The share of rows, drawn at random, whose nearest other one was found."""
    rows = torch.randperm(len(unit_ND), generator=draw)[:CHECKED].to(unit_ND.device)
    largest = torch.full((len(rows),), -torch.inf, device=unit_ND.device)
    for first in range(0, len(unit_ND), 65_536):
        products = unit_ND[rows] @ unit_ND[first : first + 65_536].t()
        inside = (rows >= first) & (rows < first + 65_536)
        products[inside.nonzero()[:, 0], rows[inside] - first] = -torch.inf
        largest = torch.maximum(largest, products.max(1).values)
    exact = (2 - 2 * largest).clamp(min=0.0)
    return float(((found.distance_N[rows] - exact).abs() <= SAME).float().mean())
