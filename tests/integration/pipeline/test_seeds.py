"""The seed stage over a real Postgres: numbers that stay, places of every row, and memory."""

import tracemalloc
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa

from evol_core.pipeline.context import Build
from evol_core.pipeline.seeds import seed_batch, seed_stage
from evol_core.recipe import InstructRecipe
from evol_core.records import Instruction
from evol_core.store.objects import ROW_GROUP, ObjectStore, StoredObject
from tests.integration.pipeline.test_build import SEEDS, Runs, model_folder, recipe

pytestmark = pytest.mark.postgres

TEXT = "Explain how a river shapes its valley. " * 25


class WatchedStore(ObjectStore):
    """Notes how many bytes Python holds whenever rows come to be written."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.held: list[int] = []

    def write(self, schema: pa.Schema, batches: Iterable[pa.Table | pa.RecordBatch]) -> StoredObject:
        return super().write(schema, map(self._noted, batches))

    def _noted(self, batch: pa.Table | pa.RecordBatch) -> pa.Table | pa.RecordBatch:
        self.held.append(tracemalloc.get_traced_memory()[0])
        return batch


@pytest.fixture
def runs(tmp_path: Path, database: sa.Engine, database_url: str) -> Runs:
    model_folder(tmp_path / "home")
    return Runs(tmp_path / "home", database, database_url)


def seed(runs: Runs, tmp_path: Path, texts: list[str], key: str) -> tuple[dict[str, Any], WatchedStore]:
    build: Build[Any] = Build(runs.order(recipe(tmp_path, texts), key, "seed"), runs.settings, lambda progress: None)
    build.store = WatchedStore(runs.settings.objects)
    tracemalloc.start()
    try:
        return seed_stage(build), build.store
    finally:
        tracemalloc.stop()
        build.close()


def numbered(store: ObjectStore, output: dict[str, Any]) -> list[tuple[int, str]]:
    rows = [row for sha256 in output["parts"] for row in store.rows(sha256)]
    return [(row["ordinal"], row["instruction"]) for row in rows]


def test_seeds_keep_their_numbers_from_version_to_version_and_stand_in_their_order(tmp_path: Path, runs: Runs) -> None:
    seed(runs, tmp_path, SEEDS, "a")

    output, store = seed(runs, tmp_path, ["New.", *SEEDS[:0:-1], "Newer."], "b")

    assert output["version"] == 2
    assert numbered(store, output) == [*[*enumerate(SEEDS)][1:], (5, "New."), (6, "Newer.")]


def test_numbers_are_those_of_one_moment(tmp_path: Path, runs: Runs) -> None:
    """Whoever publishes in between upsets the publication, not the reading."""
    seed(runs, tmp_path, SEEDS, "a")
    built = recipe(tmp_path, ["New.", "Newer."])
    assert isinstance(built, InstructRecipe)
    build: Build[Any] = Build(runs.order(built, "b", "seed"), runs.settings, lambda progress: None)

    @sa.event.listens_for(build.database, "after_cursor_execute", once=True)
    def another_publishes(*about: object) -> None:
        row = {"instruction_id": Instruction(text="Newer.").id, "ordinal": len(SEEDS)}
        with runs.database.begin() as connection:
            columns = "(dataset_id, instruction_id, ordinal) SELECT dataset_id, :instruction_id, :ordinal"
            connection.execute(sa.text(f"INSERT INTO lineage.seed_ordinal {columns} FROM lineage.dataset"), row)

    with seed_batch(build, "tiny.seeds", built.seeds) as batch:
        assert [(one.ordinal, one.instruction.text) for one in batch.seeds()] == [(5, "New."), (6, "Newer.")]
    build.close()


def test_a_version_of_more_than_a_row_group_is_written_from_disk_and_has_every_row(
    tmp_path: Path, runs: Runs, database: sa.Engine
) -> None:
    texts = [f"{n} {TEXT}" for n in range(ROW_GROUP + 1000)]

    output, store = seed(runs, tmp_path, [*texts, *texts[:100]], "a")

    assert (output["items"], output["seeds"], output["refused"]) == (len(texts) + 100, len(texts), 100)
    assert max(store.held) < sum(map(len, texts)) / 2
    assert runs.counts() | {"row_location": len(texts), "outcome": len(texts) + 100} == runs.counts()
    with database.connect() as connection:
        at_its_number = "lineage.row_location JOIN lineage.seed_ordinal ON (row_id, row_no) = (instruction_id, ordinal)"
        found = connection.execute(sa.text(f"SELECT count(*) FROM {at_its_number}")).scalar_one()
    assert found == len(texts)
