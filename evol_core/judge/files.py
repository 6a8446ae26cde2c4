"""`evol judge A B`: two files of answers to the same instructions, joined by instruction id, one verdict a row."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from evol_core.errors import InputError
from evol_core.judge.pairwise import Judged, Judging, Match, judge_match
from evol_core.llm.port import Program
from evol_core.records import InstructionId, Pair
from evol_core.store.plain_rows import PlainRows, pair_of

_FIELDS: list["pa.Field[Any]"] = [
    pa.field("row", pa.int64(), nullable=False),
    *(
        pa.field(name, pa.string(), nullable=False)
        for name in (
            *("instruction_id", "verdict", "kind", "first", "swapped", "reason", "first_text", "swapped_text"),
        )
    ),
    pa.field("words_a", pa.int64(), nullable=False),
    pa.field("words_b", pa.int64(), nullable=False),
]

JUDGED = pa.schema(_FIELDS)
"""`row` counts A's rows from 0; verdict, first and swapped are outcomes of A."""

SHOWN = 5
"""Rows that a refusal names; the rest it counts."""


class AnswerPair(NamedTuple):
    """One instruction that both files answer."""

    row: int
    """In A, from 0."""

    a: Pair
    b: Pair


def join_answers(a: PlainRows, b: PlainRows, *, names: tuple[Path, Path]) -> list[AnswerPair]:
    """Both files' answers by instruction id, in the order of A.

    Raises:
        InputError: a row cannot be read or stands there twice, or the files do not hold the same instructions.
    """
    answers_a, answers_b = _answers(a, names[0]), _answers(b, names[1])
    _refuse_missing(answers_a, answers_b, names)
    _refuse_missing(answers_b, answers_a, names[::-1])
    return [AnswerPair(row, pair, answers_b[key][1]) for key, (row, pair) in answers_a.items()]


def judge_programs(pairs: Iterable[AnswerPair], judging: Judging) -> Iterator[Program[Judged]]:
    """One program a pair; the query is the instruction with its input."""
    for pair in pairs:
        instruction = pair.a.instruction
        match = Match(id=instruction.id, query=instruction.prompt, a=pair.a.response, b=pair.b.response)
        yield judge_match(match, judging)


def judged_row(pair: AnswerPair, judged: Judged) -> dict[str, Any]:
    """A row of JUDGED."""
    return {
        "row": pair.row,
        "instruction_id": judged.id,
        "verdict": judged.verdict.value,
        "kind": judged.kind.value,
        "first": judged.first.value,
        "swapped": judged.swapped.value,
        "reason": judged.reason,
        "first_text": judged.first_text,
        "swapped_text": judged.swapped_text,
        "words_a": judged.words_a,
        "words_b": judged.words_b,
    }


def _answers(rows: PlainRows, name: Path) -> dict[InstructionId, tuple[int, Pair]]:
    answers: dict[InstructionId, tuple[int, Pair]] = {}
    broken, twice = [], []
    for number, value in enumerate(rows.values):
        pair = pair_of(value)
        if isinstance(pair, str):
            broken.append(f"row {number}: {pair}")
        elif pair.instruction.id in answers:
            twice.append(f"row {number} as row {answers[pair.instruction.id][0]}")
        else:
            answers[pair.instruction.id] = (number, pair)
    if broken:
        raise InputError(f"{name}: {len(broken)} rows are no answers ({_some(broken)}); mend or remove them")
    if twice:
        raise InputError(
            f"{name}: {len(twice)} rows hold an instruction that an earlier one has ({_some(twice)}); "
            "keep one answer an instruction"
        )
    return answers


def _refuse_missing(
    there: Mapping[InstructionId, tuple[int, Pair]],
    other: Mapping[InstructionId, tuple[int, Pair]],
    names: Sequence[Path],
) -> None:
    missing = [
        f"row {row} {pair.instruction.text[:40]!r} {key}" for key, (row, pair) in there.items() if key not in other
    ]
    if missing:
        raise InputError(
            f"{names[0]} holds {len(missing)} instructions that {names[1]} does not answer ({_some(missing)}); "
            "a comparison needs both answers to every instruction: give files of the same instructions"
        )


def _some(names: Sequence[str]) -> str:
    more = len(names) - SHOWN
    return "; ".join(names[:SHOWN]) + (f"; and {more} more" if more > 0 else "")
