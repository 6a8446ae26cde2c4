"""What a selection keeps: mean difficulty of the best p percent of an arm's rows, by IC-IFD and by IFD."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from evol_core.compare.arm import Arm
from evol_core.compare.figures.style import ARMS, MARKERS, figure
from evol_core.compare.material import Material

NAME = "selection"
TITLE = "Difficulty of what a selection keeps"

PERCENTS = (5, 10, 15, 20, 25, 50, 75, 100)
BY = {"ic_ifd": "-", "ifd": "--"}
"""Metrics that select, highest first, and how their lines are drawn."""

OF = "difficulty_score"


def draw(material: Material) -> Figure | str:
    curves = [
        (place, arm, metric, curve)
        for place, arm in enumerate(material.arms)
        for metric in BY
        if (curve := selection_curve(arm, metric))
    ]
    if not curves:
        return f"no accepted row has both {OF} and one of {list(BY)}"
    drawn, (panel,) = figure(7, 4.6)
    for place, arm, metric, curve in curves:
        panel.plot(
            PERCENTS,
            curve,
            BY[metric],
            color=ARMS[place % len(ARMS)],
            marker=MARKERS[place % len(MARKERS)],
            label=f"{arm.label}, by {metric} (n = {len(ranked_scores(arm, metric))})",
        )
    panel.set_xticks(PERCENTS)
    panel.set_xlabel("kept rows, percent (highest first)")
    panel.set_ylabel("mean difficulty score, of 100")
    drawn.legend(loc="outside upper center", fontsize=9, handlelength=3.5)
    return drawn


def selection_curve(arm: Arm, metric: str) -> list[float]:
    """Mean difficulty of the first floor(p n / 100) rows, at least one, for each of PERCENTS; [] of no row."""
    ranked = ranked_scores(arm, metric)
    return [_mean(ranked[: max(1, percent * len(ranked) // 100)]) for percent in PERCENTS] if ranked else []


def ranked_scores(arm: Arm, metric: str) -> list[float]:
    """Difficulties of the rows that have both values, in the order of the selection."""
    rows: list[tuple[float, int, int, float]] = []
    for row in arm.accepted:
        by, of = (row.values[name].value if name in row.values else None for name in (metric, OF))
        if by is not None and of is not None:
            rows.append((-by, *row.key, of))
    return [row[-1] for row in sorted(rows)]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
