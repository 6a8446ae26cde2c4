"""Products of all rows with all rows, block by block, and the best of each row so far.

Shapes: N rows, D dimensions, R rows of one block, C rows of the other, P pairs.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

ROWS, COLUMNS = 1024, 4096
"""Of a block of products: 16 MiB in float32."""

NEAR = 0.05
"""A squared distance below this makes a row a repeat of another."""

CLOSE = 1 - NEAR / 2
"""The product of two unit vectors whose squared distance is NEAR."""


def blocks(n_rows: int) -> Iterator[tuple[slice, slice]]:
    """Every unordered pair of rows once: the blocks on the diagonal, and those to the right of it."""
    for first in range(0, n_rows, ROWS):
        after = min(first + ROWS, n_rows)
        yield slice(first, after), slice(first, after)
        for others in range(after, n_rows, COLUMNS):
            yield slice(first, after), slice(others, min(others + COLUMNS, n_rows))


def product(rows_ND: Tensor, rows: slice, columns: slice, buffer: Tensor) -> Tensor:
    """The products of a block, in the buffer. On the diagonal -inf stands below it and for a row with itself."""
    shape = rows.stop - rows.start, columns.stop - columns.start
    out = buffer[: shape[0] * shape[1]].view(shape)
    products_RC = torch.mm(rows_ND[rows], rows_ND[columns].t(), out=out)
    if rows == columns:
        products_RC.masked_fill_(torch.ones_like(products_RC, dtype=torch.bool).tril_(), -torch.inf)
    return products_RC


class Best:
    """The largest product of each row so far. Each pair is taken in once."""

    def __init__(self, n_rows: int, device: torch.device) -> None:
        self.product_N = torch.full((n_rows,), -torch.inf, device=device)
        self.row_N = torch.full((n_rows,), n_rows, device=device)
        """The other row, the first of those that are as near; N before there is one."""

        self.repeats_N = torch.zeros_like(self.row_N)
        self._number_N = torch.arange(n_rows, device=device)

    def take_block(self, products_RC: Tensor, rows: slice, columns: slice) -> None:
        """Take in a block's products, for both ends of each pair."""
        self._take(products_RC, rows, columns, dim=1)
        self._take(products_RC, columns, rows, dim=0)

    def _take(self, products: Tensor, mine: slice, others: slice, *, dim: int) -> None:
        best = products.amax(dim)
        place = mine.start + ((best >= self.product_N[mine]) & (best > -torch.inf)).nonzero()[:, 0]
        if len(place):
            best_P = best[place - mine.start]
            tied = products.index_select(1 - dim, place - mine.start) == best_P.unsqueeze(dim)
            row_P = torch.where(tied, self._number_N[others].unsqueeze(1 - dim), len(self.row_N)).amin(dim)
            self._raise(place, best_P, row_P)
        if bool((best > CLOSE).any()):
            self.repeats_N[mine] += (products > CLOSE).sum(dim)

    def take_pairs(self, left_P: Tensor, right_P: Tensor, product_P: Tensor) -> None:
        """Take in the products of some pairs of rows, for both ends of each."""
        close_P = product_P > CLOSE
        for row_P, other_P in ((left_P, right_P), (right_P, left_P)):
            self._raise(row_P, product_P, other_P)
            self.repeats_N.index_add_(0, row_P[close_P], torch.ones_like(row_P[close_P]))

    def _raise(self, row_P: Tensor, product_P: Tensor, other_P: Tensor) -> None:
        """A row may stand there more than once."""
        before_P = self.product_N[row_P]
        self.product_N.scatter_reduce_(0, row_P, product_P, "amax")
        best_P = self.product_N[row_P]
        self.row_N[row_P[best_P > before_P]] = len(self.row_N)
        tied_P = product_P == best_P
        self.row_N.scatter_reduce_(0, row_P[tied_P], other_P[tied_P], "amin")
