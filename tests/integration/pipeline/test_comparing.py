"""Versions as the arms of a figure, over a real Postgres."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from evol_core.errors import InputError
from evol_core.lineage.versions import resolve
from evol_core.pipeline.comparing import check_parents
from tests.integration.pipeline.test_build import SEEDS, Runs, model_folder, recipe

pytestmark = pytest.mark.postgres


def test_versions_of_other_seeds_are_not_drawn_side_by_side(
    tmp_path: Path, database: sa.Engine, database_url: str
) -> None:
    model_folder(tmp_path / "home")
    runs = Runs(tmp_path / "home", database, database_url)
    for name, seeds in (("tiny", SEEDS), ("other", SEEDS[1:])):
        runs.run(runs.order(recipe(tmp_path, seeds, name=name, evolve={"rounds": 1}), name))

    with database.connect() as connection:
        tiny, other = (resolve(connection, name) for name in ("tiny", "other"))
        check_parents(connection, [tiny, tiny])
        with pytest.raises(InputError, match=r"tiny@1 and other@1 do not share their parents.*'tiny\.seeds@1'.*other"):
            check_parents(connection, [tiny, other])
