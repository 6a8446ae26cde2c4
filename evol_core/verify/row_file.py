"""Rows into a file that appears when it is whole: JSON lines, a JSON array or Parquet, by its ending."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from evol_core.store.plain_rows import placed
from evol_core.text import printable

Row = dict[str, Any]
Write = Callable[[Row], None]

_TEXT, _FLAG = pa.string(), pa.bool_()

_FUNCTION = pa.struct([("source", _TEXT), ("accuracy", pa.float64()), ("kept", _FLAG), ("reason", _TEXT)])
_CASE = pa.struct([("input", _TEXT), ("expected", _TEXT), ("kept", _FLAG)])
_REJECTED_REPLY = pa.struct([("reply", pa.int64()), ("reason", _TEXT)])
_REJECTED_CASE = pa.struct([("reply", pa.int64()), ("case", pa.int64()), ("reason", _TEXT)])

_FIELDS: list["pa.Field[Any]"] = [
    pa.field("instruction", _TEXT),
    pa.field("kept", _FLAG),
    pa.field("reason", _TEXT),
    pa.field("functions", pa.list_(_FUNCTION)),
    pa.field("cases", pa.list_(_CASE)),
    pa.field("verdicts", pa.list_(pa.list_(_TEXT))),
    pa.field("layers", pa.list_(_TEXT)),
    pa.field("rejected_replies", pa.list_(_REJECTED_REPLY)),
    pa.field("rejected_cases", pa.list_(_REJECTED_CASE)),
]

CROSSCHECKED = pa.schema(_FIELDS)
"""In Parquet an expectation is a text (`true`, `false`, or as it was given), and lone surrogates are U+FFFD."""


@contextmanager
def row_writer(output: Path) -> Iterator[Write]:
    """Takes rows, and moves the finished file to its place; nothing is there if the body raises.

    Raises:
        ConfigError: the folder does not exist, or the ending is unknown.
        StoreError: the disk refuses.
    """
    with placed(output) as part, part.open("wb") as file, _WRITERS[output.suffix.lower()](file) as write:
        yield write


@contextmanager
def _json_lines(file: IO[bytes]) -> Iterator[Write]:
    yield lambda row: _write(file, json.dumps(row) + "\n")


@contextmanager
def _json_array(file: IO[bytes]) -> Iterator[Write]:
    before = "[\n"

    def write(row: Row) -> None:
        nonlocal before
        _write(file, before + json.dumps(row))
        before = ",\n"

    yield write
    _write(file, "[]\n" if before == "[\n" else "\n]\n")


@contextmanager
def _parquet(file: IO[bytes]) -> Iterator[Write]:
    with pq.ParquetWriter(file, CROSSCHECKED, compression="zstd") as writer:
        yield lambda row: writer.write_table(pa.Table.from_pylist([_for_parquet(row)], schema=CROSSCHECKED))


_WRITERS = {".jsonl": _json_lines, ".ndjson": _json_lines, ".json": _json_array, ".parquet": _parquet}


def _write(file: IO[bytes], text: str) -> None:
    file.write(text.encode("ascii"))


def _for_parquet(row: Row) -> Row:
    cases = [{**case, "expected": _said(case["expected"])} for case in row["cases"]]
    plain: Row = _printable({**row, "cases": cases})
    return plain


def _said(expected: bool | str) -> str:
    return str(expected).lower() if isinstance(expected, bool) else expected


def _printable(value: Any) -> Any:
    """The value with all its texts fit for a file."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {name: _printable(part) for name, part in value.items()}
    return [_printable(part) for part in value] if isinstance(value, list) else value
