"""Mean scores by round, a panel a metric, a line an arm; bars are 95% bootstrap intervals over all accepted rows.

A dotted line is the mean of the seeds, where they were scored."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from evol_core.compare.figures.style import ARMS, DARK, MARKERS, figure
from evol_core.compare.material import Material
from evol_core.compare.profile import RoundMean, round_means, seed_means
from evol_core.score.metrics import METRICS

NAME = "scores"
TITLE = "Mean scores by round"

COLUMNS = 4
"""Panels side by side."""

APART = 0.12
"""Arms stand so far apart on a round's tick, so that their intervals do not cover each other."""


def draw(material: Material) -> Figure | str:
    by_arm = {arm.label: round_means(arm, resamples=material.resamples, seed=material.seed) for arm in material.arms}
    metrics = list(dict.fromkeys(one.metric for means in by_arm.values() for one in means if one.mean is not None))
    if not metrics:
        return "no accepted row has a score"
    seeds = {one.metric: one.mean for one in seed_means(material.seeds) if one.mean is not None}
    down = -(-len(metrics) // COLUMNS)
    drawn, panels = figure(max(4.0, 2.9 * min(len(metrics), COLUMNS)), 0.5 + 2.9 * down, len(metrics), COLUMNS)
    for panel, metric in zip(panels, metrics, strict=True):
        unit = METRICS[metric].unit if metric in METRICS else ""
        panel.set_title(metric)
        panel.set_ylabel(unit)
        for place, (label, means) in enumerate(by_arm.items()):
            shift = APART * (place - (len(by_arm) - 1) / 2)
            lines = [one for one in means if one.metric == metric and one.mean is not None]
            _line(panel, lines, shift, place, label)
        if metric in seeds:
            panel.axhline(seeds[metric], color=DARK, linestyle=":", linewidth=1.2)
            panel.text(0.99, seeds[metric], "seeds", transform=panel.get_yaxis_transform(), ha="right", va="bottom")
        panel.set_xticks(material.rounds, [f"round {round}" for round in material.rounds])
        panel.set_xlim(min(material.rounds) - 0.5, max(material.rounds) + 0.5)
    handles, names = panels[0].get_legend_handles_labels()
    drawn.legend(handles, names, loc="outside upper center", ncols=len(names))
    return drawn


def _line(panel: Axes, lines: list[RoundMean], shift: float, place: int, label: str) -> None:
    intervals = [one.mean for one in lines if one.mean is not None]
    panel.errorbar(
        [one.round + shift for one in lines],
        [one.value for one in intervals],
        yerr=[[one.value - one.low for one in intervals], [one.high - one.value for one in intervals]],
        color=ARMS[place % len(ARMS)],
        marker=MARKERS[place % len(MARKERS)],
        capsize=3,
        label=label,
    )
