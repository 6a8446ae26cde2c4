"""Numbers of seeds: given once in a dataset, and looked up at a cost that grows with the seeds."""

from pathlib import Path

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


def test_what_looking_numbers_up_costs_grows_with_the_seeds_not_with_their_square(database: sa.Engine) -> None:
    """Also in a table that nobody has analysed yet, as in the transaction that fills it."""
    cost: dict[int, float] = {}
    for n_seeds in (2_000, 8_000):
        with database.connect() as connection:
            dataset_id = connection.execute(
                sa.text("INSERT INTO lineage.dataset (name, kind) VALUES ('many', 'seeds') RETURNING dataset_id")
            ).scalar_one()
            rows = "SELECT :dataset_id, gen_random_uuid(), n FROM generate_series(1, :n) n"
            insert = f"INSERT INTO lineage.seed_ordinal (dataset_id, instruction_id, ordinal) {rows}"
            connection.execute(sa.text(insert), {"n": n_seeds, "dataset_id": dataset_id})
            ids = connection.execute(sa.text("SELECT instruction_id FROM lineage.seed_ordinal")).scalars().all()
            asked = {"dataset_id": dataset_id, "instruction_ids": list(map(str, ids)), "ordinals": list(range(n_seeds))}
            explained = connection.execute(sa.text(f"EXPLAIN (FORMAT JSON) {load_seeds.TAKEN.text}"), asked)
            (limit,) = explained.scalar_one()
            cost[n_seeds] = limit["Plan"]["Plans"][0]["Total Cost"]

    assert cost[8_000] < 8 * cost[2_000], "four times the seeds"
