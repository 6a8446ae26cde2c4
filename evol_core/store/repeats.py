"""Which rows repeat the key of an earlier row, found in memory that does not grow with the keys.

Ids are hashes of content, so they spread evenly: rows are looked at in bands of ids, one band after the other, and
only one band's keys are held at a time. What stays is a bit a row.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

BAND_ROWS = 65_536
"""About so many keys are held at a time; twice as many rows are read twice."""

_PREFIXES = 16**4

_ROW = "row_number"


Where = Callable[[pa.Table], Any]
"""Says of each row of a table whether it counts: a column of booleans."""


class Bits:
    """A set of row numbers, a bit each."""

    def __init__(self, n_rows: int) -> None:
        self._bytes = np.zeros((n_rows + 7) // 8, np.uint8)

    def add(self, rows: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> None:
        np.bitwise_or.at(self._bytes, rows >> 3, np.left_shift(1, rows & 7).astype(np.uint8))

    def __contains__(self, row: int) -> bool:
        return bool(self._bytes[row >> 3] >> (row & 7) & 1)


def repeats(
    tables: Callable[[], Iterator[pa.Table]],
    keys: Sequence[str],
    *,
    where: Where | None = None,
    band_rows: int = BAND_ROWS,
) -> Bits:
    """Numbers of rows, counted from 0 over all tables, whose key an earlier row has.

    Args:
        tables: the rows in order; called once to count them and once a band.
        keys: the columns of a key. The first holds ids: texts of hexadecimal digits.
        where: which rows count; others repeat nothing, and nothing repeats them.
    """
    n_rows = sum(table.num_rows for table in tables())
    n_bands = max(1, -(-n_rows // band_rows))
    found = Bits(n_rows)
    for band in range(n_bands):
        found.add(_repeated(_of_band(tables(), keys, where, band, n_bands), keys))
    return found


def _of_band(
    tables: Iterator[pa.Table],
    keys: Sequence[str],
    where: Where | None,
    band: int,
    n_bands: int,
) -> Iterator[pa.Table]:
    """Keys and numbers of the rows whose id begins within the band."""
    first, end = (f"{number * _PREFIXES // n_bands:04x}" for number in (band, band + 1))
    n_before = 0
    for table in tables:
        numbers = pa.array(np.arange(n_before, n_before + table.num_rows))
        n_before += table.num_rows
        mask = pc.greater_equal(table[keys[0]], pa.scalar(first))
        if band + 1 < n_bands:
            mask = pc.and_(mask, pc.less(table[keys[0]], pa.scalar(end)))
        if where is not None:
            mask = pc.and_(mask, where(table))
        yield table.select(list(keys)).append_column(_ROW, numbers).filter(mask)


def _repeated(tables: Iterator[pa.Table], keys: Sequence[str]) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    """Row numbers of all but the first of each key."""
    kept = [table for table in tables if table.num_rows]
    if not kept:
        return np.empty(0, np.int64)
    held = pa.concat_tables(kept)
    firsts = held.group_by(list(keys)).aggregate([(_ROW, "min")])[f"{_ROW}_min"].to_numpy()
    return np.setdiff1d(held[_ROW].to_numpy(), firsts, assume_unique=True)
