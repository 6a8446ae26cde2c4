"""Items of benchmarks are read from the columns that hold their texts, and none without a text is let pass."""

import json
from pathlib import Path
from typing import Any

import pytest

from evol_core.errors import RecipeError
from evol_core.publish.benchmark_files import read_benchmarks
from evol_core.recipe import BenchmarkSource

LONG = "a train leaves the old station at nine and reaches the far coast by noon"


def source(tmp_path: Path, rows: list[Any], **said: Any) -> BenchmarkSource:
    path = tmp_path / "bench.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return BenchmarkSource(name="bench", path=str(path), **said)


def test_a_row_that_shares_thirteen_words_with_an_item_is_hit_by_its_name(tmp_path: Path) -> None:
    found = read_benchmarks([source(tmp_path, [{"question": "Short?"}, {"question": LONG, "task_id": "t/7"}])])

    assert found is not None
    (hit,) = found.hits("row", f"Think: {LONG.upper()}!")
    assert (hit.benchmark, hit.item, hit.row_id) == ("bench", "t/7", "row")
    assert [item.item for item in found.too_short] == ["0"]


def test_several_columns_of_an_item_are_read_together(tmp_path: Path) -> None:
    found = read_benchmarks([source(tmp_path, [{"a": LONG, "b": LONG[::-1]}], columns=("a", "b"))])

    assert found is not None
    assert found.hits("row", LONG)


def test_no_source_means_nothing_to_look_for() -> None:
    assert read_benchmarks([]) is None


@pytest.mark.parametrize("row", [{"other": "text"}, {"question": 5}, {"question": " "}, "text", None])
def test_an_item_without_a_text_is_named(tmp_path: Path, row: Any) -> None:
    with pytest.raises(RecipeError, match=r"decontaminate\.0: item 1 of .* has no text in any of the columns"):
        read_benchmarks([source(tmp_path, [{"question": LONG}, row])])


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"decontaminate\.0: .*gone\.jsonl does not exist"):
        read_benchmarks([BenchmarkSource(name="b", path=str(tmp_path / "gone.jsonl"))])
