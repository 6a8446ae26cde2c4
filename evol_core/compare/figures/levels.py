"""Difficulty levels by arm and round, as shares of the accepted rows, beside those of the seeds where they were scored;
what the judge left unparsed is shown, too."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from evol_core.compare.figures.style import LEVELS as COLOURS
from evol_core.compare.figures.style import NEUTRAL, figure, readable_on
from evol_core.compare.material import Material
from evol_core.compare.profile import SEEDS, RoundLevels, round_levels, seed_levels
from evol_core.score.metrics import difficulty_level

NAME = "difficulty_levels"
TITLE = "Difficulty levels by round"

SHOWN = 0.06
"""A share under it is drawn without its number."""


def draw(material: Material) -> Figure | str:
    by_arm = {arm.label: round_levels(arm) for arm in material.arms}
    if not any(line.rows for lines in by_arm.values() for line in lines):
        return (
            "no accepted row has a difficulty level: the metric difficulty_level was not asked for, or no row is left"
        )
    seeds = seed_levels(material.seeds)
    before = [seeds] if seeds else []
    width = 2.6 + 1.1 * (len(before) + len(material.rounds))
    drawn, panels = figure(min(14, width * len(by_arm) + 1.2), 4.2, len(by_arm))
    for panel, (label, lines) in zip(panels, by_arm.items(), strict=True):
        panel.set_title(label)
        _bars(panel, [*before, *(line for line in lines if line.rows)])
    panels[0].set_ylabel("share of rows")
    handles, names = panels[0].get_legend_handles_labels()
    drawn.legend(handles[::-1], names[::-1], loc="outside right center", fontsize=9)
    return drawn


def _bars(panel: Axes, lines: list[RoundLevels]) -> None:
    said = ["seeds" if line.round == SEEDS else f"round {line.round}" for line in lines]
    names = [f"{name}\nn = {line.rows}" for name, line in zip(said, lines, strict=True)]
    floor = [0.0] * len(lines)
    kinds = [*zip(difficulty_level.LEVELS, COLOURS, strict=True), ("unparsed", NEUTRAL)]
    for kind, colour in kinds:
        shares = [(line.unparsed if kind == "unparsed" else line.levels[kind]) / line.rows for line in lines]
        hatch = "///" if kind == "unparsed" else None
        bars = panel.bar(
            names, shares, 0.62, bottom=floor, color=colour, label=kind, hatch=hatch, edgecolor="white", linewidth=0.6
        )
        texts = [f"{share:.0%}" if share >= SHOWN else "" for share in shares]
        panel.bar_label(bars, texts, label_type="center", color=readable_on(colour), fontsize=9)
        floor = [low + share for low, share in zip(floor, shares, strict=True)]
    panel.set_ylim(0, 1)
    panel.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0%", "25%", "50%", "75%", "100%"])
