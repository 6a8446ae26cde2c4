"""Pairs of a block of products: those that could be nearest, and their products, each made by itself.

Shapes: R rows of the block, C columns, D dimensions, G groups of columns, H groups of a row with a pair, P pairs.
"""

import warnings
from dataclasses import dataclass

import torch
from torch import Tensor

GROUP = 64
"""Columns of a block whose largest bound is looked at before each of theirs."""

EVERYWHERE = 0.75
"""Share of groups that hold a pair, above which nobody looks which pairs these are."""


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


def candidates(bound_RC: Tensor, enough_R: Tensor, enough_C: Tensor) -> Pairs | None:
    """The pairs whose bound is above what either end has; None where they are everywhere.

    The largest of each row's next GROUP columns is looked at first, since few of them are above.
    """
    group = GROUP if bound_RC.shape[1] % GROUP == 0 else 1
    bound_RGC = bound_RC.unflatten(1, (-1, group))
    enough_GC = enough_C.view(-1, group)
    hot_RG = bound_RGC.amax(2) > torch.minimum(enough_R[:, None], enough_GC.amin(1))
    row_H, group_H = hot_RG.nonzero().unbind(1)
    if len(row_H) > EVERYWHERE * hot_RG.numel():
        return None
    bound_HC = bound_RGC[row_H, group_H]
    at_P, inside_P = (bound_HC > torch.minimum(enough_R[row_H, None], enough_GC[group_H])).nonzero().unbind(1)
    return Pairs(row_H[at_P], group_H[at_P] * group + inside_P, bound_HC[at_P, inside_P])


def products_of(pairs: Pairs, rows_RD: Tensor, columns_CD: Tensor) -> Tensor:
    """The product of each pair, in their order."""
    if rows_RD.device.type != "cpu" or not torch.backends.mkl.is_available():
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
