"""What one arm's accepted rows are like, round by round: means with coverage, difficulty levels, refusals."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from evol_core.compare.arm import Arm, Value
from evol_core.evolve.auto.phrases import merged
from evol_core.intervals import Interval, bootstrap_mean
from evol_core.records import Status, content_hash
from evol_core.score.metrics import difficulty_level

SEEDS = -1
"""Instead of a round's number, which counts evolutions from 0: before any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundMean:
    """A metric over an arm's accepted rows of one round, paired or not."""

    metric: str
    round: int
    rows: int
    scored: int
    mean: Interval | None
    """With a bootstrap interval; None where nothing is scored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundLevels:
    """Difficulty levels of an arm's accepted rows of one round; with unparsed they add up to the rows."""

    round: int
    rows: int
    levels: Mapping[str, int]
    unparsed: int


def round_means(arm: Arm, *, resamples: int, seed: int) -> list[RoundMean]:
    """One line a metric and round."""
    means = []
    for metric in arm.metrics:
        for round in arm.rounds:
            rows = arm.in_round(round)
            values = [found.value for row in rows if (found := row.values.get(metric)) and found.value is not None]
            draw = int(content_hash([seed, metric, round])[:16], 16)
            interval = bootstrap_mean(values, resamples=resamples, seed=draw)
            means.append(RoundMean(metric=metric, round=round, rows=len(rows), scored=len(values), mean=interval))
    return means


def round_levels(arm: Arm) -> list[RoundLevels]:
    """One line a round; empty where the arm's recipe did not ask for levels."""
    if difficulty_level.NAME not in arm.metrics:
        return []
    levels = []
    for round in arm.rounds:
        rows = arm.in_round(round)
        words = [row.values[difficulty_level.NAME].label for row in rows if difficulty_level.NAME in row.values]
        levels.append(_levels(round, len(rows), words))
    return levels


def seed_levels(seeds: Mapping[str, Sequence[Value]]) -> RoundLevels | None:
    """Levels of what both arms began with; None where the seeds have none."""
    found = seeds.get(difficulty_level.NAME)
    return _levels(SEEDS, len(found), [one.label for one in found]) if found else None


def _levels(round: int, n_rows: int, words: Iterable[str]) -> RoundLevels:
    counted = Counter(words)
    counts = {level: counted[level] for level in difficulty_level.LEVELS}
    return RoundLevels(round=round, rows=n_rows, levels=counts, unparsed=n_rows - sum(counts.values()))


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedMean:
    """A metric over the seeds that both arms began with."""

    metric: str
    rows: int
    scored: int
    mean: float | None
    """None where no seed has a value."""


def seed_means(seeds: Mapping[str, Sequence[Value]]) -> list[SeedMean]:
    """One line a metric."""
    means = []
    for metric, found in seeds.items():
        values = [one.value for one in found if one.value is not None]
        mean = sum(values) / len(values) if values else None
        means.append(SeedMean(metric=metric, rows=len(found), scored=len(values), mean=mean))
    return means


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundVariety:
    """How many ways an arm's evolver listed in one round, and how many different ones."""

    round: int
    trajectories: int
    listed: int
    different: int
    """With near ones together; near is what is near in this arm."""


def round_varieties(arm: Arm) -> list[RoundVariety]:
    """One line a round; empty where operators evolved the arm."""
    stands = merged(phrase for one in arm.ways for phrase, n in one.phrases.items() for _ in range(n))
    return [
        RoundVariety(
            round=one.round,
            trajectories=one.trajectories,
            listed=sum(one.phrases.values()),
            different=len({stands[phrase] for phrase in one.phrases}),
        )
        for one in arm.ways
    ]


def refusals(arm: Arm) -> dict[str, int]:
    """Rows that were not accepted, by reason, the most common first."""
    counts = Counter(row.reason for row in arm.rows if row.status is not Status.ACCEPTED)
    return dict(counts.most_common())
