"""One arm as a comparison sees it: the rows of a version, refused ones too, with their scores."""

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
) -> Arm:
    """An arm from a version's objects: rows of the dataset's schema, of EVOLVED and of SCORES."""
    names = tuple(metrics)
    found = {
        (row["subject_id"], row["metric"]): Value(value=row["value"], label=row["label"], reason=row["reason"])
        for row in scores
    }
    rows = [_accepted(row, found, names) for row in data] + [_refused(row) for row in refused]
    return Arm(label=label, version=version, rows=tuple(sorted(rows, key=lambda row: row.key)), metrics=names)


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
