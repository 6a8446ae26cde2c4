"""A file that a person brings as a stream of entries, whatever its layout; each with its line or number.

A broken line is an entry with its problem, so that every line is accounted for. A broken array or table has no
lines to go on with: that is an InputError.
"""

import json
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from evol_core.errors import InputError
from evol_core.store.json_array import array_values

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
LINE_ENDINGS = (".jsonl", ".ndjson")
"""Of files in which a first line that is a list by itself is a broken line, and no array begins there."""

BATCH = 1024
"""Rows of a Parquet file in memory at once."""

BUFFER_BYTES = 1 << 20
"""Of each column of a Parquet file, read at once; a file may be one row group."""

HEAD_BYTES = 1 << 16
"""Of a first line, to see whether an array begins there: the line may be all of the file."""


class Entry(NamedTuple):
    """One entry as parsed, or as text with the reason why it cannot be."""

    line: int
    """The line from 1; in an array or a table the entry's number from 1."""

    raw: str
    parsed: object
    problem: str = ""
    """`not_json` or `not_utf8`."""

    detail: str = ""
    """The problem for a person, to stand after the entry's name."""


def json_entries(path: Path) -> Iterator[Entry]:
    """The items of a JSON array, or the lines of a file of JSON lines.

    Raises:
        InputError: the file begins as an array and is none.
    """
    return array_items(path) if _begins_as_array(path) else json_lines(path)


def plain_lines(path: Path) -> Iterator[Entry]:
    """The lines of a text file that hold something."""
    return (entry._replace(parsed=entry.raw) for entry in _text_lines(path))


def json_lines(path: Path) -> Iterator[Entry]:
    return (entry if entry.problem else _parsed(entry) for entry in _text_lines(path))


def array_items(path: Path) -> Iterator[Entry]:
    """
    Raises:
        InputError: the file is no JSON, or no array.
    """
    _check_array(path)
    for number, item in enumerate(array_values(path), 1):
        yield Entry(number, json.dumps(item, ensure_ascii=False), item)


def parquet_rows(path: Path) -> Iterator[Entry]:
    """
    Raises:
        InputError: it is no Parquet, or damaged.
    """
    try:
        with pq.ParquetFile(path, buffer_size=BUFFER_BYTES, pre_buffer=False) as file:
            rows = chain.from_iterable(batch.to_pylist() for batch in file.iter_batches(batch_size=BATCH))
            for number, row in enumerate(rows, 1):
                yield Entry(number, str(row), row)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InputError(f"{path} is no readable Parquet file: {error}; make it anew") from None


def _parsed(entry: Entry) -> Entry:
    try:
        return entry._replace(parsed=json.loads(entry.raw))
    except ValueError as error:
        return entry._replace(problem="not_json", detail=f"is not JSON: {error}")
    except RecursionError:
        return entry._replace(problem="not_json", detail="is not JSON that can be read: nested too deep")


def _check_array(path: Path) -> None:
    """Go through the whole file first, so that nothing is taken from a broken array.

    Raises:
        InputError: the file is no JSON, or no array. To say where it breaks, it is read whole.
    """
    try:
        for _ in array_values(path):
            pass
    except (ValueError, RecursionError):
        raise InputError(_array_fault(path)) from None


def _array_fault(path: Path) -> str:
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        return f"{path} is not JSON: {error}; mend it there, or write one JSON object a line"
    return f"{path} holds a JSON {type(found).__name__}; a list of objects is needed"


def _begins_as_array(path: Path) -> bool:
    has_lines = path.suffix.lower() in LINE_ENDINGS
    first = next(_text_lines(path, -1 if has_lines else HEAD_BYTES), None)
    if first is None or not first.raw.lstrip().startswith("["):
        return False
    return not has_lines or _parsed(first).problem != ""


def _text_lines(path: Path, most: int = -1) -> Iterator[Entry]:
    """Lines that hold something, not parsed yet; longer ones than `most` bytes in pieces, if it is not -1."""
    with path.open("rb") as file:
        for number, line in enumerate(iter(lambda: file.readline(most), b""), 1):
            content = line.removeprefix(BYTE_ORDER_MARK) if number == 1 else line
            if content.strip():
                yield _decoded(number, content.rstrip(b"\r\n"))


def _decoded(number: int, line: bytes) -> Entry:
    try:
        return Entry(number, line.decode(), None)
    except UnicodeDecodeError as error:
        detail = f"is not UTF-8: {error.reason} at byte {error.start}"
        return Entry(number, line.decode(errors="replace"), None, "not_utf8", detail)
