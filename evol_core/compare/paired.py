"""Two arms side by side: which rows go together, and how far apart their scores are.

A pair is one seed in one round, as both arms ended it. Differences are A minus B, with a bootstrap interval over the
pairs; only pairs with a value on both sides count, the others are counted by reason.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from evol_core.compare.arm import Arm, ArmRow
from evol_core.errors import InputError
from evol_core.intervals import Interval, bootstrap_mean, sign_test
from evol_core.records import Status, content_hash

SHOWN = 3
"""Rows that a refusal names."""

NOT_SCORED = "not_scored"
"""The version holds no word of this metric on the row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairCounts:
    """What became of one round's seeds in both arms; they add up to the round's rows."""

    round: int
    both: int
    only_a: int
    only_b: int
    neither: int
    same_parent: int
    """Of `both`: pairs whose parents are one instruction. In round 0 that is all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedMetric:
    """One metric in one round, over pairs that both arms accepted."""

    metric: str
    round: int
    n: int
    """Pairs with a value on both sides."""

    missing: Mapping[str, int]
    """The other pairs, by the reason of A's or else B's missing value."""

    mean_a: float | None
    mean_b: float | None
    difference: Interval | None
    """Mean of A minus B; None of no pair."""

    a_higher: int
    b_higher: int
    sign_p: float | None


Pair = tuple[ArmRow, ArmRow]


def pair_up(a: Arm, b: Arm) -> list[Pair]:
    """Both arms' rows of every seed and round.

    Raises:
        InputError: the arms did not start from the same seeds, or did not go through the same rounds.
    """
    rows_a, rows_b = {row.key: row for row in a.rows}, {row.key: row for row in b.rows}
    _refuse_others(a, b, rows_a.keys() - rows_b.keys())
    _refuse_others(b, a, rows_b.keys() - rows_a.keys())
    pairs = [(row, rows_b[key]) for key, row in rows_a.items()]
    others = [one.key for one, other in pairs if one.seed_id != other.seed_id]
    if others:
        raise InputError(
            f"{a.version} and {b.version} do not share their parents: {len(others)} (ordinal, round) come from "
            f"different seeds, for example {sorted(others)[:SHOWN]}; compare versions of one seed version"
        )
    return pairs


def _refuse_others(there: Arm, other: Arm, keys: Iterable[tuple[int, int]]) -> None:
    missing = sorted(keys)
    if missing:
        raise InputError(
            f"{there.version} and {other.version} do not share their parents: {len(missing)} (ordinal, round) of the "
            f"first are not in the second, for example {missing[:SHOWN]}; compare versions that were built from one "
            "seed version with the same number of rounds"
        )


def count_pairs(pairs: Sequence[Pair]) -> list[PairCounts]:
    """One line a round."""
    counts = []
    for round in _rounds(pairs):
        inside = [pair for pair in pairs if pair[0].round == round]
        kinds = Counter((a.status is Status.ACCEPTED, b.status is Status.ACCEPTED) for a, b in inside)
        counts.append(
            PairCounts(
                round=round,
                both=kinds[True, True],
                only_a=kinds[True, False],
                only_b=kinds[False, True],
                neither=kinds[False, False],
                same_parent=sum(a.parent_id == b.parent_id for a, b in _both(inside)),
            )
        )
    return counts


def paired_metrics(pairs: Sequence[Pair], metrics: Sequence[str], *, resamples: int, seed: int) -> list[PairedMetric]:
    """One line a metric and round, in the order of the metrics."""
    return [
        _paired_metric(metric, round, [pair for pair in _both(pairs) if pair[0].round == round], resamples, seed)
        for metric in metrics
        for round in _rounds(pairs)
    ]


def _rounds(pairs: Sequence[Pair]) -> list[int]:
    return sorted({a.round for a, _ in pairs})


def _both(pairs: Sequence[Pair]) -> list[Pair]:
    return [pair for pair in pairs if all(row.status is Status.ACCEPTED for row in pair)]


def _paired_metric(metric: str, round: int, pairs: Sequence[Pair], resamples: int, seed: int) -> PairedMetric:
    values: list[tuple[float, float]] = []
    missing: Counter[str] = Counter()
    for pair in pairs:
        a, b = (row.values[metric].value if metric in row.values else None for row in pair)
        if a is None or b is None:
            missing[_why(metric, pair)] += 1
        else:
            values.append((a, b))
    a_higher, b_higher = sum(a > b for a, b in values), sum(b > a for a, b in values)
    draw = int(content_hash([seed, metric, round])[:16], 16)
    return PairedMetric(
        metric=metric,
        round=round,
        n=len(values),
        missing=dict(missing),
        mean_a=mean(a for a, _ in values),
        mean_b=mean(b for _, b in values),
        difference=bootstrap_mean([a - b for a, b in values], resamples=resamples, seed=draw),
        a_higher=a_higher,
        b_higher=b_higher,
        sign_p=sign_test(a_higher, b_higher),
    )


def _why(metric: str, pair: Pair) -> str:
    for row in pair:
        found = row.values.get(metric)
        if found is None:
            return NOT_SCORED
        if found.value is None:
            return found.reason
    raise AssertionError("only a pair with a missing value is asked about")


def mean(values: Iterable[float]) -> float | None:
    """None of nothing."""
    held = list(values)
    return sum(held) / len(held) if held else None
