"""Two arms of a comparison at the same size: a seeded sample of the larger one, paired by parent.

Methods 3. Which rows are drawn depends on the seed and on the rows' ids, never on their order.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from typing import TypeVar

from evol_core.records import content_hash

Row = TypeVar("Row")


def equalise(
    left: Sequence[Row],
    right: Sequence[Row],
    *,
    parent: Callable[[Row], Hashable],
    row_id: Callable[[Row], str],
    seed: int,
) -> tuple[list[Row], list[Row]]:
    """Both arms with as many rows as the smaller has; arms of one size, and the smaller arm, stay untouched.

    From the larger arm come first, for each parent, as many rows as the smaller one has of it; what then still lacks
    comes from its other rows. Kept rows keep their order.
    """
    if len(left) == len(right):
        return list(left), list(right)
    small, large = sorted((left, right), key=len)
    wanted = Counter(map(parent, small))
    order = sorted(range(len(large)), key=lambda index: content_hash([seed, row_id(large[index])]))
    paired: list[int] = []
    other: list[int] = []
    for index in order:
        key = parent(large[index])
        (paired if wanted[key] > 0 else other).append(index)
        wanted[key] -= 1
    kept = [large[index] for index in sorted((paired + other)[: len(small)])]
    return (kept, list(small)) if large is left else (list(small), kept)
