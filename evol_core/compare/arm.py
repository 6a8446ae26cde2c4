"""One arm as a comparison sees it: the rows of a version, refused ones too, with their scores."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from evol_core.records import Status

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A metric's word on one row."""

    value: float | None
    label: str
    reason: str
    """Why value is None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmRow:
    """What became of one seed in one round."""

    ordinal: int
    round: int
    seed_id: str
    parent_id: str
    operator: str
    status: Status
    reason: str
    text: str
    """The instruction with its input; empty where the row has none."""

    values: Mapping[str, Value]
    """By metric; only of accepted rows."""

    @property
    def key(self) -> tuple[int, int]:
        return (self.ordinal, self.round)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundWays:
    """Ways to make an instruction harder that an arm's evolver listed in one round, before it carried any out."""

    round: int
    trajectories: int
    """That list a way with a phrase."""

    phrases: Mapping[str, int]
    """Listed ways by their phrase."""


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One version and its rows, in the order of ordinals and rounds."""

    label: str
    """What figures call it."""

    version: str
    """NAME@V."""

    rows: tuple[ArmRow, ...]
    metrics: tuple[str, ...]
    """That its recipe asked for, in that order."""

    ways: tuple[RoundWays, ...] = ()
    """Of self-planned evolution; empty where operators evolved the arm."""

    @cached_property
    def operators(self) -> tuple[str, ...]:
        """What evolved it; a method of Auto Evol-Instruct is one, by its name."""
        return tuple(sorted({row.operator for row in self.rows}))

    @cached_property
    def rounds(self) -> tuple[int, ...]:
        return tuple(sorted({row.round for row in self.rows}))

    @cached_property
    def accepted(self) -> tuple[ArmRow, ...]:
        return tuple(row for row in self.rows if row.status is Status.ACCEPTED)

    def in_round(self, round: int) -> list[ArmRow]:
        """Accepted rows of one round."""
        return [row for row in self.accepted if row.round == round]


def read_arm(
    *,
    label: str,
    version: str,
    data: Iterable[Row],
    refused: Iterable[Row],
    scores: Iterable[Row],
    metrics: Iterable[str],
    phrases: Iterable[Row] = (),
) -> Arm:
    """An arm from a version's objects: rows of the dataset's schema, of EVOLVED, of SCORES and of PHRASES."""
    names = tuple(metrics)
    found = {
        (row["subject_id"], row["metric"]): Value(value=row["value"], label=row["label"], reason=row["reason"])
        for row in scores
    }
    rows = [_accepted(row, found, names) for row in data] + [_refused(row) for row in refused]
    ordered = tuple(sorted(rows, key=lambda row: row.key))
    return Arm(label=label, version=version, rows=ordered, metrics=names, ways=tuple(round_ways(phrases)))


def round_ways(phrases: Iterable[Row]) -> list[RoundWays]:
    """One line a round."""
    counts: dict[int, Counter[str]] = {}
    listing: dict[int, set[int]] = {}
    for row in phrases:
        if row["phrase"] is not None:
            counts.setdefault(row["round"], Counter())[row["phrase"]] += 1
            listing.setdefault(row["round"], set()).add(row["ordinal"])
    return [
        RoundWays(round=round, trajectories=len(listing[round]), phrases=dict(counts[round]))
        for round in sorted(counts)
    ]


def _accepted(row: Row, found: Mapping[tuple[str, str], Value], metrics: tuple[str, ...]) -> ArmRow:
    values = {}
    for metric in metrics:
        value = found.get((row["response_id"], metric)) or found.get((row["instruction_id"], metric))
        if value is not None:
            values[metric] = value
    return ArmRow(
        ordinal=row["ordinal"],
        round=row["round"],
        seed_id=row["seed_id"],
        parent_id=row["parent_id"],
        operator=row["operator"],
        status=Status.ACCEPTED,
        reason="",
        text=_text(row),
        values=values,
    )


def _refused(row: Row) -> ArmRow:
    return ArmRow(
        ordinal=row["ordinal"],
        round=row["round"],
        seed_id=row["seed_id"],
        parent_id=row["parent_id"],
        operator=row["operator"],
        status=Status(row["status"]),
        reason=row["reason"],
        text=_text(row) if row["instruction"] is not None else "",
        values={},
    )


def _text(row: Row) -> str:
    return f"{row['instruction']}\n{row['input']}" if row["input"] else str(row["instruction"])
