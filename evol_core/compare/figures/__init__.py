"""The table of figures. To add one: its module, its line here, its test."""

from collections.abc import Mapping
from dataclasses import dataclass

from evol_core.compare.figures import length_bias, levels, scores, selection, trajectories, verdicts
from evol_core.compare.figures.density import draw_density
from evol_core.compare.figures.style import FORMS, look, rendered
from evol_core.compare.material import Draw, Drawing, Material


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureKind:
    """One line of the table."""

    title: str
    draw: Draw


FIGURES: Mapping[str, FigureKind] = {
    levels.NAME: FigureKind(title=levels.TITLE, draw=levels.draw),
    scores.NAME: FigureKind(title=scores.TITLE, draw=scores.draw),
    verdicts.NAME: FigureKind(title=verdicts.TITLE, draw=verdicts.draw),
    length_bias.NAME: FigureKind(title=length_bias.TITLE, draw=length_bias.draw),
    "ic_ifd": FigureKind(title="Density of IC-IFD", draw=draw_density("ic_ifd", axis="1/nat")),
    "confidence": FigureKind(
        title="Density of the answers' top-1 probabilities",
        draw=draw_density("confidence_first5", "confidence", axis="mean top-1 probability"),
    ),
    "diversity": FigureKind(
        title="Density of the distance to the nearest other row (MND is its mean)",
        draw=draw_density("nearest_instruction", "nearest_instruction_input", axis="squared L2 distance"),
    ),
    selection.NAME: FigureKind(title=selection.TITLE, draw=selection.draw),
    trajectories.NAME: FigureKind(title=trajectories.TITLE, draw=trajectories.draw),
}
"""By the names of their files."""


def draw_all(material: Material) -> list[Drawing]:
    """Every figure of the table, in its order."""
    with look():
        return [_drawing(name, kind, material) for name, kind in FIGURES.items()]


def _drawing(name: str, kind: FigureKind, material: Material) -> Drawing:
    drawn = kind.draw(material)
    if isinstance(drawn, str):
        return Drawing(name=name, title=kind.title, files={}, reason=drawn)
    return Drawing(name=name, title=kind.title, files={form: rendered(drawn, form) for form in FORMS}, reason="")
