import json
from decimal import Decimal
from pathlib import Path

import pytest

from evol_core.compare.plausible import Cell, check_cell, read_cells
from evol_core.errors import InputError


def cell(percent: str, n: int, decimals: int = 2) -> Cell:
    return Cell(name="c", percent=Decimal(percent), n=n, decimals=decimals)


@pytest.mark.parametrize(
    ("percent", "n", "k"),
    [("0.00", 541, 0), ("100.00", 541, 541), ("33.33", 3, 1), ("66.67", 3, 2), ("27.91", 541, 151), ("12.50", 8, 1)],
)
def test_a_share_of_whole_items_is_reachable(percent: str, n: int, k: int) -> None:
    assert check_cell(cell(percent, n)).k == k


@pytest.mark.parametrize(("percent", "n"), [("33.30", 3), ("27.90", 541), ("50.01", 100), ("99.99", 541)])
def test_a_share_between_two_items_is_not(percent: str, n: int) -> None:
    checked = check_cell(cell(percent, n))
    assert checked.k is None
    low, high = checked.nearest
    assert low < Decimal(percent) < high


def test_both_ways_of_rounding_a_half_are_allowed() -> None:
    assert check_cell(cell("12.5", 800, 1)).k == 100
    assert check_cell(cell("0.12", 800)).k == 1
    assert check_cell(cell("0.13", 800)).k == 1
    assert check_cell(cell("0.14", 800)).k is None


def test_more_items_than_the_decimals_tell_apart_reach_everything() -> None:
    assert all(check_cell(cell(f"{p / 10}", 1319, 1)).k is not None for p in range(1001))


def test_a_csv_keeps_the_zeros_that_were_printed(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("model,benchmark,percent,n\nsmall,ifeval,27.90,541\nlarge,gsm8k,50.0%,1319\n")

    first, second = read_cells(path)

    assert (first.name, first.decimals, first.n) == ("small / ifeval", 2, 541)
    assert (second.percent, second.decimals) == (Decimal("50.0"), 1)


def test_json_says_its_decimals_where_numbers_lost_them(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text(json.dumps([{"percent": 27.9, "n": 541, "decimals": 2, "model": "small"}]))

    (one,) = read_cells(path)

    assert (one.percent, one.decimals) == (Decimal("27.9"), 2)
    assert check_cell(one).k is None
    assert check_cell(cell("27.9", 541, 1)).k == 151


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"percent": "101", "n": 5}, r"row 1: percent must be in \[0, 100\], got '101'"),
        ({"percent": "many", "n": 5}, "row 1: percent must be a number, got 'many'"),
        ({"percent": "10", "n": 0}, "row 1: n must be a whole number in"),
        ({"percent": "10"}, r"row 1 lacks \['n'\]"),
        ({"percent": "10.55", "n": 20, "decimals": 1}, "row 1: decimals must be a whole number in"),
    ],
)
def test_what_is_no_cell_is_named(tmp_path: Path, row: dict[str, object], message: str) -> None:
    path = tmp_path / "t.json"
    path.write_text(json.dumps([row]))
    with pytest.raises(InputError, match=message):
        read_cells(path)
