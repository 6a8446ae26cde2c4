"""A version built again from recorded generations: no engine, no publication, the same objects byte for byte."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from evol_core.errors import ConfigError, NotFound, NotRecorded, SeedError
from evol_core.evolve.rounds import EvolveSetting, evolve_row
from evol_core.lineage.runs import register_attempt, register_run
from evol_core.lineage.verify import verify_version
from evol_core.lineage.versions import Version, resolve
from evol_core.pipeline import Order, instruct, plan
from evol_core.pipeline.context import Build
from evol_core.pipeline.gather import Gathered
from evol_core.pipeline.plan import Plan
from evol_core.pipeline.rebuild import Rebuilt, rebuild_version
from evol_core.recipe import Recipe
from evol_core.records import Seed
from evol_core.store.objects import ObjectStore
from tests.integration.lineage_rows import table_counts
from tests.integration.pipeline.test_build import SEEDS, Runs, model_folder, recipe

pytestmark = pytest.mark.postgres


@pytest.fixture
def runs(tmp_path: Path, database: sa.Engine, database_url: str) -> Runs:
    """A home with one version, whose model folder is gone."""
    model_folder(tmp_path / "home")
    runs = Runs(tmp_path / "home", database, database_url)
    built = recipe(tmp_path, SEEDS)
    runs.run(order(runs, built))
    shutil.rmtree(tmp_path / "home" / "models")
    return runs


def order(runs: Runs, recipe: Recipe) -> Order:
    """An order whose run keeps its recipe, as those of commands and DAGs do."""
    with runs.database.begin() as connection:
        run_id = register_run(
            connection,
            flow="test",
            run_key="a",
            trigger="test",
            conf=recipe.model_dump(mode="json"),
            code_version="0",
            recipe_hash=recipe.hash,
        )
        attempt_id = register_attempt(connection, run_id=run_id, task="all", code_version="0")
    return Order(flow=recipe.flow, stage="all", recipe=recipe, run_id=run_id, attempt_id=attempt_id)


def rebuilt(runs: Runs, spec: str = "tiny@1") -> Rebuilt:
    return rebuild_version(runs.settings, spec)


def version(runs: Runs, spec: str = "tiny@1") -> Version:
    with runs.database.connect() as connection:
        return resolve(connection, spec)


def test_a_version_comes_out_the_same_without_an_engine_or_a_model(runs: Runs) -> None:
    before, started = table_counts(runs.database), len(runs.engines)

    found = rebuilt(runs)

    assert (found.version, found.identical, found.objects) == ("tiny@1", True, 3)
    assert found.replayed > len(SEEDS)
    assert len(runs.engines) == started
    assert table_counts(runs.database) == before, "nothing is published or entered"


def test_pieces_that_builds_have_finished_are_not_believed(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rebuild proves what the recorded answers say, not what somebody once derived from them."""
    begun: list[int] = []

    def counted(seed: Seed, setting: EvolveSetting) -> Any:
        begun.append(seed.ordinal)
        return evolve_row(seed, setting)

    monkeypatch.setattr(instruct, "evolve_row", counted)

    assert rebuilt(runs).identical
    assert len(begun) == len(SEEDS)


def test_missing_and_damaged_objects_are_written_again(runs: Runs) -> None:
    store = ObjectStore(runs.settings.objects)
    data, refused = version(runs).data[0].sha256, version(runs).refused[0].sha256
    whole = store.path(data).read_bytes()
    store.path(data).unlink()
    store.path(refused).write_bytes(b"x" * store.path(refused).stat().st_size)

    found = rebuilt(runs)

    assert (found.identical, set(found.restored)) == (True, {data, refused})
    assert store.path(data).read_bytes() == whole
    with runs.database.connect() as connection:
        assert verify_version(connection, store, "tiny@1") == []


def test_seeds_are_rebuilt_from_their_sources(tmp_path: Path, runs: Runs) -> None:
    seeds = version(runs, "tiny.seeds@1").data[0].sha256
    ObjectStore(runs.settings.objects).path(seeds).unlink()
    with pytest.raises(NotFound, match=seeds):
        rebuilt(runs)

    assert rebuilt(runs, "tiny.seeds@1").restored == (seeds,)
    assert rebuilt(runs).identical

    (tmp_path / "seeds.jsonl").unlink()
    assert rebuilt(runs).identical, "the dataset needs its seed version only"
    with pytest.raises(SeedError):
        rebuilt(runs, "tiny.seeds@1")


def test_other_code_is_told_from_the_code_that_built_it(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    before = table_counts(runs.database)
    monkeypatch.setattr(Gathered, "scores", lambda self: iter(()))

    found = rebuilt(runs)

    assert (found.identical, found.different) == (False, (version(runs).scores[0].sha256,))
    assert table_counts(runs.database) == before, "nothing is published"


def test_an_answer_that_is_lost_ends_it(runs: Runs) -> None:
    with runs.database.begin() as connection:
        connection.execute(sa.text("DELETE FROM lineage.generation WHERE row_no = 0"))

    with pytest.raises(NotRecorded, match="`evol run` with the same recipe asks them anew"):
        rebuilt(runs)


def test_a_run_that_kept_another_recipe_is_told(runs: Runs) -> None:
    with runs.database.begin() as connection:
        connection.execute(sa.text("""UPDATE lineage.run SET conf = jsonb_set(conf, '{seed}', '9')"""))

    with pytest.raises(ConfigError, match=r"is not the one of tiny@1"):
        rebuilt(runs)


def planned(runs: Runs, changed: Recipe) -> Plan:
    order = Order(flow=changed.flow, stage="all", recipe=changed, run_id=0, attempt_id=0)
    build = Build[Any](order, runs.settings, report=lambda progress: None)
    try:
        return plan(build)
    finally:
        build.close()


def test_a_changed_recipe_reuses_what_is_recorded_and_the_plan_says_how_much(tmp_path: Path, runs: Runs) -> None:
    model_folder(runs.settings.home)
    answered = {request.hash for engine in runs.engines for request in engine.submitted}
    fewer_metrics = recipe(tmp_path, SEEDS, score={"metrics": ["length_words", "ifd"]})
    more_rounds = recipe(tmp_path, SEEDS, evolve={"rounds": 3})

    assert not planned(runs, fewer_metrics).needs_engine
    (evolve,) = [stage for stage in planned(runs, more_rounds).stages if stage.stage == "evolve"]
    recorded = sum(model.recorded for model in evolve.models)
    missing = sum(model.missing for model in evolve.models)
    assert recorded > 2 * len(SEEDS)
    assert 0 < missing <= len(SEEDS), "each row waits at its first answer of the third round"

    before = len(runs.engines)
    runs.run(runs.order(more_rounds, "b"))
    assert not answered & {request.hash for engine in runs.engines[before:] for request in engine.submitted}
