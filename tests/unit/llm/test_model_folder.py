"""A model folder is checked, and known by its content."""

import json
import os
from pathlib import Path

import pytest

from evol_core.errors import ModelError
from evol_core.llm import model_folder
from evol_core.llm.model_folder import CACHE, check_revision, describe


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "tiny"
    made.mkdir()
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        (made / name).write_text("{}")
    (made / "model.safetensors").write_bytes(b"weights")
    return made


def test_a_model_is_the_same_wherever_its_folder_lies(folder: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere" / "tiny"
    elsewhere.mkdir(parents=True)
    for path in folder.iterdir():
        (elsewhere / path.name).write_bytes(path.read_bytes())

    assert describe(elsewhere) == describe(folder)
    assert describe(folder).name == "tiny"


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("model.safetensors", {"revision"}),
        ("tokenizer.json", {"tokenizer"}),
        ("chat_template.jinja", {"tokenizer"}),
        ("modeling_own.py", {"revision"}),
        ("README.md", set()),
    ],
)
def test_a_changed_file_changes_what_it_is_part_of(folder: Path, name: str, changed: set[str]) -> None:
    before = describe(folder)
    (folder / name).write_text("something else")

    after = describe(folder)

    assert {part for part in ("revision", "tokenizer") if getattr(before, part) != getattr(after, part)} == changed


def test_weights_are_hashed_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = describe(folder)
    monkeypatch.setattr(model_folder, "_hash_file", lambda path: pytest.fail(f"{path} is hashed again"))

    assert describe(folder) == first


def test_a_folder_that_cannot_be_written_works_too(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkstemp", refuse)

    assert describe(folder) == describe(folder)
    assert not (folder / CACHE).exists()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"files": {}}', '{"files": {}, "hashes": {"weights": 1}}'])
def test_a_broken_cache_is_made_anew(folder: Path, text: str) -> None:
    first = describe(folder)
    (folder / CACHE).write_text(text)

    assert describe(folder) == first
    assert json.loads((folder / CACHE).read_text())["hashes"]["weights"] == first.revision


def test_nothing_but_the_cache_is_left_in_the_folder(folder: Path) -> None:
    before = set(os.listdir(folder))
    describe(folder)

    assert set(os.listdir(folder)) - before == {CACHE}


def test_a_cache_that_cannot_be_put_in_place_leaves_no_rest(folder: Path) -> None:
    (folder / CACHE).mkdir()
    before = set(os.listdir(folder))

    assert describe(folder) == describe(folder)
    assert set(os.listdir(folder)) == before


def test_safetensors_are_the_weights_where_both_forms_are_there(folder: Path) -> None:
    before = describe(folder)
    (folder / "pytorch_model.bin").write_bytes(b"the same in the old form")

    assert describe(folder).revision == before.revision


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"model folder .*nowhere does not exist; give a Hugging Face model folder"):
        describe(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("config.json", "lacks config.json"),
        ("model.safetensors", "lacks weights"),
        ("tokenizer.json", "lacks a tokenizer"),
    ],
)
def test_a_missing_part_is_named_with_the_next_step(folder: Path, name: str, said: str) -> None:
    (folder / name).unlink()

    with pytest.raises(ModelError, match=rf"{said}.*save_pretrained, or correct the path"):
        describe(folder)


def test_a_missing_shard_is_named(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "model-00001-of-00002.safetensors")
    index = {"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))

    with pytest.raises(ModelError, match=r"lacks weight files .*model-00002-of-00002\.safetensors"):
        describe(folder)


def test_a_pinned_revision_holds(folder: Path) -> None:
    found = describe(folder)
    check_revision("", found)
    check_revision(found.revision, found)

    with pytest.raises(ModelError, match=rf"'tiny' has the weights {found.revision}, but .* revision abc"):
        check_revision("abc", found)
