"""Win rate of arm A by how much longer its answer is: a judge that looks at length shows a slope."""

from matplotlib.figure import Figure

from evol_core.compare.figures.style import ARMS, DARK, MARKERS, figure
from evol_core.compare.material import Material
from evol_core.judge.summary import summarise

NAME = "length_bias"
TITLE = "Win rate by length difference"


def draw(material: Material) -> Figure | str:
    bins = [(one, one.win_rate) for one in summarise(material.verdicts).by_length]
    found = [(one, rate) for one, rate in bins if rate is not None]
    if not found:
        return "no judged pair has a verdict"
    label = material.arms[0].label
    drawn, (panel,) = figure(8, 3.6)
    names = [f"{one.name.replace('A ', '')}\nn = {one.win + one.tie + one.lose}" for one, _ in found]
    values = [rate.value for _, rate in found]
    errors = [[rate.value - rate.low for _, rate in found], [rate.high - rate.value for _, rate in found]]
    panel.errorbar(names, values, yerr=errors, fmt=MARKERS[0], color=ARMS[0], markersize=8, linewidth=2, capsize=5)
    panel.axhline(0.5, color=DARK, linestyle="--", linewidth=1)
    panel.set_ylim(0, 1)
    panel.margins(x=0.12)
    panel.set_ylabel(f"win rate of {label}\n(ties count half)")
    panel.set_xlabel(f"instruction of {label} against the other's, in words")
    return drawn
