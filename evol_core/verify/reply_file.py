"""A file of constraints with the raw replies to requests for checkers, in AutoIF's own form.

One object a row: {"instruction": text, "gpt-answer": [reply, ...]}. JSON lines, a JSON array or Parquet.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from evol_core.errors import InputError
from evol_core.store.entries import Entry, array_items, json_lines, parquet_rows

INSTRUCTION = "instruction"
REPLIES = "gpt-answer"


class ReplyRow(NamedTuple):
    """One row of the file."""

    line: int
    """In the file from 1; in an array or a table the row's number from 1."""

    instruction: str
    replies: tuple[object, ...]


class BrokenRow(NamedTuple):
    """A row that is not one, and why."""

    line: int
    problem: str


def read_constraints(path: Path) -> Iterator[ReplyRow | BrokenRow]:
    """The file's rows in order. A broken line leaves the others unharmed.

    Raises:
        InputError: the file is missing, or is not what its ending says.
    """
    if not path.is_file():
        raise InputError(f"{path} is no file; name one of JSON lines, a JSON array or Parquet")
    entries = {".json": array_items, ".parquet": parquet_rows}.get(path.suffix.lower(), json_lines)(path)
    return (_row(entry) for entry in entries)


def _row(entry: Entry) -> ReplyRow | BrokenRow:
    line, value = entry.line, entry.parsed
    if entry.problem:
        return BrokenRow(line, entry.detail)
    if not isinstance(value, dict):
        return BrokenRow(line, f"is a JSON {type(value).__name__}; an object with {INSTRUCTION!r} is needed")
    instruction, replies = value.get(INSTRUCTION), value.get(REPLIES)
    if not isinstance(instruction, str) or not instruction.strip():
        return BrokenRow(line, f"{INSTRUCTION!r} must be a text that is not blank, got {_short(instruction)}")
    if not isinstance(replies, list):
        return BrokenRow(line, f"{REPLIES!r} must be a list of replies, got {_short(replies)}")
    return ReplyRow(line, instruction, tuple(replies))


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
