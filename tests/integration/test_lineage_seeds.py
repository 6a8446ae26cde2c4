"""Numbers of seeds: given once in a dataset, and looked up at a cost that depends on those asked for alone."""

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from evol_core.errors import VersionConflict
from evol_core.lineage import load_seeds
from evol_core.store.objects import ObjectStore
from tests.integration.lineage_rows import SEED_TEXTS, publish_seeds

pytestmark = pytest.mark.postgres


def test_seed_numbers_are_not_given_twice(database: sa.Engine, tmp_path: Path) -> None:
    store = ObjectStore(tmp_path)
    publish_seeds(database, store)

    with pytest.raises(VersionConflict, match=r"has number 0 in evol.seeds since an earlier version"):
        publish_seeds(database, store, ("A new seed.", *SEED_TEXTS))


def most_rows(node: dict[str, Any]) -> float:
    """Of a step of a plan that was carried out, and of those below it, the rows of the one that found most."""
    below = [most_rows(step) for step in node.get("Plans", ())]
    return max([float(node["Actual Rows"] * node["Actual Loops"]), *below])


def test_numbers_are_looked_up_without_going_through_all_that_there_are(database: sa.Engine) -> None:
    """Also in a table that nobody has analysed yet, as in the transaction that fills it."""
    n_seeds, n_asked = 20_000, 5_000
    with database.connect() as connection:
        dataset_id = connection.execute(
            sa.text("INSERT INTO lineage.dataset (name, kind) VALUES ('many', 'seeds') RETURNING dataset_id")
        ).scalar_one()
        rows = "SELECT :dataset_id, gen_random_uuid(), n FROM generate_series(0, :n) n RETURNING instruction_id"
        insert = f"INSERT INTO lineage.seed_ordinal (dataset_id, instruction_id, ordinal) {rows}"
        ids = connection.execute(sa.text(insert), {"n": n_seeds, "dataset_id": dataset_id}).scalars().all()
        asked = {"instruction_ids": list(map(str, ids[:n_asked])), "ordinals": list(range(n_asked))}
        explain = sa.text(f"EXPLAIN (ANALYZE, FORMAT JSON) {load_seeds.TAKEN.text}")
        (explained,) = connection.execute(explain, asked | {"dataset_id": dataset_id}).scalar_one()

    assert most_rows(explained["Plan"]) == n_asked
