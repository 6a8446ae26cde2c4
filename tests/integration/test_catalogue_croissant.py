import warnings
from pathlib import Path

import pytest

from evol_core.catalogue.card import write_card
from evol_core.store.objects import ObjectStore
from tests.unit.catalogue.catalogue_facts import some_facts


@pytest.mark.parametrize("parts", [0, 1, 2])
def test_the_croissant_file_is_valid_and_gives_the_rows(tmp_path: Path, parts: int) -> None:
    store = ObjectStore(tmp_path / "objects")
    write_card(store, some_facts(store, parts=parts), tmp_path / "card")

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of libraries that the validator imports
        import mlcroissant

        dataset = mlcroissant.Dataset(jsonld=str(tmp_path / "card/croissant.json"))
        assert not dataset.metadata.issues.errors
        names = [records.name for records in dataset.metadata.record_sets]
        rows = [row for name in names for row in dataset.records(record_set=name)]

    assert len(rows) == 2 * parts
    assert all(b"river" in value or b"Add" in value for row in rows for key, value in row.items() if "instr" in key)
