"""What the flow `sft` refuses to train on, over a real Postgres; trainings are in tests/integration/engine_sft."""

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from evol_core.errors import NotFound
from evol_core.lineage.care import retract_version
from evol_core.lineage.versions import resolve
from evol_core.pipeline import plan
from evol_core.pipeline.context import Build
from evol_core.recipe import Recipe, parse_recipe
from tests.integration.pipeline.test_build import SEEDS, Runs, model_folder
from tests.integration.pipeline.test_build import recipe as instruct_recipe

pytestmark = pytest.mark.postgres


@pytest.fixture
def runs(tmp_path: Path, database: sa.Engine, database_url: str) -> Runs:
    model_folder(tmp_path / "home")
    return Runs(tmp_path / "home", database, database_url)


def training(dataset: str) -> Recipe:
    data = {"flow": "sft", "name": "tiny-sft", "dataset": dataset, "models": {"default": {"path": "tiny"}}}
    return parse_recipe(data, origin="test")


def refusals(runs: Runs, dataset: str) -> list[str]:
    """What `evol plan` and the stage say."""
    order = runs.order(training(dataset), dataset)
    build: Build[Any] = Build(order, runs.settings, lambda progress: None)
    said = []
    for act in (lambda: plan(build), lambda: runs.run(order)):
        with pytest.raises(NotFound) as refused:
            act()
        said.append(str(refused.value))
    build.close()
    return said


def test_a_quarantined_version_is_not_trained_on(tmp_path: Path, runs: Runs) -> None:
    runs.run(runs.order(instruct_recipe(tmp_path, SEEDS, gates={"min_rows": 999}), "build"))

    for said in refusals(runs, "tiny@1"):
        assert "tiny@1 is quarantined, not published; published versions: []" in said
        assert "`evol datasets show tiny@1` tells why" in said


def test_a_retracted_version_is_not_trained_on(tmp_path: Path, runs: Runs) -> None:
    runs.run(runs.order(instruct_recipe(tmp_path, SEEDS), "build"))
    with runs.database.begin() as connection:
        retract_version(connection, resolve(connection, "tiny@1"), "ada", "wrong licence")

    for said in refusals(runs, "tiny@1"):
        assert "tiny@1 is retracted, not published" in said


def test_a_plan_tells_that_there_is_something_to_train(tmp_path: Path, runs: Runs) -> None:
    built = runs.run(runs.order(instruct_recipe(tmp_path, SEEDS), "build"))
    build: Build[Any] = Build(runs.order(training("tiny"), "plan"), runs.settings, lambda progress: None)

    (stage,) = plan(build).stages
    build.close()

    assert (stage.rows, stage.complete) == (built["publish"]["rows"], False)
