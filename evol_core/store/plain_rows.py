"""Rows of a file that a person brings: JSON, JSON lines or Parquet, by its ending, and back into one of these.

Nothing is lost on the way: a row that cannot be read keeps its place and its number, and rows that are written out
again are written as they were.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from evol_core.errors import ConfigError, InputError
from evol_core.records import Instruction, Pair
from evol_core.store.files import io_errors, sync_folder

ENDINGS = (".json", ".jsonl", ".ndjson", ".parquet")
LINES = (".jsonl", ".ndjson")

NOT_A_ROW = "not_a_row"
"""What stands there is no JSON object, or no JSON at all."""

NO_INSTRUCTION = "no_instruction"
NOT_TEXT = "not_text"
"""An instruction, input or output that is something else than a text."""

RESPONSES = ("output", "response", "answer")
INSTRUCTIONS = ("instruction", "question")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainRows:
    """A file's rows, in its order; row numbers count from 0."""

    values: Sequence[Any]
    """Parsed; None where a line is no JSON."""

    lines: Sequence[str] | None = None
    """As they stood in a file of JSON lines."""

    table: pa.Table | None = None
    """As it stood in a Parquet file."""


def read_rows(path: Path) -> PlainRows:
    """
    Raises:
        InputError: the file cannot be read, or is not what its ending says.
    """
    _check_ending(path, "file")
    try:
        if path.suffix.lower() == ".parquet":
            table = pq.read_table(path)
            return PlainRows(values=table.to_pylist(), table=table)
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"{path} does not exist; give a file of rows that ends in one of {list(ENDINGS)}") from None
    except (OSError, UnicodeDecodeError, pa.ArrowException) as error:
        raise InputError(f"{path} cannot be read as {path.suffix[1:]}: {error}") from None
    return _lines(text) if path.suffix.lower() in LINES else _array(text, path)


def _lines(text: str) -> PlainRows:
    lines = [line for line in text.split("\n") if line.strip()]
    return PlainRows(values=[_parsed(line) for line in lines], lines=lines)


def _parsed(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _array(text: str, path: Path) -> PlainRows:
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not JSON: {error}; JSON lines belong in a file that ends in .jsonl") from None
    if not isinstance(values, list):
        raise InputError(f"{path} holds a JSON {type(values).__name__}; wanted is an array of rows")
    return PlainRows(values=values)


def pair_of(value: Any) -> Pair | str:
    """A row of the alpaca form as a pair, or why it is none. A row without an output has an empty response."""
    if not isinstance(value, dict):
        return NOT_A_ROW
    instruction = _first(value, INSTRUCTIONS)
    if instruction is None:
        return NO_INSTRUCTION
    said = instruction, value.get("input"), _first(value, RESPONSES)
    texts = ["" if text is None else text for text in said]
    if not all(isinstance(text, str) for text in texts):
        return NOT_TEXT
    return Pair(instruction=Instruction(text=texts[0], input=texts[1]), response=texts[2])


def _first(row: Mapping[str, Any], names: Sequence[str]) -> Any:
    return next((row[name] for name in names if row.get(name) is not None), None)


def write_chosen(path: Path, rows: PlainRows, chosen: Sequence[int]) -> None:
    """Some of a file's rows, in the order given, as they were; another ending changes the form and nothing else.

    Raises:
        ConfigError: the ending is unknown, or the folder does not exist.
        InputError: Parquet is wanted of rows that have no common columns.
        StoreError: the disk refuses.
    """
    ending = path.suffix.lower()
    with placed(path) as part:
        if ending == ".parquet":
            table = rows.table if rows.table is not None else _table(rows.values, path)
            pq.write_table(table.take(list(chosen)), part, compression="zstd")
        elif ending in LINES:
            lines = rows.lines or [_dumped(value) for value in rows.values]
            part.write_text("".join(f"{lines[number]}\n" for number in chosen), encoding="utf-8")
        else:
            _write_array(part, (rows.values[number] for number in chosen))


def write_table(path: Path, rows: Iterable[Mapping[str, Any]], schema: pa.Schema) -> None:
    """New rows of known columns.

    Raises:
        ConfigError: the ending is unknown, or the folder does not exist.
        StoreError: the disk refuses.
    """
    if path.suffix.lower() != ".parquet":
        write_json(path, rows)
        return
    with placed(path) as part:
        pq.write_table(pa.Table.from_pylist(list(rows), schema=schema), part, compression="zstd")


def write_json(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """New rows as they come: an array, or lines where the ending says so.

    Raises:
        ConfigError: the ending is unknown, or the folder does not exist.
        StoreError: the disk refuses.
    """
    with placed(path) as part:
        if path.suffix.lower() in LINES:
            with part.open("w", encoding="utf-8") as file:
                file.writelines(f"{_dumped(row)}\n" for row in rows)
        else:
            _write_array(part, rows)


@contextmanager
def placed(path: Path) -> Iterator[Path]:
    """A file to write, which takes its place when the body ends well, and is gone where it raises.

    Raises:
        ConfigError: the ending is unknown, or the folder does not exist.
        StoreError: the disk refuses.
    """
    check_output(path)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with io_errors(path, "write"):
            yield part
            with part.open("rb") as written:
                os.fsync(written.fileno())
            part.replace(path)
            sync_folder(path.parent)
    finally:
        part.unlink(missing_ok=True)


def check_output(path: Path) -> None:
    """
    Raises:
        ConfigError: the ending is unknown, or the folder does not exist.
    """
    _check_ending(path, "--output")
    if not path.parent.is_dir():
        raise ConfigError(f"--output {path}: the folder {path.parent} does not exist; make it first")


def _check_ending(path: Path, what: str) -> None:
    if path.suffix.lower() not in ENDINGS:
        raise ConfigError(f"{what} {path}: the ending says the form, and must be one of {list(ENDINGS)}")


def _table(values: Sequence[Any], path: Path) -> pa.Table:
    try:
        return pa.Table.from_pylist(list(values))
    except (pa.ArrowException, AttributeError, TypeError, UnicodeError) as error:
        raise InputError(f"{path}: these rows have no common columns ({error}); write them as .jsonl") from None


def _write_array(part: Path, values: Iterable[Any]) -> None:
    with part.open("w", encoding="utf-8") as file:
        before = "[\n"
        for value in values:
            file.write(before + _dumped(value))
            before = ",\n"
        file.write("[]\n" if before == "[\n" else "\n]\n")


def _dumped(value: Any) -> str:
    """JSON in ASCII, so that half a surrogate pair comes through as it was."""
    return json.dumps(value)
