"""How one metric's values spread over the accepted rows of each arm: a Gaussian kernel density (Silverman's width)."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from evol_core.compare.arm import Arm
from evol_core.compare.figures.style import ARMS, figure
from evol_core.compare.material import Draw, Material

FEWEST = 3
"""Values that a density is drawn from."""

POINTS = 256
DASHES = ("-", "--", "-.", ":")


def draw_density(*metrics: str, axis: str) -> Draw:
    """A figure of the first of these metrics that the arms have."""

    def draw(material: Material) -> Figure | str:
        metric = next((name for name in metrics if any(name in arm.metrics for arm in material.arms)), None)
        if metric is None:
            return f"the metrics {list(metrics)} were not asked for"
        values = [_values(arm, metric) for arm in material.arms]
        if all(len(found) < FEWEST or np.ptp(found) == 0 for found in values):
            return f"fewer than {FEWEST} different values of {metric}"
        drawn, (panel,) = figure(7, 4.0)
        for place, (arm, found) in enumerate(zip(material.arms, values, strict=True)):
            if len(found) < FEWEST or np.ptp(found) == 0:
                continue
            at, height = density(found)
            colour = ARMS[place % len(ARMS)]
            label = f"{arm.label} (n = {len(found)}, mean {np.mean(found):.3g})"
            panel.plot(at, height, DASHES[place % len(DASHES)], color=colour, label=label, linewidth=2)
            panel.fill_between(at, height, color=colour, alpha=0.15, linewidth=0)
            panel.axvline(float(np.mean(found)), color=colour, linewidth=1, linestyle=":")
        panel.set_ylim(bottom=0)
        panel.set_xlabel(f"{metric}: {axis}")
        panel.set_ylabel("density")
        drawn.legend(loc="outside upper center", fontsize=9)
        return drawn

    return draw


def _values(arm: Arm, metric: str) -> list[float]:
    found = (row.values.get(metric) for row in arm.accepted)
    return [one.value for one in found if one is not None and one.value is not None]


def density(values: Sequence[float]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Places and heights of a kernel density; the area under it is 1 but for what lies outside of three widths."""
    sample = np.asarray(values, dtype=np.float64)
    quartiles = np.percentile(sample, [25, 75])
    spread = min(sample.std(ddof=1), (quartiles[1] - quartiles[0]) / 1.349 or np.inf)
    width = 0.9 * spread * sample.size**-0.2
    at = np.linspace(sample.min() - 3 * width, sample.max() + 3 * width, POINTS)
    height = np.zeros(POINTS)
    for part in np.array_split(sample, max(1, sample.size // 4096)):
        height += np.exp(-0.5 * ((at[:, None] - part[None, :]) / width) ** 2).sum(axis=1)
    return at, height / (sample.size * width * np.sqrt(2 * np.pi))
