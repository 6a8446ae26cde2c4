"""`evol trajectories` over a real Postgres: what the scripted build left is shown and drawn."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from evol_core.cli.trajectory_commands import arm_of, draw
from evol_core.errors import InputError
from tests.integration.pipeline.test_auto_evol import BETTER, recipe
from tests.integration.pipeline.test_build import Runs, model_folder
from tests.unit.evolve.auto.scripted import scripted

pytestmark = pytest.mark.postgres


def test_a_versions_ways_are_shown_and_drawn(tmp_path: Path, database: sa.Engine, database_url: str) -> None:
    model_folder(tmp_path / "home")
    runs = Runs(tmp_path / "home", database, database_url)
    runs.run(runs.order(recipe(tmp_path), "a"), scripted(BETTER, base_good=1))

    with database.connect() as connection:
        arm = arm_of(connection, "rivers")
        with pytest.raises(InputError, match=r"rivers\.seeds@1 has no trajectories"):
            arm_of(connection, "rivers.seeds")

    draw([arm], tmp_path / "ways.svg")
    assert "say how sure" in [row["phrase"] for row in arm["phrases"]]
    assert (tmp_path / "ways.svg").read_text().startswith("<?xml")
