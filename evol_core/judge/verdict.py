"""Two looks at one pair of answers, in both orders, made into one verdict on the first of them (A)."""

from enum import StrEnum
from typing import NamedTuple

from evol_core.judge.wording import Label


class Outcome(StrEnum):
    """What became of A. Unparsed is no tie: nothing is known of the pair."""

    WIN = "win"
    TIE = "tie"
    LOSE = "lose"
    UNPARSED = "unparsed"


class Kind(StrEnum):
    """How the two orders go together."""

    CONSISTENT = "consistent"
    POSITION_BIASED = "position_biased"
    """They disagree: the judge looked at the place, not at the answer. Counts as a tie."""
    UNPARSED = "unparsed"
    """At least one of them holds no verdict."""


class Combined(NamedTuple):
    verdict: Outcome
    kind: Kind


def of_a(label: Label | None, *, a_stood_first: bool) -> Outcome:
    """A judge's label as the outcome of A."""
    if label is None:
        return Outcome.UNPARSED
    if label is Label.EQUAL:
        return Outcome.TIE
    return Outcome.WIN if (label is Label.FIRST) == a_stood_first else Outcome.LOSE


def combine(first: Outcome, swapped: Outcome) -> Combined:
    """Both orders' outcomes of A as one: agreeing ones count, disagreeing ones are a tie."""
    if Outcome.UNPARSED in (first, swapped):
        return Combined(Outcome.UNPARSED, Kind.UNPARSED)
    if first is swapped:
        return Combined(first, Kind.CONSISTENT)
    return Combined(Outcome.TIE, Kind.POSITION_BIASED)
