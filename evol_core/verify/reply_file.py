"""A file of constraints with the raw replies to requests for checkers, in AutoIF's own form.

One object a row: {"instruction": text, "gpt-answer": [reply, ...]}. JSON lines, a JSON array or Parquet.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from evol_core.errors import InputError

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
    rows = {".json": _array, ".parquet": _table}.get(path.suffix.lower(), _lines)(path)
    return (_row(line, value) for line, value in rows)


def _lines(path: Path) -> Iterator[tuple[int, object]]:
    with path.open("rb") as file:
        for line, raw in enumerate(file, 1):
            if raw.strip():
                yield line, _parse(raw)


def _parse(raw: bytes) -> object:
    try:
        return json.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        return BrokenRow(0, f"is not UTF-8: {error.reason} at byte {error.start}")
    except ValueError as error:
        return BrokenRow(0, f"is not JSON: {error}")
    except RecursionError:
        return BrokenRow(0, "is not JSON that can be read: nested too deep")


def _array(path: Path) -> Iterator[tuple[int, object]]:
    parsed = _parse(path.read_bytes())
    if isinstance(parsed, BrokenRow):
        raise InputError(f"{path} {parsed.problem}; mend it, or write one object a line and call it .jsonl")
    if not isinstance(parsed, list):
        raise InputError(f"{path} holds a JSON {type(parsed).__name__}; a list of objects is needed")
    return enumerate(parsed, 1)


def _table(path: Path) -> Iterator[tuple[int, object]]:
    try:
        with pq.ParquetFile(path) as file:
            rows = (row for batch in file.iter_batches(batch_size=256) for row in batch.to_pylist())
            yield from enumerate(rows, 1)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path} is no readable Parquet file: {error}; make it anew") from None


def _row(line: int, value: object) -> ReplyRow | BrokenRow:
    if isinstance(value, BrokenRow):
        return value._replace(line=line)
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
