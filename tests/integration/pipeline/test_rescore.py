"""Scores are added to a version that is there: its rows stay, the same scores again add nothing."""

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from evol_core.errors import NotFound, RecipeError
from evol_core.lineage.generations import measured_places
from evol_core.lineage.versions import resolve
from evol_core.pipeline import check_recipe
from evol_core.publish.confidence_arrays import confidence_arrays, rows_of
from evol_core.recipe import Recipe, parse_recipe
from evol_core.records import Losses, Measured
from evol_core.requests import ConfidenceRequest, GenerateRequest, Request, RewardRequest
from evol_core.store.objects import ObjectStore
from tests.integration.pipeline.test_build import SEEDS, Runs, model_folder, recipe
from tests.integration.pipeline.test_build import reply as build_reply

pytestmark = pytest.mark.postgres


@pytest.fixture
def runs(tmp_path: Path, database: sa.Engine, database_url: str) -> Runs:
    model_folder(tmp_path / "home")
    return Runs(tmp_path / "home", database, database_url)


def reply(request: Request) -> str | Losses | Measured:
    if isinstance(request, RewardRequest):
        return Measured(reward=float(len(request.user)))
    return build_reply(request)


def rescore(*metrics: str, version: str = "tiny", **score: Any) -> Recipe:
    return parse_recipe(
        {
            "name": "again",
            "flow": "rescore",
            "version": version,
            "models": {"default": {"path": "tiny"}},
            "score": {"metrics": list(metrics), "reward": "default", **score},
        },
        origin="test",
    )


def built(tmp_path: Path, runs: Runs, **changes: Any) -> dict[str, Any]:
    made: dict[str, Any] = runs.run(
        runs.order(recipe(tmp_path, SEEDS, score={"metrics": ["length_words"]}, **changes), "a")
    )["publish"]
    return made


def values(runs: Runs, metric: str) -> list[Any]:
    with runs.database.connect() as connection:
        found = connection.execute(
            sa.text("SELECT value, reason FROM lineage.score JOIN lineage.metric USING (metric_id) WHERE name = :name"),
            {"name": metric},
        )
        return [tuple(row) for row in found]


def figures(runs: Runs, metric: str) -> int:
    """Lines of the version's summary that are of a metric, all operators together."""
    with runs.database.connect() as connection:
        query = sa.text(
            "SELECT coalesce(sum(n_rows), 0) FROM lineage.version_metric JOIN lineage.metric USING (metric_id) "
            "WHERE name = :name AND operator IS NULL"
        )
        return int(connection.execute(query, {"name": metric}).scalar_one())


def test_new_scores_stand_beside_the_old_ones_and_no_row_changes(tmp_path: Path, runs: Runs) -> None:
    published = built(tmp_path, runs)
    before = runs.counts()

    entered = runs.run(runs.order(rescore("ifd", "length_words"), "b"), reply)["enter"]

    after = runs.counts()
    assert (entered["name"], entered["version"]) == ("tiny", 1)
    assert (entered["scores"], entered["added"]) == (2 * published["rows"], published["rows"])
    assert len(values(runs, "ifd")) == figures(runs, "ifd") == published["rows"]
    kept = ("instruction", "derivation", "response", "outcome", "dataset_version", "row_location", "step")
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}


def test_scoring_again_starts_no_engine_and_adds_nothing(tmp_path: Path, runs: Runs) -> None:
    built(tmp_path, runs)
    runs.run(runs.order(rescore("ifd"), "b"), reply)
    scores, started = runs.counts()["score"], len(runs.engines)

    entered = runs.run(runs.order(rescore("ifd"), "c"), reply)["enter"]

    assert entered["added"] == 0
    assert (runs.counts()["score"], len(runs.engines)) == (scores, started)
    assert figures(runs, "ifd") == entered["rows"]


def test_shards_enter_the_same_scores(tmp_path: Path, runs: Runs) -> None:
    published = built(tmp_path, runs)
    wanted = rescore("ifd")

    runs.run(runs.order(wanted, "b", "choose"))
    for shard in range(3):
        runs.run(runs.order(wanted, "b", "score", shard, 3), reply)
    runs.run(runs.order(wanted, "b", "score_set"))
    entered = runs.run(runs.order(wanted, "b", "enter"))

    assert entered["added"] == published["rows"]


def test_rewards_of_evolutions_see_the_prompt_with_the_parent(tmp_path: Path, runs: Runs) -> None:
    published = built(tmp_path, runs)

    runs.run(runs.order(rescore("reward_evolution"), "b"), reply)

    asked = [one for engine in runs.engines for one in engine.submitted]
    prompts = {one.messages[0].content for one in asked if isinstance(one, GenerateRequest)}
    rewards = [one for one in asked if isinstance(one, RewardRequest)]
    assert len(rewards) == published["rows"]
    assert {one.user for one in rewards} <= prompts, "the prompt that the evolver was given, seeds and children alike"
    assert all(value is not None for value, _ in values(runs, "reward_evolution"))


def test_a_version_that_is_not_there_is_refused_before_any_engine(tmp_path: Path, runs: Runs) -> None:
    built(tmp_path, runs)

    with pytest.raises(NotFound, match=r"there is no dataset"):
        check_recipe(rescore("ifd", version="tinny"), runs.settings)
    with pytest.raises(NotFound, match=r"tiny\.seeds@1 is a version of seeds, which have no responses"):
        check_recipe(rescore("ifd", version="tiny.seeds"), runs.settings)
    with pytest.raises(RecipeError, match=r"score\.embedder: is empty, but score\.metrics \['nearest_instruction'\]"):
        check_recipe(rescore("nearest_instruction"), runs.settings)


def test_arrays_of_confidence_join_the_rows_and_their_means_are_the_scores(tmp_path: Path, runs: Runs) -> None:
    published = built(tmp_path, runs)

    def sure(request: Request) -> str | Losses | Measured:
        if isinstance(request, ConfidenceRequest):
            if "iron" in request.user:
                return Measured(reason="over_context")
            return Measured(top1=(0.5, len(request.response) / 1000), entropy=(0.25, 1.0))
        return reply(request)

    runs.run(runs.order(rescore("confidence"), "b"), sure)
    store = ObjectStore(runs.settings.objects)
    with runs.database.connect() as connection:
        version = resolve(connection, "tiny@1")
        rows = rows_of(store, [part.sha256 for part in version.data])
        found = list(confidence_arrays(store, rows, measured_places(connection)))
        query = sa.text(
            "SELECT subject_id, value, reason FROM lineage.score JOIN lineage.metric USING (metric_id) "
            "WHERE name = 'confidence'"
        )
        scores = {str(row.subject_id): (row.value, row.reason) for row in connection.execute(query)}

    assert len(found) == published["rows"]
    assert {row["reason"] for row in found} == {"", "over_context"}
    for row in found:
        value = None if row["top1"] is None else sum(row["top1"]) / len(row["top1"])
        assert scores[row["response_id"]] == (value and pytest.approx(value), row["reason"])
    ids = {row["instruction_id"] for part in version.data for row in store.rows(part.sha256)}
    assert {row["instruction_id"] for row in found} == ids
