"""Bulk loads: COPY into a temporary table, then INSERT what is new. Loading again adds nothing."""

import io
from collections.abc import Sequence
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa
from pyarrow import csv

from evol_core.lineage.database import raw_cursor
from evol_core.lineage.text import REPLACEMENT

Column: TypeAlias = "pa.ChunkedArray[Any] | pa.Array[Any]"

COPY_ROWS = 65_536
"""Rows a COPY; decides memory, not the result."""

_AS_CSV = csv.WriteOptions(include_header=False, quoting_style="needed")
"""Text in quotes, null as nothing: what COPY takes as text and as NULL."""


def copy_new(connection: sa.Connection, table: str, rows: pa.Table, key: Sequence[str]) -> int:
    """Load rows whose key is not there yet; returns how many were.

    Rows go in in the order of their key, so that two loads wait for one another rather than lock up.

    Args:
        table: in schema lineage.
        rows: columns as the table names them; hashes as `bytea_text` writes them.
        key: the columns of the table's primary key.
    """
    if rows.num_rows == 0:
        return 0
    columns = ", ".join(rows.column_names)
    stage = f"stage_{table}"
    with raw_cursor(connection) as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE IF NOT EXISTS {stage} (LIKE lineage.{table}) ON COMMIT DROP")
        cursor.execute(f"TRUNCATE {stage}")
        for start in range(0, rows.num_rows, COPY_ROWS):
            text = _csv(rows.slice(start, COPY_ROWS))
            cursor.copy_expert(f"COPY {stage} ({columns}) FROM STDIN (FORMAT csv)", text)
        cursor.execute(
            f"INSERT INTO lineage.{table} ({columns}) SELECT {columns} FROM {stage} "
            f"ORDER BY {', '.join(key)} ON CONFLICT ({', '.join(key)}) DO NOTHING"
        )
        return cursor.rowcount


def bytea_text(hashes: Column) -> Column:
    """Hex digits as Postgres reads bytes."""
    return pc.replace_substring_regex(hashes, "^", r"\\x")


def constant(value: int | str, n_rows: int) -> Column:
    """A column that says the same in every row."""
    return pa.repeat(value, n_rows)


def texts(column: Column) -> list[str]:
    """A column of text without nulls, as Python has it."""
    return [str(text) for text in column.to_pylist()]


def whole_numbers(column: Column) -> list[int]:
    """A column of whole numbers without nulls, as Python has it."""
    numbers: list[Any] = column.to_pylist()
    return [int(number) for number in numbers]


def storable_texts(texts: Column) -> Column:
    """Texts with what Postgres cannot hold replaced by U+FFFD."""
    try:
        texts.validate(full=True)
    except pa.ArrowInvalid:
        texts = _repaired(texts)
    return pc.replace_substring(texts, "\0", REPLACEMENT)


def _repaired(texts: Column) -> Column:
    """Text whose bytes are not UTF-8 (a lone surrogate, for example), made so."""
    raw = texts.cast(pa.binary(), safe=False).to_pylist()
    return pa.chunked_array([[None if item is None else item.decode("utf-8", "replace") for item in raw]], pa.string())


def _csv(rows: pa.Table) -> io.BytesIO:
    buffer = io.BytesIO()
    csv.write_csv(rows, buffer, _AS_CSV)
    buffer.seek(0)
    return buffer
