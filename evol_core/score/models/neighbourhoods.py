"""An order of rows in which like stands beside like, and a first look at what is near each.

Shapes: N rows, K columns of their bounds, C centres, R rows of a centre, M rows that they are compared with.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from evol_core.score.models.blocks import ROWS
from evol_core.score.models.centres import centres

SHARE = 24
"""One in so many centres, at least FEWEST: the nearest to a row's own, whose rows are looked at."""

FEWEST = 4


class Neighbourhoods(NamedTuple):
    number_N: Tensor
    """The row that stands at each place."""

    seen_N: Tensor
    """Of each place, the product of its row with another one: that with its nearest is no smaller."""


def neighbourhoods(unit_ND: Tensor, bound_NK: Tensor) -> Neighbourhoods:
    """Rows by their centres; those of a block of rows by what was seen, so that like thresholds stand together."""
    centre_CK = centres(bound_NK, torch.Generator().manual_seed(0))
    centre_CK = centre_CK[chain(centre_CK)]
    home_N = torch.cat([(part_NK @ centre_CK.t()).argmax(1) for part_NK in bound_NK.split(ROWS)])
    number_N = home_N.argsort(stable=True)
    members = number_N.split(torch.bincount(home_N, minlength=len(centre_CK)).tolist())
    seen_N = torch.cat(list(seen(unit_ND, bound_NK, members, centre_CK)))
    place_N = torch.cat([part.argsort() + ROWS * number for number, part in enumerate(seen_N.split(ROWS))])
    return Neighbourhoods(number_N[place_N], seen_N[place_N])


def chain(centre_CK: Tensor) -> Tensor:
    """The centres' numbers: after each the nearest of those that are left."""
    products_CC = centre_CK @ centre_CK.t()
    numbers = [0]
    for _ in range(len(centre_CK) - 1):
        products_CC[:, numbers[-1]] = -torch.inf
        numbers.append(int(products_CC[numbers[-1]].argmax()))
    return torch.tensor(numbers, device=centre_CK.device)


def seen(unit_ND: Tensor, bound_NK: Tensor, members: Sequence[Tensor], centre_CK: Tensor) -> Iterator[Tensor]:
    """Of each centre's rows, the product with the one whose bound is the largest among those of a few centres."""
    n_near = min(len(members), max(FEWEST, len(members) // SHARE))
    near_CP = (centre_CK @ centre_CK.t()).topk(n_near, dim=1).indices.tolist()
    for number, (rows_R, near) in enumerate(zip(members, near_CP, strict=True)):
        other_M = torch.cat([members[centre] for centre in {number, *near}])
        for part_R in rows_R.split(ROWS) if len(rows_R) else ():
            bound_RM = bound_NK[part_R] @ bound_NK[other_M].t()
            bound_RM.masked_fill_(part_R[:, None] == other_M, -torch.inf)
            largest_R, at_R = bound_RM.max(1)
            product_R = torch.linalg.vecdot(unit_ND[part_R], unit_ND[other_M[at_R]])
            yield product_R.where(largest_R > -torch.inf, -torch.inf)
