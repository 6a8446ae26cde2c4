import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from evol_core.errors import ConfigError, NotFound
from evol_core.publish.exports import FORMATS, Exported, Source, export_version
from evol_core.recipe import SeedSource
from evol_core.seed import read_seeds
from evol_core.store.objects import ObjectStore

PAIRS = [
    {"ordinal": 0, "instruction": "Name a river.", "input": "", "output": "The Rhône,\nof course."},
    {"ordinal": 1, "instruction": "Add the numbers.", "input": "2, 3", "output": '"5" \U0001f600'},
]
SILENT = {"ordinal": 2, "instruction": "Say nothing.", "input": "", "output": None}
COMPARED = [{"instruction": "Greet me.", "input": "Ann", "chosen": "Hello, Ann.", "rejected": "No."}]


def source(rows: list[dict[str, Any]], *more: list[dict[str, Any]], name: str = "evol") -> Source:
    parts = [pa.Table.from_pylist(part) for part in (rows, *more)]
    return Source(name=name, version=3, columns=tuple(parts[0].column_names), parts=iter(parts))


def rows_of(done: Exported) -> list[dict[str, Any]]:
    """What `load_dataset(FOLDER)` reads: the file that the head of the README.md names."""
    _, head, _ = (done.folder / "README.md").read_text().split("---\n", 2)
    path = done.folder / yaml.safe_load(head)["configs"][0]["data_files"][0]["path"]
    if path.suffix == ".parquet":
        rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
        return rows
    text = path.read_text()
    rows = json.loads(text) if path.suffix == ".json" else [json.loads(line) for line in text.splitlines()]
    return rows


@pytest.mark.parametrize("format", ["alpaca", "sharegpt"])
def test_what_is_exported_is_read_again_as_seeds(format: str, tmp_path: Path) -> None:
    done = export_version(source(PAIRS), format, tmp_path / "out")

    (name,) = done.files
    with read_seeds([SeedSource(path=str(done.folder / name), format=format)]) as batch:
        seeds = list(batch.seeds())

    assert [seed.instruction.prompt for seed in seeds] == ["Name a river.", "Add the numbers.\n2, 3"]
    assert [seed.output for seed in seeds] == [pair["output"] for pair in PAIRS]


def test_messages_are_one_turn_of_each_side(tmp_path: Path) -> None:
    done = export_version(source(PAIRS[:1], PAIRS[1:]), "messages", tmp_path)

    assert [[(m["role"], m["content"]) for m in row["messages"]] for row in rows_of(done)] == [
        [("user", "Name a river."), ("assistant", "The Rhône,\nof course.")],
        [("user", "Add the numbers.\n2, 3"), ("assistant", '"5" \U0001f600')],
    ]


def test_a_preference_pair_has_one_prompt_and_two_answers(tmp_path: Path) -> None:
    (row,) = rows_of(export_version(source(COMPARED), "preference", tmp_path))

    assert row == {
        "prompt": [{"role": "user", "content": "Greet me.\nAnn"}],
        "chosen": [{"role": "assistant", "content": "Hello, Ann."}],
        "rejected": [{"role": "assistant", "content": "No."}],
    }


@pytest.mark.parametrize(("rows", "answers"), [(PAIRS, {"response"}), (COMPARED, {"chosen", "rejected"})])
def test_llamafactory_finds_every_column_through_its_dataset_info(
    rows: list[dict[str, Any]], answers: set[str], tmp_path: Path
) -> None:
    export_version(source(rows), "llamafactory", tmp_path)

    info = json.loads((tmp_path / "dataset_info.json").read_text())["evol"]
    written = json.loads((tmp_path / info["file_name"]).read_text())
    assert info["columns"].keys() == {"prompt", "query"} | answers
    assert info.get("ranking", False) is (answers == {"chosen", "rejected"})
    for said in info["columns"].values():
        assert [row[said] for row in written] == [row[said] for row in rows]


def test_parquet_keeps_all_columns_of_all_rows(tmp_path: Path) -> None:
    done = export_version(source([*PAIRS, SILENT]), "parquet", tmp_path)

    assert rows_of(done) == [*PAIRS, SILENT]
    assert done.rows == 3


def test_rows_without_a_response_are_left_out_and_counted(tmp_path: Path) -> None:
    done = export_version(source([*PAIRS, SILENT, SILENT | {"output": ""}]), "alpaca", tmp_path)

    assert (done.rows, done.left_out) == (2, {"no_response": 2})
    assert json.loads((tmp_path / "export.json").read_text())["left_out"] == {"no_response": 2}


def test_a_version_without_any_response_is_refused(tmp_path: Path) -> None:
    silent = source([SILENT | {"output": ""}])

    with pytest.raises(NotFound, match=r"no row of evol@3 has a response .*no_response.*nothing to train on"):
        export_version(silent, "messages", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_format_that_does_not_fit_names_those_that_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no columns \['chosen', 'rejected'\].*fit it: \['alpaca', .*'parquet'\]"):
        export_version(source(PAIRS), "preference", tmp_path)


def test_an_unknown_format_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"'csv'; known: \['alpaca', 'sharegpt'"):
        export_version(source(PAIRS), "csv", tmp_path)


def test_a_folder_with_other_things_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "diary.txt").write_text("mine")

    with pytest.raises(ConfigError, match="is not empty and no earlier export"):
        export_version(source(PAIRS), "alpaca", tmp_path)


def test_a_later_export_takes_the_place_of_an_earlier_one(tmp_path: Path) -> None:
    export_version(source(PAIRS), "llamafactory", tmp_path)

    export_version(source(PAIRS, name="other"), "messages", tmp_path)

    assert {path.name for path in tmp_path.iterdir()} == {"README.md", "export.json", "other-v3.jsonl"}


@pytest.mark.parametrize("format", [format for format in FORMATS if format != "preference"])
def test_the_same_version_gives_the_same_bytes(format: str, tmp_path: Path) -> None:
    first = export_version(source(PAIRS), format, tmp_path / "a")
    second = export_version(source(PAIRS), format, tmp_path / "b")

    assert first.files == second.files


def test_the_store_tells_an_objects_columns(tmp_path: Path) -> None:
    store = ObjectStore(tmp_path)
    stored = store.put(pa.Table.from_pylist(PAIRS))

    assert store.schema(stored.sha256).names == ["ordinal", "instruction", "input", "output"]
