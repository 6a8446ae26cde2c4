"""Win, tie, lose of arm A against arm B; ties that the judge's love of a place made, and unparsed pairs, are apart."""

from collections import Counter
from collections.abc import Sequence

from matplotlib.figure import Figure

from evol_core.compare.figures.style import ARMS, NEUTRAL, figure, readable_on
from evol_core.compare.material import Material
from evol_core.judge.summary import Row
from evol_core.judge.verdict import Kind, Outcome

NAME = "verdicts"
TITLE = "Pairwise verdicts, both orders"

TIE, FLIPPED = "#999999", "#C8C8C8"

SHOWN = 0.05
"""A share under it is drawn without its number."""


def draw(material: Material) -> Figure | str:
    if not material.verdicts:
        return "no pair of these arms was judged"
    a, b = (arm.label for arm in material.arms[:2])
    groups = {"all rounds": material.verdicts} if len(material.rounds) > 1 else {}
    for round in material.rounds:
        groups[f"round {round}"] = tuple(row for row in material.verdicts if row["round"] == round)
    groups = {f"{name}\nn = {len(rows)}": rows for name, rows in groups.items() if rows}
    drawn, (panel,) = figure(9, 1.9 + 0.6 * len(groups))
    floor = [0.0] * len(groups)
    for kind, (label, colour, hatch) in _kinds(a, b).items():
        counts = [_counted(rows)[kind] for rows in groups.values()]
        shares = [count / len(rows) for count, rows in zip(counts, groups.values(), strict=True)]
        bars = panel.barh(
            list(groups), shares, 0.6, left=floor, color=colour, label=label, hatch=hatch, edgecolor="white"
        )
        texts = [str(count) if share >= SHOWN else "" for count, share in zip(counts, shares, strict=True)]
        panel.bar_label(bars, texts, label_type="center", color=readable_on(colour), fontsize=10)
        floor = [low + share for low, share in zip(floor, shares, strict=True)]
    panel.invert_yaxis()
    panel.set_xlim(0, 1)
    panel.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0%", "25%", "50%", "75%", "100%"])
    panel.set_xlabel("share of judged pairs; numbers are pairs")
    panel.grid(False)
    drawn.legend(loc="outside upper center", ncols=3, fontsize=9)
    return drawn


def _kinds(a: str, b: str) -> dict[str, tuple[str, str, str | None]]:
    """Label, colour and hatch of every part of a bar, from the left."""
    return {
        "win": (f"{a} better", ARMS[0], None),
        "tie": ("tie", TIE, None),
        "flipped": ("tie: verdict turned with the order", FLIPPED, "..."),
        "unparsed": ("unparsed", NEUTRAL, "///"),
        "lose": (f"{b} better", ARMS[1], None),
    }


def _counted(rows: Sequence[Row]) -> Counter[str]:
    return Counter(
        "flipped" if row["kind"] == Kind.POSITION_BIASED else str(Outcome(row["verdict"]).value) for row in rows
    )
