"""Two arms in numbers: all that a report says, as one record."""

from collections.abc import Mapping
from dataclasses import dataclass

from evol_core.compare.material import Material
from evol_core.compare.paired import PairCounts, PairedMetric, count_pairs, pair_up, paired_metrics
from evol_core.compare.profile import (
    RoundLevels,
    RoundMean,
    RoundVariety,
    SeedMean,
    refusals,
    round_levels,
    round_means,
    round_varieties,
    seed_means,
)
from evol_core.intervals import Interval
from evol_core.judge.summary import Summary, summarise
from evol_core.score.metrics import METRICS


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmProfile:
    """One arm alone."""

    label: str
    version: str
    operators: tuple[str, ...]
    rows: int
    accepted: int
    refusals: Mapping[str, int]
    means: tuple[RoundMean, ...]
    levels: tuple[RoundLevels, ...]
    ways: tuple[RoundVariety, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Arm A against arm B."""

    a: ArmProfile
    b: ArmProfile
    pairs: tuple[PairCounts, ...]
    metrics: tuple[PairedMetric, ...]
    seeds: tuple[SeedMean, ...]
    """What both began with; empty where the seeds were not scored."""

    verdicts: Summary | None
    """None where no pair was judged."""

    verdicts_by_round: Mapping[int, Summary]
    absent: tuple[str, ...]
    """What the arms hold nothing of, and what would bring it."""


def compare(material: Material) -> Comparison:
    """Statistics of the first two arms.

    Raises:
        InputError: they do not share their parents.
    """
    a, b = material.arms[:2]
    pairs = pair_up(a, b)
    shared = [metric for metric in a.metrics if metric in b.metrics]
    rounds = sorted({row["round"] for row in material.verdicts})
    return Comparison(
        a=_profile(material, 0),
        b=_profile(material, 1),
        pairs=tuple(count_pairs(pairs)),
        metrics=tuple(paired_metrics(pairs, shared, resamples=material.resamples, seed=material.seed)),
        seeds=tuple(seed_means(material.seeds)),
        verdicts=summarise(material.verdicts) if material.verdicts else None,
        verdicts_by_round={
            round: summarise([row for row in material.verdicts if row["round"] == round]) for round in rounds
        },
        absent=absent(material),
    )


def _profile(material: Material, place: int) -> ArmProfile:
    arm = material.arms[place]
    return ArmProfile(
        label=arm.label,
        version=arm.version,
        operators=arm.operators,
        rows=len(arm.rows),
        accepted=len(arm.accepted),
        refusals=refusals(arm),
        means=tuple(round_means(arm, resamples=material.resamples, seed=material.seed)),
        levels=tuple(round_levels(arm)),
        ways=tuple(round_varieties(arm)),
    )


def absent(material: Material) -> tuple[str, ...]:
    """What is not in a comparison of these arms, and why."""
    missing = [name for name in METRICS if not all(name in arm.metrics for arm in material.arms[:2])]
    said = []
    if missing:
        said.append(f"not asked of both arms: {', '.join(missing)}; add them to score.metrics of the recipe")
    if not any(arm.ways for arm in material.arms[:2]):
        said.append("no trajectories: both arms evolved by operators, which plan nothing; arms.a_method names a method")
    if not material.verdicts:
        said.append("no pairwise verdicts: no pair of these arms was judged")
    return tuple(said)


def interval(found: Interval | None) -> str | None:
    """`0.12 [-0.03, 0.25]`."""
    return f"{found.value:.3g} [{found.low:.3g}, {found.high:.3g}]" if found else None


def plain_summary(comparison: Comparison) -> dict[str, object]:
    """What a command prints of a comparison: one record."""
    verdicts = comparison.verdicts
    return {
        "a": f"{comparison.a.version} ({comparison.a.accepted} of {comparison.a.rows} rows)",
        "b": f"{comparison.b.version} ({comparison.b.accepted} of {comparison.b.rows} rows)",
        "pairs": sum(one.both for one in comparison.pairs),
        "judged": verdicts.n if verdicts else 0,
        "win_tie_lose_unparsed": [verdicts.win, verdicts.tie, verdicts.lose, verdicts.unparsed] if verdicts else None,
        "win_rate": interval(verdicts.win_rate) if verdicts else None,
        "flip_rate": interval(verdicts.flip_rate) if verdicts else None,
    }
