"""Pairs of a block that could be nearest by their codes, and their products, each made by itself.

Shapes: R rows of the block, C columns, D dimensions, G groups of columns, H groups of a row with a pair, P pairs.
"""

import math
import warnings
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

GROUP = 64
"""Products of codes of which the largest is looked at before each of them."""

EVERYWHERE = 0.5
"""Share of groups with a pair, above which nobody looks which pairs these are."""


class Ends(NamedTuple):
    """One end of all pairs of a block: its rows, or its columns."""

    margin_R: Tensor
    """Of the bounds, as `codes` has them."""

    enough_R: Tensor
    """A pair whose bound is not above it can be nothing to this end."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Of a block, each once, in the order of their rows."""

    row_P: Tensor
    column_P: Tensor
    bound_P: Tensor

    def __len__(self) -> int:
        return len(self.row_P)

    def of(self, mask_P: Tensor) -> "Pairs":
        return Pairs(self.row_P[mask_P], self.column_P[mask_P], self.bound_P[mask_P])

    def above(self, enough_R: Tensor, enough_C: Tensor) -> "Pairs":
        """Those whose bound is above what either end has."""
        return self.of(self.bound_P > torch.minimum(enough_R[self.row_P], enough_C[self.column_P]))

    def parted(self, n_rows: int, n_columns: int) -> tuple["Pairs", "Pairs"]:
        """Those with the largest bound of their row or of their column, which may spare most others; and the others."""
        mask_P = torch.zeros_like(self.row_P, dtype=torch.bool)
        for place_P, n_places in ((self.row_P, n_rows), (self.column_P, n_columns)):
            largest = self.bound_P.new_full((n_places,), -torch.inf)
            largest.scatter_reduce_(0, place_P, self.bound_P, "amax")
            mask_P |= self.bound_P == largest[place_P]
        return self.of(mask_P), self.of(~mask_P)

    def none(self) -> "Pairs":
        return self.of(torch.zeros_like(self.row_P, dtype=torch.bool))


def candidates(code_RC: Tensor, unit: float, rows: Ends, columns: Ends) -> Pairs | None:
    """The pairs whose bound is above what either end has; None where they are everywhere.

    Args:
        code_RC: the products of the block's codes.
        unit: what such a product is worth.
    """
    by_row_RGC = code_RC.unflatten(1, (-1, math.gcd(GROUP, code_RC.shape[1])))
    by_column_GRC = code_RC.unflatten(0, (-1, math.gcd(GROUP, code_RC.shape[0])))
    by_row = _above(by_row_RGC, by_row_RGC.amax(2), unit, rows, columns)
    by_column = _above(by_column_GRC.permute(2, 0, 1), by_column_GRC.amax(1).t(), unit, columns, rows)
    if by_row is None or by_column is None:
        return None
    others = by_column.of(by_column.bound_P <= rows.enough_R[by_column.column_P])
    row_P = torch.cat([by_row.row_P, others.column_P])
    order_P = row_P.argsort(stable=True)
    column_P, bound_P = torch.cat([by_row.column_P, others.row_P]), torch.cat([by_row.bound_P, others.bound_P])
    return Pairs(row_P[order_P], column_P[order_P], bound_P[order_P])


def _above(code_RGC: Tensor, largest_RG: Tensor, unit: float, mine: Ends, others: Ends) -> Pairs | None:
    """The pairs whose bound is above what their row has; None where they are everywhere."""
    group = code_RGC.shape[2]
    margin_GC = others.margin_R.view(-1, group)
    bound_RG = unit * largest_RG + (mine.margin_R[:, None] + margin_GC.amax(1))
    row_H, group_H = (bound_RG > mine.enough_R[:, None]).nonzero().unbind(1)
    if len(row_H) > EVERYWHERE * bound_RG.numel():
        return None
    bound_HC = unit * code_RGC[row_H, group_H] + (mine.margin_R[row_H, None] + margin_GC[group_H])
    at_P, inside_P = (bound_HC > mine.enough_R[row_H, None]).nonzero().unbind(1)
    return Pairs(row_H[at_P], group_H[at_P] * group + inside_P, bound_HC[at_P, inside_P])


def products_of(pairs: Pairs, rows_RD: Tensor, columns_CD: Tensor) -> Tensor:
    """The product of each pair, in their order."""
    if not torch.backends.mkl.is_available():
        return torch.linalg.vecdot(rows_RD[pairs.row_P], columns_CD[pairs.column_P])
    ends_R = torch.bincount(pairs.row_P, minlength=len(rows_RD)).cumsum(0)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta", UserWarning)
        wanted_RC = torch.sparse_csr_tensor(
            torch.cat([ends_R.new_zeros(1), ends_R]),
            pairs.column_P,
            rows_RD.new_zeros(len(pairs)),
            size=(len(rows_RD), len(columns_CD)),
            check_invariants=False,
        )
    return torch.sparse.sampled_addmm(wanted_RC, rows_RD, columns_CD.t(), beta=0.0).values()
