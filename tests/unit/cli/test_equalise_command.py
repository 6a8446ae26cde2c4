import json
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer

from evol_core.cli.equalise_command import equalise

Row = dict[str, Any]


def arm(name: str, rows: list[tuple[str, int]]) -> list[Row]:
    return [
        {"id": f"{name}{number}", "seed_id": seed, "round": round, "instruction": f"{name} {number}"}
        for number, (seed, round) in enumerate(rows)
    ]


LARGE = arm("a", [("s", 0), ("t", 0), ("u", 0), ("s", 1), ("t", 1), ("u", 1), ("v", 0), ("w", 0)])
SMALL = arm("b", [("s", 0), ("t", 1), ("z", 0)])


def write(path: Path, rows: list[Row]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def read(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_larger_arm_keeps_the_rows_of_shared_parents_and_is_filled_up(tmp_path: Path) -> None:
    large, small = write(tmp_path / "large.jsonl", LARGE), write(tmp_path / "small.jsonl", SMALL)

    equalise(large, small, tmp_path / "equal", seed=7)

    kept = read(tmp_path / "equal" / "a.jsonl")
    assert len(kept) == 3
    assert {"a0", "a4"} < {row["id"] for row in kept}
    assert (tmp_path / "equal" / "b.jsonl").read_text() == Path(small).read_text()
    (said,) = read(tmp_path / "equal" / "equalise.jsonl")
    assert (said["by"], said["paired"], said["a"]["rows"], said["a"]["kept"]) == (["seed_id", "round"], 2, 8, 3)


def test_what_is_drawn_depends_on_the_seed_and_not_on_the_order_of_the_rows(tmp_path: Path) -> None:
    small = write(tmp_path / "small.jsonl", SMALL)

    def drawn(rows: list[Row], seed: int) -> set[str]:
        large = write(tmp_path / "large.jsonl", rows)
        equalise(small, large, tmp_path / "equal", seed=seed)
        return {row["id"] for row in read(tmp_path / "equal" / "b.jsonl")}

    assert drawn(LARGE, 3) == drawn(LARGE[::-1], 3)
    assert len({frozenset(drawn(LARGE, seed)) for seed in range(20)}) > 3


def test_a_named_column_pairs_rows_and_parquet_keeps_its_columns(tmp_path: Path) -> None:
    rows = [{"instruction": f"Do {number}.", "topic": str(number % 3), "score": number / 7} for number in range(6)]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    pq.write_table(pa.Table.from_pylist(rows[4:5]), tmp_path / "b.parquet")

    equalise(str(tmp_path / "a.parquet"), str(tmp_path / "b.parquet"), tmp_path / "equal", by=["topic"])

    (kept,) = pq.read_table(tmp_path / "equal" / "a.parquet").to_pylist()
    assert kept["topic"] == "1"
    assert kept in rows


@pytest.mark.parametrize(
    ("rows", "by", "message"),
    [
        (arm("c", [("other", 0)]), None, "do not share their parents: no seed_id and round of the first"),
        ([{"instruction": "Do."}], None, "have no column in common that says what a row was evolved from"),
        (SMALL, ["topic"], r"rows \[0, 1, 2, 3, 4\] have no topic \(8 in all\)"),
        ([1], None, r"rows \[0\] are no JSON objects"),
    ],
    ids=["other seeds", "no parents", "no such column", "no rows"],
)
def test_arms_that_cannot_be_paired_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], rows: list[Any], by: list[str] | None, message: str
) -> None:
    large, other = write(tmp_path / "large.jsonl", LARGE), write(tmp_path / "other.jsonl", rows)

    with pytest.raises(typer.Exit) as end:
        equalise(large, other, tmp_path / "equal", by=by)

    assert end.value.exit_code
    assert re.search(message, capsys.readouterr().err)
    assert not (tmp_path / "equal").exists()
