"""Which queries go with which constraint (methods 4, step 5)."""

import random
from collections.abc import Iterable, Mapping, Sequence

from evol_core.records import content_hash
from evol_core.text import clean

SHORTEST, LONGEST = 21, 299
"""More than 20 and fewer than 300 characters."""

HUMAN = frozenset({"human", "user"})


def is_usable(query: str) -> bool:
    """Whether a query's length is within bounds."""
    return SHORTEST <= len(query) <= LONGEST


def first_human_turn(conversation: Sequence[Mapping[str, object]]) -> str | None:
    """What the human said first in a conversation, ShareGPT's form or messages; None where nobody did."""
    for turn in conversation:
        said = turn.get("value", turn.get("content"))
        if turn.get("from", turn.get("role")) in HUMAN and isinstance(said, str):
            return said
    return None


def usable_queries(queries: Iterable[str]) -> tuple[str, ...]:
    """Distinct clean queries within bounds, sorted, so that the order of their source plays no part."""
    return tuple(sorted({query for query in map(clean, queries) if is_usable(query)}))


def choose_queries(constraint_id: str, queries: Sequence[str], n_queries: int) -> tuple[str, ...]:
    """So many queries for one constraint, or all where there are fewer.

    The choice follows from the constraint's id and the set of queries alone, so that all arms of a comparison get
    the same.
    """
    distinct = sorted(set(queries))
    draw = random.Random(content_hash(["queries", constraint_id]))
    return tuple(draw.sample(distinct, min(n_queries, len(distinct))))
