"""How sure a small sample lets one be: intervals for shares and means, and the sign test. Pure arithmetic.

Sources: Wilson 1927 (the score interval); Efron 1979 (the percentile bootstrap); the sign test is the exact
binomial test of one half.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

Z_95 = 1.959963984540054
"""The normal distribution's 97.5th percentile."""

CHUNK = 1 << 22
"""Drawn row numbers that are held in memory at once."""


class Interval(NamedTuple):
    """A figure with its 95% interval."""

    value: float
    low: float
    high: float


def wilson(successes: float, n: int) -> Interval | None:
    """A share with Wilson's score interval; None of nothing.

    Half successes (ties) are allowed: their outcomes vary less than those of a coin, so the interval is then wider
    than it need be, never narrower.

    Raises:
        ValueError: there are more successes than tries, or fewer than none.
    """
    if not 0 <= successes <= n:
        raise ValueError(f"wilson: successes must be in [0, {n}], got {successes}")
    if n == 0:
        return None
    share, z2 = successes / n, Z_95**2
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z_95 * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return Interval(share, max(0.0, middle - half), min(1.0, middle + half))


def sign_test(wins: int, losses: int) -> float | None:
    """The two-sided probability of a split at least so uneven, were both sides as likely; ties are left out.

    Returns:
        In (0, 1]; None where nothing was decided.

    Raises:
        ValueError: a count is negative.
    """
    if wins < 0 or losses < 0:
        raise ValueError(f"sign_test: counts must be >= 0, got {wins} and {losses}")
    n = wins + losses
    if n == 0:
        return None
    ways = [math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) for k in range(min(wins, losses) + 1)]
    return min(1.0, 2 * math.fsum(math.exp(way - n * math.log(2)) for way in ways))


def bootstrap_mean(values: Sequence[float], *, resamples: int, seed: int) -> Interval | None:
    """A mean with its percentile bootstrap interval; None of nothing. The same seed gives the same interval.

    For a paired comparison the values are the pairs' differences.

    Raises:
        ValueError: a value is not finite.
    """
    sample = np.asarray(values, dtype=np.float64)
    if not np.isfinite(sample).all():
        raise ValueError("bootstrap_mean: values must be finite; leave out what could not be computed")
    if sample.size == 0:
        return None
    draw = np.random.default_rng(seed)
    means: list[float] = []
    while len(means) < resamples:
        rows = min(resamples - len(means), max(1, CHUNK // sample.size))
        means += sample[draw.integers(0, sample.size, (rows, sample.size))].mean(axis=1).tolist()
    low, high = np.percentile(means, [2.5, 97.5])
    return Interval(math.fsum(values) / sample.size, float(low), float(high))
