"""The nearest other row of each row, exactly, in memory that does not grow with the square of the rows.

Every product of two blocks serves both: distances are the same from either end, so half of them are enough. Where the
processor multiplies bytes fast, only those pairs are multiplied out in float32 that could be nearest by the bounds of
`codes`; what is found is the same.

Shapes: N rows, D dimensions, R rows of one block, C rows of the other, P pairs.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from evol_core.score.models.blocks import CLOSE, COLUMNS, ROWS, Best, blocks, product
from evol_core.score.models.codes import NOT_A_PAIR, Codes, code_products, codes
from evol_core.score.models.pairs import Ends, Pairs, candidates, products_of

PAIR = 8
"""What a pair's product costs by itself, of what one in a block of products costs (measured: 6 to 11)."""

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
        bounds = codes(unit_ND)
        return described(by_products(unit_ND) if bounds is None else by_bounds(unit_ND, bounds))


def described(best: Best) -> Nearest:
    """What was found, as distances."""
    row_N = torch.where(best.row_N == len(best.row_N), -1, best.row_N)
    return Nearest((2 - 2 * best.product_N).clamp(min=0.0), row_N, best.repeats_N)


def by_products(unit_ND: Tensor) -> Best:
    """By all products."""
    best = Best(len(unit_ND), unit_ND.device)
    buffer = unit_ND.new_empty(ROWS * COLUMNS)
    for rows, columns in blocks(len(unit_ND)):
        best.take_block(product(unit_ND, rows, columns, buffer), rows, columns)
    return best


def by_bounds(unit_ND: Tensor, bounds: Codes) -> Best:
    """By the products of those pairs that could be nearest. The diagonal comes first, so that each row has some."""
    search = _Search(unit_ND, bounds)
    for rows, columns in sorted(blocks(len(unit_ND)), key=lambda block: block[0] != block[1]):
        search.block(rows, columns)
    return search.best


class _Search:
    """What was found so far."""

    def __init__(self, unit_ND: Tensor, bounds: Codes) -> None:
        self.best = Best(len(unit_ND), unit_ND.device)
        self._unit_ND, self._bounds = unit_ND, bounds
        self._seen_N = unit_ND.new_full((len(unit_ND),), -torch.inf)
        self._code_buffer = torch.empty(ROWS * COLUMNS, dtype=torch.int32)
        self._buffer = unit_ND.new_empty(ROWS * COLUMNS)

    def block(self, rows: slice, columns: slice) -> None:
        """Take in the pairs of a block that could be nearest; all of them, where most are left."""
        code_RC = code_products(self._bounds.code_ND, rows, columns, self._code_buffer)
        if rows == columns:
            self._seen_N[rows] = self._seen(rows, code_RC.fill_diagonal_(NOT_A_PAIR))
            code_RC.masked_fill_(torch.ones_like(code_RC, dtype=torch.bool).tril_(), NOT_A_PAIR)
        pairs = candidates(code_RC, self._bounds.unit, self._ends(rows), self._ends(columns))
        taken: list[Pairs] = []
        if pairs is None:
            self._take_others(rows, columns, taken)
        while pairs:
            now, later = pairs.parted(*code_RC.shape) if len(pairs) > PAIRS else (pairs, pairs.none())
            product_P = products_of(now, self._unit_ND[rows], self._unit_ND[columns])
            self.best.take_pairs(rows.start + now.row_P, columns.start + now.column_P, product_P)
            taken.append(now)
            pairs = later.above(self._enough(rows), self._enough(columns))
            if min(len(pairs), PATIENCE * sum(map(len, taken))) * PAIR > code_RC.numel():
                self._take_others(rows, columns, taken)
                return

    def _seen(self, rows: slice, code_RR: Tensor) -> Tensor:
        """Of each row, the product with the one whose code is nearest: that with its nearest is no smaller."""
        largest_R, other_R = code_RR.max(1)
        product_R = torch.linalg.vecdot(self._unit_ND[rows], self._unit_ND[rows][other_R])
        return product_R.where(largest_R > NOT_A_PAIR, -torch.inf)

    def _ends(self, places: slice) -> Ends:
        return Ends(self._bounds.margin_N[places], self._enough(places))

    def _enough(self, places: slice) -> Tensor:
        """A pair whose bound is not above it is neither nearest nor near."""
        return torch.maximum(self._seen_N[places], self.best.product_N[places]).clamp(max=CLOSE)

    def _take_others(self, rows: slice, columns: slice, taken: Sequence[Pairs]) -> None:
        """All pairs of a block but those that were taken in before."""
        products_RC = product(self._unit_ND, rows, columns, self._buffer)
        for pairs in taken:
            products_RC[pairs.row_P, pairs.column_P] = -torch.inf
        self.best.take_block(products_RC, rows, columns)
