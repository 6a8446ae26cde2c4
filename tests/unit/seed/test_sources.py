import json
from pathlib import Path

import pytest

from evol_core.errors import SeedError
from evol_core.recipe import SeedSource
from evol_core.seed import check_sources
from tests.unit.seed.conftest import Found, Write, read

GOOD = '{"instruction": "Name a river."}'
KNOWN = r"\['alpaca', 'gsm8k', 'lines', 'parquet', 'self_instruct', 'sharegpt'\]"


def read_one(source: SeedSource) -> Found:
    return read([source])


@pytest.mark.parametrize("name", ["empty.json", "empty.jsonl", "empty.txt", "empty.parquet", "empty"])
def test_an_empty_file_gives_no_seeds_and_no_error(write: Write, name: str) -> None:
    source = write(name, "")

    check_sources([source])

    assert read_one(source) == Found(seeds=[], refused=[], n_items=0)


@pytest.mark.parametrize(("name", "content"), [("a.json", "[]"), ("a.jsonl", "\n \n"), ("a.txt", "\n\n")])
def test_a_file_without_entries_is_an_empty_one(write: Write, name: str, content: str) -> None:
    assert read_one(write(name, content)).n_items == 0


def test_broken_lines_are_refused_with_their_number_and_the_others_are_read(write: Write) -> None:
    lines = [b"{broken", b"", GOOD.encode(), b"7", b'{"instruction": 7}', b"\xff\xfe", b"9" * 5000, b"[" * 100_000]
    source = write("mixed.jsonl", b"\n".join(lines))

    batch = read_one(source)

    assert [seed.line for seed in batch.seeds] == [3]
    assert [(one.line, one.status.value, one.reason) for one in batch.refused] == [
        (1, "failed", "not_json"),
        (4, "failed", "not_an_object"),
        (5, "failed", "instruction_is_no_text"),
        (6, "failed", "not_utf8"),
        (7, "failed", "not_json"),
        (8, "failed", "not_json"),
    ]
    assert (batch.refused[0].text, batch.refused[0].source) == ("{broken", "mixed.jsonl")
    assert len(batch.refused[-1].text) == 2000


def test_bytes_that_are_no_utf8_never_become_a_seed(write: Write) -> None:
    batch = read_one(write("latin.txt", b"Nomme un fleuve.\n" + "Où est Paris ?".encode("latin-1")))

    assert [seed.instruction.text for seed in batch.seeds] == ["Nomme un fleuve."]
    assert [(one.line, one.reason) for one in batch.refused] == [(2, "not_utf8")]


def test_what_is_refused_can_be_written_to_any_database(write: Write) -> None:
    batch = read_one(write("odd.jsonl", b'{"instruction": "half \\ud83d"}\n\x00{\n' + GOOD.encode()))

    assert [one.reason for one in batch.refused] == ["lone_surrogate", "not_json"]
    assert not [one for one in batch.refused if "\0" in one.text]
    "".join(one.text for one in batch.refused).encode()


def test_only_the_first_items_are_read_where_there_is_a_limit(write: Write) -> None:
    content = "\n".join(json.dumps({"instruction": f"Add {n}."}) for n in range(5))

    assert [read_one(write("a.jsonl", content, limit=limit)).n_items for limit in (0, 2, 9)] == [0, 2, 5]


def test_an_array_item_has_its_number_where_a_line_has_its_line(write: Write) -> None:
    batch = read_one(write("a.json", f"[\n\n{GOOD},\n7]"))

    assert [seed.line for seed in batch.seeds] == [1]
    assert [one.line for one in batch.refused] == [2]


def test_a_broken_first_line_does_not_hide_the_format(write: Write) -> None:
    batch = read_one(write("a.jsonl", '{"other": 1}\n{"question": "Why?", "answer": "So."}'))

    assert [seed.instruction.text for seed in batch.seeds] == ["Why?"]


@pytest.mark.parametrize("check", [check_sources, read], ids=["check", "read"])
@pytest.mark.parametrize(
    ("name", "content", "format", "message"),
    [
        ("a.jsonl", "Name a river.", "alpaca", r"none of the entries read from .*a\.jsonl \(1\) is of format 'alpaca'"),
        ("a.jsonl", '{"text": "x"}', "alpaca", r"the first problem: line 1, no_instruction\. Mend the file, or set "),
        ("a.jsonl", "[1]\n[2]", "alpaca", "the first problem: line 1, not_an_object"),
        ("a.jsonl", f"[\n{GOOD},\n{GOOD},\n]", "alpaca", "is not JSON"),
        ("a.json", "[1, 2", "alpaca", r"is not JSON: .*line 1 column 6.*; mend it there, or "),
        ("a.json", f"[{GOOD}, {{]", "auto", "is not JSON"),
        ("a.json", "{\n}", "auto", rf"line 1 is not json: '\{{'\. Set seeds\.1\.format to one of {KNOWN}$"),
        ("a.md", "# Notes", "auto", "auto cannot tell what .*a.md holds; line 1 is not json: '# Notes'"),
        ("a.jsonl", '{"b": 1, "a": 2}', "auto", r"line 1 is an object with the fields \['a', 'b'\]"),
        ("a.json", '["Name a river."]', "auto", "line 1 is no object: '\"Name a river.\"'"),
        ("a.parquet", "PAR1 and no more", "auto", "is no readable Parquet file: .*; make it anew"),
    ],
)
def test_a_file_that_holds_no_seed_at_all_is_an_error(
    write: Write, check: object, name: str, content: str, format: str, message: str
) -> None:
    good, bad = write("good.txt", "Name a river."), write(name, content, format=format)
    assert callable(check)

    with pytest.raises(SeedError, match=message) as caught:
        check([good, bad])

    assert str(caught.value).startswith("seeds.1.")


def test_a_missing_file_is_named_with_its_field_and_what_to_do() -> None:
    with pytest.raises(SeedError) as caught:
        check_sources([SeedSource(path="/nowhere/seeds.jsonl")])

    assert str(caught.value) == (
        "seeds.0.path: /nowhere/seeds.jsonl does not exist; name a file, absolute or relative to the recipe's folder"
    )


def test_a_folder_is_no_seed_file(tmp_path: Path) -> None:
    with pytest.raises(SeedError, match=r"^seeds\.0\.path: .* is no file; name one file"):
        check_sources([SeedSource(path=str(tmp_path))])


def test_the_check_reads_no_further_than_the_first_entry_that_can_be_read(write: Write) -> None:
    check_sources([write("a.jsonl", f"broken\n{GOOD}\nbroken", format="alpaca")])
