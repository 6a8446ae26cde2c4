"""Preference pairs: a response that its checkers accepted, and one that they all refused."""

import random
from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

from evol_core.records import content_hash

MIN_CHOSEN_RATE = 0.5
MAX_OF_A_SIDE = 2


class Checked(NamedTuple):
    """A response and the share of its checkers that accepted it."""

    response: str
    pass_rate: float


class PreferencePair(NamedTuple):
    chosen: str
    rejected: str


def preference_pairs(checked: Sequence[Checked], *, recipe_seed: int, row_id: str) -> tuple[PreferencePair, ...]:
    """Up to two good and two bad responses of one row, each good with each bad.

    Good is a pass rate of at least 0.5, bad is 0. The choice depends on the seed, the row and the responses' texts,
    not on their order.
    """
    chosen = _sample(checked, recipe_seed, row_id, side="chosen")
    rejected = _sample(checked, recipe_seed, row_id, side="rejected")
    return tuple(PreferencePair(good, bad) for good, bad in product(chosen, rejected))


def _sample(checked: Sequence[Checked], recipe_seed: int, row_id: str, *, side: str) -> list[str]:
    if side == "chosen":
        texts = {one.response for one in checked if one.pass_rate >= MIN_CHOSEN_RATE}
    else:
        texts = {one.response for one in checked if one.pass_rate == 0}
    draw = random.Random(content_hash([recipe_seed, row_id, "preference", side]))
    return draw.sample(sorted(texts), min(MAX_OF_A_SIDE, len(texts)))
