"""A source file as a stream of entries, whatever its layout; each with its line or number.

A broken line is an entry with its problem, so that every line is accounted for. A broken array or table has no
lines to go on with: that is a SeedError.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from evol_core.errors import SeedError

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
LINE_ENDINGS = (".jsonl", ".ndjson")
"""Of files in which a first line that is a list by itself is a broken line, and no array begins there."""


class Entry(NamedTuple):
    """One entry as parsed, or as text with the reason why it cannot be."""

    line: int
    """The line from 1; in an array or a table the entry's number from 1."""

    raw: str
    parsed: object
    problem: str = ""


Reader = Callable[[Path, str], Iterator[Entry]]
"""From a file, and the recipe's field that names it, to its entries."""


def json_entries(path: Path, field: str) -> Iterator[Entry]:
    """The items of a JSON array, or the lines of a file of JSON lines.

    Raises:
        SeedError: the file begins as an array and is none.
    """
    return _array_items(path, field) if _begins_as_array(path) else _json_lines(path)


def plain_lines(path: Path, field: str) -> Iterator[Entry]:
    """The lines of a text file that hold something."""
    return (entry._replace(parsed=entry.raw) for entry in _text_lines(path))


def parquet_rows(path: Path, field: str) -> Iterator[Entry]:
    """The rows of a Parquet file.

    Raises:
        SeedError: it is no Parquet, or damaged.
    """
    try:
        with pq.ParquetFile(path) as file:
            rows = chain.from_iterable(batch.to_pylist() for batch in file.iter_batches())
            for number, row in enumerate(rows, 1):
                yield Entry(number, str(row), row)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise SeedError(f"{field}.path: {path} is no readable Parquet file: {error}; make it anew") from None


LAYOUTS: Mapping[str, Reader] = {"lines": plain_lines, "parquet": parquet_rows}
"""How a format's file is read where it is not JSON."""


def _json_lines(path: Path) -> Iterator[Entry]:
    return (entry if entry.problem else _parsed(entry) for entry in _text_lines(path))


def _parsed(entry: Entry) -> Entry:
    try:
        return entry._replace(parsed=json.loads(entry.raw))
    except (ValueError, RecursionError):
        return entry._replace(problem="not_json")


def _begins_as_array(path: Path) -> bool:
    first = next(_text_lines(path), None)
    if first is None or not first.raw.lstrip().startswith("["):
        return False
    return path.suffix.lower() not in LINE_ENDINGS or _parsed(first).problem != ""


def _array_items(path: Path, field: str) -> Iterator[Entry]:
    try:
        items: list[object] = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise SeedError(
            f"{field}.path: {path} begins as a JSON array and is none: {error}; "
            "mend it there, or write one JSON object a line"
        ) from None
    for number, item in enumerate(items, 1):
        yield Entry(number, json.dumps(item, ensure_ascii=False), item)


def _text_lines(path: Path) -> Iterator[Entry]:
    """Lines that hold something, not parsed yet."""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            content = line.removeprefix(BYTE_ORDER_MARK) if number == 1 else line
            if content.strip():
                yield _decoded(number, content.rstrip(b"\r\n"))


def _decoded(number: int, line: bytes) -> Entry:
    try:
        return Entry(number, line.decode(), None)
    except UnicodeDecodeError:
        return Entry(number, line.decode(errors="replace"), None, "not_utf8")
