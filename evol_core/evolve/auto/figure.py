"""A figure of the trajectory analysis: which ways each arm lists most, and how many different ones."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

TOP = 12
"""Phrases that are shown: those that all arms together listed most."""

Arms = Mapping[str, Sequence[Mapping[str, Any]]]
"""By name, rows of analytics.trajectory_phrases."""


def draw(arms: Arms, path: Path) -> None:
    """Draw the arms' most frequent phrases, as shares, and their numbers of different phrases by round."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 5), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    _shares(left, arms)
    _rounds(right, arms)
    figure.savefig(path, dpi=120)


def top_phrases(arms: Arms) -> list[str]:
    """The most frequent phrases of all arms together; ties by the alphabet."""
    totals: dict[str, int] = {}
    for rows in arms.values():
        for row in rows:
            totals[row["phrase"]] = totals.get(row["phrase"], 0) + row["n_methods"]
    return sorted(totals, key=lambda phrase: (-totals[phrase], phrase))[:TOP]


def shares(rows: Sequence[Mapping[str, Any]], phrases: Sequence[str]) -> list[float]:
    """What share of an arm's listed ways has each phrase; 0 where it lists none of it."""
    total = sum(row["n_methods"] for row in rows)
    found = {phrase: 0 for phrase in phrases}
    for row in rows:
        if row["phrase"] in found:
            found[row["phrase"]] += row["n_methods"]
    return [found[phrase] / total if total else 0.0 for phrase in phrases]


def _shares(axes: Any, arms: Arms) -> None:
    phrases = top_phrases(arms)
    height = 0.8 / max(1, len(arms))
    for number, (name, rows) in enumerate(arms.items()):
        places = [index + number * height for index in range(len(phrases))]
        axes.barh(places, shares(rows, phrases), height=height, label=name)
    axes.set_yticks([index + 0.4 - height / 2 for index in range(len(phrases))], phrases)
    axes.invert_yaxis()
    axes.set_xlabel("share of listed ways")
    axes.set_title("Ways to make an instruction harder")
    axes.legend()


def _rounds(axes: Any, arms: Arms) -> None:
    rounds = sorted({row["round"] for rows in arms.values() for row in rows})
    for name, rows in arms.items():
        axes.plot(rounds, [sum(1 for row in rows if row["round"] == round) for round in rounds], marker="o", label=name)
    axes.set_xticks(rounds)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("round")
    axes.set_ylabel("different phrases")
    axes.set_title("Trajectory diversity")
    axes.legend()
