"""The nearest other row of each row, exactly, in memory that does not grow with the square of the rows.

Every product of two blocks serves both: distances are the same from either end, so half of them are enough.

Shapes: N rows, D dimensions, R rows of one block, C rows of the other.
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

ROWS, COLUMNS = 1024, 4096
"""Of a block of products: 16 MiB in float32."""

NEAR = 0.05
"""A squared distance below this makes a row a repeat of another."""


class Nearest(NamedTuple):
    """Of each row, its nearest other one."""

    distance_N: Tensor
    """Squared L2, float32: of unit vectors from 0 (the same) to 4 (opposite); inf where there is no other row."""

    row_N: Tensor
    """Its number; the first of those that are as near, -1 where there is no other row."""

    repeats_N: Tensor
    """How many other rows are nearer than NEAR."""


class _Best:
    """The largest product of each row so far. Self is left out by its number, never by its rank."""

    def __init__(self, n_rows: int, device: torch.device) -> None:
        self.product_N = torch.full((n_rows,), -torch.inf, device=device)
        self.row_N = torch.full((n_rows,), -1, dtype=torch.long, device=device)
        self.repeats_N = torch.zeros(n_rows, dtype=torch.long, device=device)

    def update(self, first: int, products: Tensor, others_first: int, *, dim: int) -> None:
        """Take in a block's products: along `dim` lie the others, from row `others_first` on."""
        best = products.amax(dim)
        mine = slice(first, first + len(best))
        better = (best > self.product_N[mine]).nonzero()[:, 0]
        if len(better):
            self.product_N[first + better] = best[better]
            self.row_N[first + better] = others_first + products.index_select(1 - dim, better).max(dim).indices
        if bool((best > 1 - NEAR / 2).any()):
            self.repeats_N[mine] += (products > 1 - NEAR / 2).sum(dim)


def nearest(unit_ND: Tensor) -> Nearest:
    """The nearest other row of each row of unit vectors, by squared L2 distance.

    Raises:
        ValueError: a row is not of length 1, so a product is no distance.
    """
    lengths_N = torch.linalg.vector_norm(unit_ND, dim=1)
    if not torch.allclose(lengths_N, torch.ones_like(lengths_N), atol=1e-3):
        raise ValueError("nearest: vectors must have length 1; divide each by its norm first")
    best = _Best(len(unit_ND), unit_ND.device)
    buffer = unit_ND.new_empty(ROWS * max(ROWS, COLUMNS))
    with torch.inference_mode():
        for (first, after), (others, behind) in blocks(len(unit_ND)):
            out = buffer[: (after - first) * (behind - others)].view(after - first, behind - others)
            products_RC = torch.mm(unit_ND[first:after], unit_ND[others:behind].t(), out=out)
            if first == others:
                products_RC.fill_diagonal_(-torch.inf)
                best.update(first, products_RC, others, dim=1)
            else:
                best.update(first, products_RC, others, dim=1)
                best.update(others, products_RC, first, dim=0)
    distance_N = (2 - 2 * best.product_N).clamp(min=0.0)
    return Nearest(distance_N, best.row_N, best.repeats_N)


Bounds = tuple[int, int]
"""A run of rows: the first, and the one after the last."""


def blocks(n_rows: int) -> Iterator[tuple[Bounds, Bounds]]:
    """Every unordered pair of rows once: the blocks on the diagonal, and those to the right of it."""
    for first in range(0, n_rows, ROWS):
        after = min(first + ROWS, n_rows)
        yield (first, after), (first, after)
        for others in range(after, n_rows, COLUMNS):
            yield (first, after), (others, min(others + COLUMNS, n_rows))
