"""Rows of a person's file are read whole, keep their numbers, and are written as they were."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evol_core.errors import ConfigError, InputError
from evol_core.records import Instruction, Pair
from evol_core.store.plain_rows import pair_of, read_rows, write_chosen, write_table

ROWS = [
    {"instruction": "Add.", "input": "1 and 2", "output": "3", "extra": [1, None]},
    {"instruction": "Say h\xe9.", "input": "", "output": "h\xe9", "extra": []},
]


@pytest.fixture
def jsonl(tmp_path: Path) -> Path:
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join([json.dumps(ROWS[0]), "", '{"broken', json.dumps(ROWS[1], indent=None)]) + "\n")
    return path


@pytest.mark.parametrize("ending", ["json", "jsonl", "ndjson", "parquet"])
def test_every_form_comes_back_as_it_was_written(tmp_path: Path, ending: str) -> None:
    source, copy = tmp_path / "rows.json", tmp_path / f"copy.{ending}"
    source.write_text(json.dumps(ROWS))

    write_chosen(copy, read_rows(source), [0, 1])

    assert list(read_rows(copy).values) == ROWS


def test_a_line_that_is_no_json_keeps_its_number(jsonl: Path) -> None:
    assert list(read_rows(jsonl).values) == [ROWS[0], None, ROWS[1]]


def test_chosen_lines_are_written_letter_by_letter_in_the_order_asked(tmp_path: Path) -> None:
    source, chosen = tmp_path / "rows.jsonl", tmp_path / "chosen.jsonl"
    source.write_text('{"b": 1.50,  "a": 2}\n{"x": "\\u00e9"}\n{"c": 1}')

    write_chosen(chosen, read_rows(source), [1, 0])

    assert chosen.read_text() == '{"x": "\\u00e9"}\n{"b": 1.50,  "a": 2}\n'


def test_chosen_parquet_rows_keep_their_types(tmp_path: Path) -> None:
    source, chosen = tmp_path / "rows.parquet", tmp_path / "chosen.parquet"
    table = pa.table({"n": pa.array([1, 2, None], pa.int8()), "t": pa.array(["a", "b", "c"])})
    pq.write_table(table, source)

    write_chosen(chosen, read_rows(source), [2, 0])

    assert pq.read_table(chosen).equals(table.take([2, 0]))


def test_a_byte_order_mark_is_no_part_of_the_first_row(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("\ufeff" + json.dumps(ROWS[0]), encoding="utf-8")

    assert list(read_rows(path).values) == [ROWS[0]]


def test_half_a_surrogate_pair_comes_through(tmp_path: Path) -> None:
    source, copy = tmp_path / "rows.json", tmp_path / "copy.json"
    source.write_text('[{"instruction": "\\ud800"}]')

    write_chosen(copy, read_rows(source), [0])

    assert read_rows(copy).values[0] == {"instruction": "\ud800"}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("rows.json", "{", "is not JSON: .*; JSON lines belong in a file that ends in .jsonl"),
        ("rows.json", '{"instruction": "a"}', "holds a JSON dict; wanted is an array of rows"),
        ("rows.json", "[" * 100_000, "is not JSON"),
        ("rows.parquet", "no parquet", "cannot be read as parquet"),
    ],
)
def test_a_file_that_is_not_what_its_ending_says_is_refused(
    tmp_path: Path, name: str, content: str, message: str
) -> None:
    path = tmp_path / name
    path.write_text(content)

    with pytest.raises(InputError, match=message):
        read_rows(path)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"\xff\xfe")

    with pytest.raises(InputError, match="cannot be read as jsonl"):
        read_rows(path)


def test_a_missing_file_and_an_unknown_ending_say_what_is_wanted(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist; give a file of rows that ends in one of"):
        read_rows(tmp_path / "none.json")
    with pytest.raises(ConfigError, match=r"file .*rows\.csv: the ending says the form, and must be one of"):
        read_rows(tmp_path / "rows.csv")


def test_an_output_without_a_folder_is_refused_and_nothing_is_left_of_one_that_fails(
    tmp_path: Path, jsonl: Path
) -> None:
    with pytest.raises(ConfigError, match=r"the folder .*nowhere does not exist; make it first"):
        write_chosen(tmp_path / "nowhere/out.json", read_rows(jsonl), [0])
    with pytest.raises(InputError, match="have no common columns"):
        write_chosen(tmp_path / "out.parquet", read_rows(jsonl), [0])

    assert list(tmp_path.iterdir()) == [jsonl]


@pytest.mark.parametrize("ending", ["json", "jsonl", "parquet"])
@pytest.mark.parametrize("rows", [[], [{"n": 1, "x": None}, {"n": 2, "x": 0.5}]])
def test_new_rows_are_written_in_every_form(tmp_path: Path, ending: str, rows: list[dict[str, Any]]) -> None:
    path = tmp_path / f"new.{ending}"

    fields: list[pa.Field[Any]] = [pa.field("n", pa.int64()), pa.field("x", pa.float64())]

    write_table(path, rows, pa.schema(fields))

    assert list(read_rows(path).values) == rows


@pytest.mark.parametrize(
    ("row", "pair"),
    [
        ({"instruction": "a", "input": "b", "output": "c"}, ("a", "b", "c")),
        ({"instruction": "a", "response": "c"}, ("a", "", "c")),
        ({"question": "a", "answer": "c"}, ("a", "", "c")),
        ({"instruction": "a", "input": None, "output": None}, ("a", "", "")),
        ({"instruction": ""}, ("", "", "")),
    ],
)
def test_a_row_is_a_pair_under_the_usual_names(row: object, pair: tuple[str, str, str]) -> None:
    assert pair_of(row) == Pair(instruction=Instruction(text=pair[0], input=pair[1]), response=pair[2])


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (None, "not_a_row"),
        ([1], "not_a_row"),
        ("text", "not_a_row"),
        ({}, "no_instruction"),
        ({"output": "c"}, "no_instruction"),
        ({"instruction": 7}, "not_text"),
        ({"instruction": "a", "output": {"b": 1}}, "not_text"),
        ({"instruction": "a", "input": 1.5}, "not_text"),
        ({"instruction": "a", "input": []}, "not_text"),
        ({"instruction": "a", "output": 0}, "not_text"),
        ({"instruction": "a", "output": False}, "not_text"),
    ],
)
def test_a_row_that_is_no_pair_says_why(row: object, reason: str) -> None:
    assert pair_of(row) == reason
