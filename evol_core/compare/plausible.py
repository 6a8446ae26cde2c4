"""Can this score be? A share of n items is k/n: a percentage that no k reaches is a slip, or another n.

A cell is reachable where some whole k in [0, n] gives it, rounded to the decimals it is printed with; both ways of
rounding a half are allowed. The arithmetic is exact.
"""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from math import ceil, floor
from pathlib import Path
from typing import Any

from evol_core.errors import InputError

NEEDED = ("percent", "n")
MAX_DECIMALS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One printed score."""

    name: str
    """Where it stands, for a person: the row's other columns."""

    percent: Decimal
    n: int
    decimals: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A cell, and whether any number of right items makes it."""

    cell: Cell
    k: int | None
    """A number of items that gives it; None where none does."""

    nearest: tuple[Decimal, ...]
    """Where none does: what the numbers of items on both sides would give."""


def check_cell(cell: Cell) -> Checked:
    exact = Fraction(cell.percent) * cell.n / 100
    around = sorted({min(max(k, 0), cell.n) for k in (floor(exact), ceil(exact))})
    tolerance = Fraction(1, 2 * 10**cell.decimals)
    for k in around:
        if abs(Fraction(100 * k, cell.n) - Fraction(cell.percent)) <= tolerance:
            return Checked(cell=cell, k=k, nearest=())
    return Checked(cell=cell, k=None, nearest=tuple(_printed(k, cell) for k in around))


def _printed(k: int, cell: Cell) -> Decimal:
    return (Decimal(100 * k) / Decimal(cell.n)).quantize(Decimal(1).scaleb(-cell.decimals))


def read_cells(path: Path) -> list[Cell]:
    """Cells of a table: a CSV with a header, or a JSON array of objects; one cell a row.

    Columns: `percent` (as printed), `n` (items), `decimals` where it was printed with more than it shows (a JSON number
    drops its last zeros); all others name the cell.

    Raises:
        InputError: the file cannot be read, or a row is no cell; the message names it.
    """
    return [_cell(row, f"{path}: row {number}") for number, row in enumerate(_rows(path), 1)]


def _rows(path: Path) -> Sequence[Mapping[str, Any]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix.lower() == ".csv":
            return list(csv.DictReader(text.splitlines()))
        rows = json.loads(text, parse_float=Decimal) if path.suffix.lower() == ".json" else None
    except FileNotFoundError:
        raise InputError(f"{path} does not exist; give a table that ends in .csv or .json") from None
    except (OSError, UnicodeDecodeError, ValueError, csv.Error) as error:
        raise InputError(f"{path} cannot be read as a table: {error}") from None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InputError(f"{path}: wanted is a CSV with a header, or a JSON array of objects, one cell each")
    return rows


def _cell(row: Mapping[str, Any], where: str) -> Cell:
    missing = [name for name in NEEDED if row.get(name) in (None, "")]
    if missing:
        raise InputError(f"{where} lacks {missing}; a cell has the columns {list(NEEDED)}, and decimals where wanted")
    percent = _percent(str(row["percent"]), where)
    exponent = percent.as_tuple().exponent
    assert isinstance(exponent, int)
    shown = max(0, -exponent)
    decimals = _whole(row.get("decimals") or shown, f"{where}: decimals", shown, MAX_DECIMALS)
    n = _whole(row["n"], f"{where}: n", 1, 10**9)
    about = (str(value) for name, value in row.items() if name not in (*NEEDED, "decimals") and value not in (None, ""))
    return Cell(name=" / ".join(about) or where.rpartition(": ")[2], percent=percent, n=n, decimals=decimals)


def _percent(text: str, where: str) -> Decimal:
    try:
        percent = Decimal(text.strip().removesuffix("%").strip())
    except InvalidOperation:
        raise InputError(f"{where}: percent must be a number, got {text!r}") from None
    if not (percent.is_finite() and 0 <= percent <= 100):
        raise InputError(f"{where}: percent must be in [0, 100], got {text!r}")
    return percent


def _whole(value: object, where: str, low: int, high: int) -> int:
    text = str(value).strip()
    if not text.isdecimal() or not low <= int(text) <= high:
        raise InputError(f"{where} must be a whole number in [{low}, {high}], got {text!r}")
    return int(text)
