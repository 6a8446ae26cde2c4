import hashlib
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

from evol_core.catalogue.card import card, write_card
from evol_core.errors import ConfigError, ObjectDamaged
from evol_core.store.objects import ObjectStore
from tests.unit.catalogue.catalogue_facts import some_facts


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return ObjectStore(tmp_path / "objects")


def head_of(text: str) -> Any:
    return yaml.safe_load(text.split("---\n")[1])


def test_a_folder_holds_the_data_and_both_descriptions(store: ObjectStore, tmp_path: Path) -> None:
    facts = some_facts(store, parts=2)

    files = write_card(store, facts, tmp_path / "card")

    assert [path.name for path in files[2:]] == ["README.md", "croissant.json"]
    copies = [hashlib.sha256(path.read_bytes()).hexdigest() for path in files[:2]]
    assert copies == [stored.sha256 for stored in facts.version.data]
    assert sum(pq.read_metadata(path).num_rows for path in files[:2]) == 4
    files[0].write_bytes(b"edited")
    store.verify(facts.version.data[0].sha256)


def test_hugging_face_reads_the_head_of_the_card(store: ObjectStore) -> None:
    head = head_of(card(some_facts(store)))

    assert (head["license"], head["size_categories"]) == ("cc0-1.0", ["n<1K"])
    assert head["configs"][0]["data_files"] == [{"split": "train", "path": "data/*.parquet"}]
    assert head["dataset_info"]["splits"] == [{"name": "train", "num_examples": 2}]
    assert {one["name"]: one["dtype"] for one in head["dataset_info"]["features"]}["score_ifd"] == "float64"


@pytest.mark.parametrize(
    ("licences", "name"),
    [((), "unknown"), (("unknown",), "unknown"), (("CC-BY-4.0", "MIT"), "CC-BY-4.0, MIT")],
)
def test_several_or_unknown_licences_are_not_made_one(store: ObjectStore, licences: tuple[str, ...], name: str) -> None:
    head = head_of(card(some_facts(store, licences=licences)))

    assert (head["license"], head["license_name"]) == ("other", name)


def test_the_card_says_what_rows_came_of_and_what_was_refused(store: ObjectStore) -> None:
    text = card(some_facts(store))

    assert "rows in: 3 = 2 accepted + 1 rejected + 0 failed" in text
    assert f"| deepen | 0 | smollm2 | w1 | {'ab' * 32} | 3 |" in text
    assert "| evolve | rejected | too_long | 1 |" in text


def test_a_name_cannot_break_out_of_its_table(store: ObjectStore) -> None:
    refused = [{"stage": "evolve", "status": "failed", "reason": "a | b\n# c", "n": 1}]

    assert "| evolve | failed | a \\| b # c | 1 |" in card(some_facts(store, refused=refused))


def test_files_of_two_versions_do_not_mix(store: ObjectStore, tmp_path: Path) -> None:
    write_card(store, some_facts(store), tmp_path / "card")

    with pytest.raises(ConfigError, match="is not empty; name a new folder"):
        write_card(store, some_facts(store), tmp_path / "card")


def test_damaged_data_gets_no_card(store: ObjectStore, tmp_path: Path) -> None:
    facts = some_facts(store)
    path = store.path(facts.version.data[0].sha256)
    path.write_bytes(path.read_bytes()[:-1])

    with pytest.raises(ObjectDamaged):
        write_card(store, facts, tmp_path / "card")
    assert not (tmp_path / "card/README.md").exists()
