"""The nearest other row of each row, exactly, in memory that does not grow with the square of the rows.

Every product of two blocks serves both: distances are the same from either end, so half of them are enough. Where the
rows have a few leading coordinates that say most, as embeddings of text have, only those pairs are multiplied out that
could be nearest by the bounds of `leading`; what is found is the same.

Shapes: N rows, D dimensions, R rows of one block, C rows of the other, K columns of the bounds, P pairs.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from evol_core.score.models.blocks import CLOSE, COLUMNS, ROWS, Best, blocks, product
from evol_core.score.models.leading import PAIR, Leading, leading
from evol_core.score.models.neighbourhoods import Neighbourhoods, neighbourhoods
from evol_core.score.models.pairs import Pairs, candidates, products_of

PATIENCE = 4
"""All products of a block are made when the pairs that were taken cost one part in so many of them, and more than all
would be left."""

PAIRS = 4096
"""Of more than these in a block those are multiplied out first that may spare most of the others."""


class Nearest(NamedTuple):
    """Of each row, its nearest other one."""

    distance_N: Tensor
    """Squared L2, float32: of unit vectors from 0 (the same) to 4 (opposite); inf where there is no other row."""

    row_N: Tensor
    """Its number; the first of those that are as near, -1 where there is no other row."""

    repeats_N: Tensor
    """How many other rows are nearer than NEAR."""


def nearest(unit_ND: Tensor) -> Nearest:
    """The nearest other row of each row of unit vectors, by squared L2 distance.

    Raises:
        ValueError: a row is not of length 1, so a product is no distance.
    """
    lengths_N = torch.linalg.vector_norm(unit_ND, dim=1)
    if not torch.allclose(lengths_N, torch.ones_like(lengths_N), atol=1e-3):
        raise ValueError("nearest: vectors must have length 1; divide each by its norm first")
    with torch.inference_mode():
        bounds = leading(unit_ND)
        best = by_products(unit_ND) if bounds is None else by_bounds(unit_ND, bounds)
    return found(best)


def by_products(unit_ND: Tensor) -> Best:
    """By all products."""
    best = Best(torch.arange(len(unit_ND), device=unit_ND.device))
    buffer = unit_ND.new_empty(ROWS * COLUMNS)
    for rows, columns in blocks(len(unit_ND)):
        best.take_block(product(unit_ND, rows, columns, buffer), rows, columns)
    return best


def by_bounds(unit_ND: Tensor, bounds: Leading) -> Best:
    """By the products of those pairs that could be nearest.

    Rows that are like each other are put side by side: a first look at a row's neighbours says how near its nearest is
    at least. Blocks near the diagonal come first.
    """
    near = neighbourhoods(unit_ND, bounds.bound_NK)
    search = _Search(unit_ND[near.number_N], bounds.bound_NK[near.number_N], bounds.slack, near)
    for rows, columns in sorted(blocks(len(unit_ND)), key=lambda block: block[1].start - block[0].start):
        search.block(rows, columns)
    return search.best


class _Search:
    """Rows in an order of their own, and what was found of them so far."""

    def __init__(self, unit_ND: Tensor, bound_NK: Tensor, slack: float, near: Neighbourhoods) -> None:
        self.best = Best(near.number_N)
        self._unit_ND, self._bound_NK, self._slack, self._seen_N = unit_ND, bound_NK, slack, near.seen_N
        self._buffer = unit_ND.new_empty(ROWS * COLUMNS)

    def block(self, rows: slice, columns: slice) -> None:
        """Take in the pairs of a block that could be nearest; all of them, where most are left."""
        bound_RC = product(self._bound_NK, rows, columns, self._buffer)
        pairs = candidates(bound_RC, self._enough(rows), self._enough(columns))
        taken: list[Pairs] = []
        if pairs is None:
            self._take_others(rows, columns, taken)
        while pairs:
            now, later = pairs.parted(*bound_RC.shape) if len(pairs) > PAIRS else (pairs, pairs.none())
            product_P = products_of(now, self._unit_ND[rows], self._unit_ND[columns])
            self.best.take_pairs(rows.start + now.row_P, columns.start + now.column_P, product_P)
            taken.append(now)
            pairs = later.above(self._enough(rows), self._enough(columns))
            if min(len(pairs), PATIENCE * sum(map(len, taken))) * PAIR > bound_RC.numel():
                self._take_others(rows, columns, taken)
                return

    def _enough(self, places: slice) -> Tensor:
        """A pair whose bound is not above it is neither nearest nor near."""
        return torch.maximum(self._seen_N[places], self.best.product_N[places]).clamp(max=CLOSE) - self._slack

    def _take_others(self, rows: slice, columns: slice, taken: Sequence[Pairs]) -> None:
        """All pairs of a block but those that were taken in before."""
        products_RC = product(self._unit_ND, rows, columns, self._buffer)
        for pairs in taken:
            products_RC[pairs.row_P, pairs.column_P] = -torch.inf
        self.best.take_block(products_RC, rows, columns)


def found(best: Best) -> Nearest:
    """What was found, in the order of the rows' own numbers."""
    n_rows = len(best.number_N)
    distance_N, row_N, repeats_N = (torch.empty_like(one) for one in (best.product_N, best.row_N, best.repeats_N))
    distance_N[best.number_N] = (2 - 2 * best.product_N).clamp(min=0.0)
    row_N[best.number_N] = torch.where(best.row_N == n_rows, -1, best.row_N)
    repeats_N[best.number_N] = best.repeats_N
    return Nearest(distance_N, row_N, repeats_N)
