"""Verdicts in numbers: how often A wins, how sure that is, what the judge's own habits do to it.

win_rate = (win + tie / 2) / (win + tie + lose), with Wilson's 95% interval. sign_p: the sign test of win against
lose. flip_rate: the share of judged pairs whose verdict turned with the order. longer_wins: of the pairs that were
decided and differ in length, the share that the longer answer won; far from one half, the judge looks at length.
What is unparsed is in no rate, and counted.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evol_core.intervals import Interval, sign_test, wilson
from evol_core.judge.verdict import Kind, Outcome

Row = Mapping[str, Any]
"""A verdict with the columns verdict, kind, first, swapped, reason, words_a, words_b."""

LENGTH_BINS = (
    "A at most half as long",
    "A shorter",
    "about as long",
    "A longer",
    "A at least twice as long",
)
"""By the difference in words over the longer one's words, cut at -0.5, -0.1, 0.1 and 0.5."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bias:
    """Where the judge's verdict turned with the order: to which place it kept."""

    flips: int
    to_first: int
    """It preferred whatever stood first."""

    to_second: int
    half: int
    """In one order a preference, in the other none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LengthBin:
    """Verdicts of pairs whose lengths differ about alike."""

    name: str
    win: int
    tie: int
    lose: int
    unparsed: int
    win_rate: Interval | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """All verdicts of one comparison; n = win + tie + lose + unparsed."""

    n: int
    win: int
    tie: int
    lose: int
    unparsed: int
    unparsed_by_reason: Mapping[str, int]
    win_rate: Interval | None
    """None where no pair has a verdict."""

    sign_p: float | None
    flip_rate: Interval | None
    bias: Bias
    longer_wins: Interval | None
    by_length: tuple[LengthBin, ...]


def summarise(rows: Sequence[Row]) -> Summary:
    counts = _counts(rows)
    bias = _bias(rows)
    decided = counts[Outcome.WIN] + counts[Outcome.TIE] + counts[Outcome.LOSE]
    return Summary(
        n=len(rows),
        win=counts[Outcome.WIN],
        tie=counts[Outcome.TIE],
        lose=counts[Outcome.LOSE],
        unparsed=counts[Outcome.UNPARSED],
        unparsed_by_reason=dict(Counter(row["reason"] for row in rows if row["verdict"] == Outcome.UNPARSED)),
        win_rate=_win_rate(counts),
        sign_p=sign_test(counts[Outcome.WIN], counts[Outcome.LOSE]),
        flip_rate=wilson(bias.flips, decided),
        bias=bias,
        longer_wins=_longer_wins(rows),
        by_length=_by_length(rows),
    )


def _counts(rows: Sequence[Row]) -> Counter[Outcome]:
    return Counter(Outcome(row["verdict"]) for row in rows)


def _win_rate(counts: Counter[Outcome]) -> Interval | None:
    win, tie, lose = counts[Outcome.WIN], counts[Outcome.TIE], counts[Outcome.LOSE]
    return wilson(win + tie / 2, win + tie + lose)


def _bias(rows: Sequence[Row]) -> Bias:
    kept = Counter((row["first"], row["swapped"]) for row in rows if row["kind"] == Kind.POSITION_BIASED)
    to_first = kept[Outcome.WIN, Outcome.LOSE]
    to_second = kept[Outcome.LOSE, Outcome.WIN]
    flips = kept.total()
    return Bias(flips=flips, to_first=to_first, to_second=to_second, half=flips - to_first - to_second)


def _longer_wins(rows: Sequence[Row]) -> Interval | None:
    decided = [row for row in rows if row["verdict"] in (Outcome.WIN, Outcome.LOSE)]
    unequal = [row for row in decided if row["words_a"] != row["words_b"]]
    won = sum((row["verdict"] == Outcome.WIN) == (row["words_a"] > row["words_b"]) for row in unequal)
    return wilson(won, len(unequal))


def _by_length(rows: Sequence[Row]) -> tuple[LengthBin, ...]:
    members: dict[str, list[Row]] = {name: [] for name in LENGTH_BINS}
    for row in rows:
        members[_bin(row["words_a"], row["words_b"])].append(row)
    bins = []
    for name, inside in members.items():
        counts = _counts(inside)
        bins.append(
            LengthBin(
                name=name,
                win=counts[Outcome.WIN],
                tie=counts[Outcome.TIE],
                lose=counts[Outcome.LOSE],
                unparsed=counts[Outcome.UNPARSED],
                win_rate=_win_rate(counts),
            )
        )
    return tuple(bins)


def _bin(words_a: int, words_b: int) -> str:
    """The name of the bin of two lengths; two empty answers are about as long."""
    difference = (words_a - words_b) / max(words_a, words_b, 1)
    under = (difference <= -0.5, difference < -0.1, difference <= 0.1, difference < 0.5)
    return next((name for name, inside in zip(LENGTH_BINS, under, strict=False) if inside), LENGTH_BINS[-1])
