"""How near two rows can be at most, from a few coordinates of each: what spares most of an exact search's products.

In an orthonormal basis whose first axes carry most of what the rows have, a product is that of the leading
coordinates and that of the rest; and the rest's, by Cauchy and Schwarz, is at most the product of the rest's lengths:

    x . y <= lead(x) . lead(y) + rest(x) rest(y)

which is one product of K + 1 columns instead of D. Embeddings of text have such axes; random vectors have none, so
what the bounds would spare is estimated on a sample first, and no setting is asked.

Shapes: N rows, D dimensions, S rows of a sample, Q of them asked for, K leading coordinates.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from evol_core.score.models.blocks import CLOSE

FEWEST_ROWS = 8192
"""Below it, all products take less than the preparation may."""

SAMPLED, ASKED = 4096, 128
"""Rows that the axes are found from and candidates are counted among, and those that they are counted for."""

WIDTHS = (32, 64, 96, 128, 160, 192, 256, 320)
"""Leading coordinates to choose from."""

PAIR = 30
"""What a pair's product costs by itself, of what one in a block of products costs (measured: 20 to 50)."""

LOOKED_AT = 50
"""What looking through a block costs a pair, in multiplications of a block's product (measured: 30 to 75)."""

WORTH = 0.8
"""Of the time of all products; what is estimated above it is not tried."""

CHUNK = 4096
"""Rows that are turned into the new axes at a time, in float64."""


class Leading(NamedTuple):
    """The rows by their leading coordinates."""

    bound_NK: Tensor
    """float32, the leading coordinates and the length of the rest: products of these are the bounds."""

    slack: float
    """By how much a bound, or a product, may be wrong by rounding: a product is never above its bound by more."""


def leading(unit_ND: Tensor) -> Leading | None:
    """The rows by as many leading coordinates as seems cheapest; None where all products are as cheap."""
    n_rows, dimensions = unit_ND.shape
    if n_rows < FEWEST_ROWS:
        return None
    draw = torch.Generator().manual_seed(0)
    sample_S = torch.randperm(n_rows, generator=draw)[:SAMPLED].to(unit_ND.device)
    axes_DK = axes(unit_ND[sample_S])
    width = cheapest(unit_ND, sample_S, axes_DK)
    if width is None:
        return None
    exact_DK = torch.linalg.qr(axes_DK[:, :width].double()).Q
    bound_NK = torch.cat([turned(part_ND, exact_DK) for part_ND in unit_ND.split(CHUNK)])
    return Leading(bound_NK, slack_of(dimensions, width))


def slack_of(dimensions: int, width: int) -> float:
    """Twice what float32 can err in a sum of so many products of two vectors of length 1 (Higham's gamma)."""
    return 2 * (dimensions + width + 8) * 2.0**-24


def axes(sample_SD: Tensor) -> Tensor:
    """Orthogonal axes, a column each: first what the sample has most of."""
    _, axes_DD = torch.linalg.eigh(sample_SD.t() @ sample_SD)
    return axes_DD.flip(1)[:, : WIDTHS[-1]]


def turned(rows_ND: Tensor, axes_DK: Tensor) -> Tensor:
    """Leading coordinates and the length of the rest, exact to the last place of float32."""
    exact_ND = rows_ND.double()
    lead_NK = exact_ND @ axes_DK
    square_N1 = (exact_ND * exact_ND).sum(1, keepdim=True) - (lead_NK * lead_NK).sum(1, keepdim=True)
    rest_N1 = square_N1.clamp(min=0.0).sqrt()
    return torch.cat([lead_NK, rest_N1], dim=1).float()


def cheapest(unit_ND: Tensor, sample_S: Tensor, axes_DK: Tensor) -> int | None:
    """How many leading coordinates cost least, by the candidates that a sample leaves; None where none is worth it."""
    dimensions = unit_ND.shape[1]
    asked_S = sample_S[:ASKED]
    products_QN = unit_ND[asked_S] @ unit_ND.t()
    products_QN[torch.arange(len(asked_S)), asked_S] = -torch.inf
    wanted_Q1 = products_QN.amax(1, keepdim=True).clamp(max=CLOSE)
    lead_SK = unit_ND[sample_S] @ axes_DK
    rest_SK = (1 - lead_SK.square().cumsum(1)).clamp(min=0.0).sqrt()
    costs = {}
    for width in WIDTHS:
        if width < dimensions:
            lead_SW, rest_S1 = lead_SK[:, :width], rest_SK[:, width - 1 : width]
            bound_QS = lead_SW[:ASKED] @ lead_SW.t() + rest_S1[:ASKED] * rest_S1.t()
            bound_QS.fill_diagonal_(-torch.inf)
            share = float((bound_QS > wanted_Q1).float().mean())
            costs[width] = (width + LOOKED_AT + 2 * share * PAIR * dimensions) / dimensions
    best = min(costs, key=lambda width: costs[width], default=None)
    return best if best is not None and costs[best] <= WORTH else None
