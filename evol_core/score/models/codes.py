"""How near two rows can be at most, from a byte a coordinate: what spares nearly all of an exact search's products.

A row is a step times whole numbers of one byte, its codes, and an error. With the lengths of the errors, by Cauchy and
Schwarz, and with the longest of all rows and of all steps times codes,

    x . y <= step^2 code(x) . code(y) + longest (|error(x)| + |error(y)|)

Products of bytes are summed exactly, and several times as fast as those of float32 where the processor has
instructions for them. An error is a hundredth of a row's length or so, so few pairs are left to multiply out.

Shapes: N rows, D dimensions, R rows of one block, C rows of the other.
"""

import functools
import math
from typing import NamedTuple

import torch
from torch import Tensor

from evol_core.score.models.blocks import COLUMNS, ROWS

FEWEST_ROWS = 4096
"""Below it, all products take less than a second."""

MOST = 127
"""The largest code."""

CLIPPED_AT = 5.0
"""A coordinate above so many times the root mean square of all has the code of one at it."""

NOT_A_PAIR = torch.iinfo(torch.int32).min
"""Stands where a row meets itself, and where a pair is counted from its other end: below what any row has."""


class Codes(NamedTuple):
    """The rows by their codes."""

    code_ND: Tensor
    """int8."""

    unit: float
    """The product of two rows' steps: what a product of codes is worth."""

    margin_N: Tensor
    """float32, a row's share of what its product with another may be above that of their codes."""


def codes(unit_ND: Tensor) -> Codes | None:
    """The codes of unit vectors; None where all products of float32 are as fast."""
    if len(unit_ND) < FEWEST_ROWS or unit_ND.device.type != "cpu":
        return None
    return coded(unit_ND) if summed_exactly(unit_ND.shape[1]) else None


def coded(unit_ND: Tensor, most: int = MOST) -> Codes:
    """The codes of unit vectors, from -most to most."""
    dimensions = unit_ND.shape[1]
    step = CLIPPED_AT / math.sqrt(dimensions) / most
    code_ND = torch.empty(unit_ND.shape, dtype=torch.int8)
    error_N, longest = [], 0.0
    for unit_RD, code_RD in zip(unit_ND.split(ROWS), code_ND.split(ROWS), strict=True):
        code_RD.copy_((unit_RD / step).round_().clamp_(-most, most))
        near_RD = step * code_RD
        error_N.append(torch.linalg.vector_norm(unit_RD - near_RD, dim=1))
        longest = max(longest, *(float(torch.linalg.vector_norm(one, dim=1).max()) for one in (unit_RD, near_RD)))
    return Codes(code_ND, step * step, longest * torch.cat(error_N) + slack(dimensions))


def slack(dimensions: int) -> float:
    """Twice what float32 can err in a sum of so many products of two vectors of length 1 (Higham's gamma)."""
    return 2 * (dimensions + 8) * 2.0**-24


def code_products(code_ND: Tensor, rows: slice, columns: slice, buffer: Tensor) -> Tensor:
    """int32, of a block's codes, in the buffer."""
    shape = rows.stop - rows.start, columns.stop - columns.start
    product_RC: Tensor = torch._int_mm(
        code_ND[rows], code_ND[columns].t(), out=buffer[: shape[0] * shape[1]].view(shape)
    )
    return product_RC


@functools.cache
def summed_exactly(dimensions: int) -> bool:
    """Whether products of codes are summed exactly here, by trial.

    A processor without sums of four products of bytes (VNNI) sums two in 16 bits, which the largest codes overflow; it
    is no faster with smaller ones than with float32.
    """
    if not torch.backends.mkldnn.is_available():
        return False
    code_ND = torch.full((ROWS + COLUMNS, dimensions), MOST, dtype=torch.int8)
    code_ND[::2] *= -1
    buffer = torch.empty(ROWS * COLUMNS, dtype=torch.int32)
    product_RC = code_products(code_ND, slice(0, ROWS), slice(ROWS, ROWS + COLUMNS), buffer)
    return bool((product_RC.abs() == MOST * MOST * dimensions).all())
