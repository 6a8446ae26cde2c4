"""Which ways to make an instruction harder each arm's evolver listed most, and how many different ones by round.

Near phrases of all arms fall together, so that one way has one bar an arm.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from evol_core.compare.figures.style import ARMS, MARKERS, figure
from evol_core.compare.material import Material
from evol_core.evolve.auto.phrases import merged

NAME = "trajectories"
TITLE = "Ways to make an instruction harder"

TOP = 12
"""Phrases that are shown: those that all arms together listed most."""

HATCHES = ("", "///", "...", "xxx")
"""So that arms are told apart in grey as well."""

Listed = Mapping[int, Mapping[str, int]]
"""How many ways were listed, by round and phrase."""

Counts = Mapping[int, Counter[str]]
"""The same, with near phrases together."""


def draw(material: Material) -> Figure | str:
    return draw_ways({arm.label: {one.round: one.phrases for one in arm.ways} for arm in material.arms})


def draw_ways(arms: Mapping[str, Listed]) -> Figure | str:
    """By what the figure calls the arms; those that listed nothing are left out."""
    counted = counts_of(arms)
    if not counted:
        return "no arm was evolved by a method of Auto Evol-Instruct, so no ways were listed"
    drawn, (left, right) = figure(11, 5, 2)
    _shares(left, counted, list(arms))
    _variety(right, counted, list(arms))
    handles, names = left.get_legend_handles_labels()
    drawn.legend(handles, names, loc="outside upper center", ncols=len(names))
    return drawn


def counts_of(arms: Mapping[str, Listed]) -> dict[str, Counts]:
    """Of the arms that listed ways; every phrase under the one that stands for it in all arms."""
    all_listed = Counter[str]()
    for rounds in arms.values():
        for phrases in rounds.values():
            all_listed.update(phrases)
    stands = merged(all_listed.elements())
    return {
        label: {round: _under(phrases, stands) for round, phrases in rounds.items()}
        for label, rounds in arms.items()
        if rounds
    }


def _under(phrases: Mapping[str, int], stands: Mapping[str, str]) -> Counter[str]:
    found = Counter[str]()
    for phrase, number in phrases.items():
        found[stands[phrase]] += number
    return found


def top_phrases(counted: Mapping[str, Counts]) -> list[str]:
    """The most frequent phrases of all arms together; ties by the alphabet."""
    totals = Counter[str]()
    for counts in counted.values():
        for of_round in counts.values():
            totals.update(of_round)
    return sorted(totals, key=lambda phrase: (-totals[phrase], phrase))[:TOP]


def shares(counts: Counts, phrases: Sequence[str]) -> list[float]:
    """What share of an arm's listed ways has each phrase; 0 where it lists none of it."""
    total = sum((of_round for of_round in counts.values()), Counter[str]())
    return [total[phrase] / total.total() for phrase in phrases]


def _shares(panel: Axes, counted: Mapping[str, Counts], labels: Sequence[str]) -> None:
    phrases = top_phrases(counted)
    height = 0.8 / len(counted)
    for number, (label, counts) in enumerate(counted.items()):
        place = labels.index(label)
        panel.barh(
            [index + number * height for index in range(len(phrases))],
            shares(counts, phrases),
            height=height,
            label=label,
            color=ARMS[place % len(ARMS)],
            hatch=HATCHES[place % len(HATCHES)],
            edgecolor="white",
            linewidth=0.6,
        )
    panel.set_yticks([index + 0.4 - height / 2 for index in range(len(phrases))], phrases)
    panel.invert_yaxis()
    panel.grid(visible=False, axis="y")
    panel.grid(visible=True, axis="x")
    panel.xaxis.set_major_formatter("{x:.0%}")
    panel.set_xlabel("share of the ways that the arm listed")
    panel.set_title(f"The {len(phrases)} listed most")


def _variety(panel: Axes, counted: Mapping[str, Counts], labels: Sequence[str]) -> None:
    for label, counts in counted.items():
        place = labels.index(label)
        panel.plot(
            list(counts),
            [len(of_round) for of_round in counts.values()],
            color=ARMS[place % len(ARMS)],
            marker=MARKERS[place % len(MARKERS)],
        )
    rounds = sorted({round for counts in counted.values() for round in counts})
    panel.set_xticks(rounds, [f"round {round}" for round in rounds])
    panel.set_xlim(min(rounds) - 0.5, max(rounds) + 0.5)
    panel.set_ylim(0, 1.1 * max(len(of_round) for counts in counted.values() for of_round in counts.values()))
    panel.set_ylabel("different ways")
    panel.set_title("How many different ones")
