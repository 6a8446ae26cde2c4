"""Auto Evol-Instruct as a whole over a real Postgres, with replies written for it."""

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from evol_core.config import PROJECT_ROOT
from evol_core.errors import EngineError, NotFound, RecipeError
from evol_core.lineage.load_auto import find_method
from evol_core.lineage.rows_of import rows_of
from evol_core.lineage.versions import show_version
from evol_core.pipeline import check_recipe, plan
from evol_core.pipeline.context import Build
from evol_core.recipe import Recipe, parse_recipe
from evol_core.records import Losses, Measured
from evol_core.requests import GenerateRequest, Request, RewardRequest
from tests.integration.pipeline.test_build import Runs, model_folder
from tests.unit.evolve.auto.scripted import fenced, method_text, scripted

pytestmark = pytest.mark.postgres

BETTER, WORSE = [fenced(method_text(2)), fenced(method_text(9))], [fenced(method_text(0)), "I have none."]


def recipe(tmp_path: Path, **changes: Any) -> Recipe:
    path = tmp_path / "rivers.txt"
    path.write_text("".join(f"Name {n} rivers.\n" for n in range(9)))
    data: dict[str, Any] = {
        "name": "rivers",
        "flow": "auto_evol",
        "seeds": [{"path": str(path), "format": "lines", "licence": "CC0-1.0"}],
        "models": {"default": {"path": "tiny"}},
        "evolve": {"method_text": method_text(1, "First. "), "rounds": 1},
        "optimise": {"steps": 3, "batch": 2, "candidates": 2, "development": 4},
        "score": {"metrics": ["length_words"]},
    }
    return parse_recipe(data | changes, origin="test")


@pytest.fixture
def runs(tmp_path: Path, database: sa.Engine, database_url: str) -> Runs:
    model_folder(tmp_path / "home")
    return Runs(tmp_path / "home", database, database_url)


def asked(runs: Runs) -> int:
    return len({request.hash for engine in runs.engines for request in engine.submitted})


def query(runs: Runs, sql: str) -> list[dict[str, Any]]:
    with runs.database.connect() as connection:
        return rows_of(connection, sql)


def test_the_planted_better_method_wins_and_the_dataset_is_made_by_it(tmp_path: Path, runs: Runs) -> None:
    outputs = runs.run(runs.order(recipe(tmp_path), "a"), scripted(BETTER, base_good=1))

    assert (outputs["optimise"]["failure_rate"], outputs["optimise"]["stop"]) == (0.0, "no_failures")
    assert outputs["optimise"]["text"] == method_text(9)
    assert outputs["publish"]["state"] == "published"
    assert (outputs["publish"]["rows"], outputs["publish"]["parse_rate"]) == (9, 1.0)
    trials = query(runs, "SELECT * FROM analytics.method_trials ORDER BY step, candidate")
    assert (trials[0]["step"], trials[0]["is_winner"], trials[0]["failure_rate"]) == (0, True, 1.0)
    assert trials[2]["parent"] == trials[0]["method"]
    assert trials[2]["failure_rate"] == 0
    assert all(trial["n_calls"] == 10 for trial in trials[1:])
    (rate,) = query(runs, "SELECT * FROM analytics.parse_rates")
    assert (rate["n_replies"], rate["n_parsed"], rate["method"]) == (9, 9, f"auto_{trials[2]['method'][:12]}")
    with runs.database.connect() as connection:
        assert show_version(connection, "rivers")["parse_rates"] == [
            {name: rate[name] for name in ("model", "size_class", "method", "n_replies", "n_parsed", "parse_rate")}
        ]
        assert show_version(connection, "rivers.seeds")["parse_rates"] == []
    (phrase,) = query(runs, "SELECT * FROM analytics.trajectory_phrases")
    assert (phrase["phrase"], phrase["n_methods"], phrase["size_class"]) == ("say how sure", 9, "slm")


def test_where_no_candidate_improves_the_loop_stops_and_the_first_method_is_used(tmp_path: Path, runs: Runs) -> None:
    outputs = runs.run(runs.order(recipe(tmp_path), "a"), scripted(WORSE, base_good=1))

    assert (outputs["optimise"]["stop"], outputs["optimise"]["steps"]) == ("no_improvement", 1)
    assert outputs["optimise"]["text"] == method_text(1, "First. ")
    reasons = query(runs, "SELECT reason FROM analytics.method_trials ORDER BY step, candidate")
    assert [row["reason"] for row in reasons] == ["", "", "no_method_block"]


def test_steps_and_shards_as_jobs_of_their_own_make_the_same_version(tmp_path: Path, runs: Runs) -> None:
    script, built = scripted(BETTER, base_good=1), recipe(tmp_path)
    whole = runs.run(runs.order(built, "a"), script)
    before = asked(runs)

    runs.run(runs.order(built, "b", "seed"), script)
    for step in (1, 0, 2):
        runs.run(runs.order(built, "b", "optimise", step, 3), script)
    for stage in ("evolve", "score", "analyse"):
        for shard in range(2):
            runs.run(runs.order(built, "b", stage, shard, 2), script)
    parted = runs.run(runs.order(built, "b", "publish"), script)

    assert (parted["version"], parted["replayed"]) == (whole["publish"]["version"], True)
    assert asked(runs) == before, "all of it came from the record"


def test_an_optimiser_that_died_goes_on_from_its_record(tmp_path: Path, runs: Runs) -> None:
    script = scripted(BETTER, base_good=1)
    with pytest.raises(EngineError):
        runs.run(runs.order(recipe(tmp_path), "a"), script, fail_after=15)
    recorded = runs.counts()["generation"]

    runs.run(runs.order(recipe(tmp_path), "a"), script)

    made = runs.counts()["generation"]
    assert len({request.hash for request in runs.engines[-1].submitted}) == made - recorded


def test_the_plan_says_the_calls_beforehand_and_the_run_stays_within(tmp_path: Path, runs: Runs) -> None:
    built = recipe(tmp_path, max_calls=18 + 9 + 8 + 2 + 2 * 10)
    check_recipe(built, runs.settings)
    order = runs.order(built, "plan")

    def planned() -> dict[str, int | None]:
        build = Build[Any](order, runs.settings, report=lambda progress: None)
        try:
            return {stage.stage: stage.at_most for stage in plan(build).stages}
        finally:
            build.close()

    before = planned()
    outputs = runs.run(runs.order(built, "a"), scripted([fenced(method_text(2)), ""], base_good=1))

    assert before == {"optimise": 30, "evolve": 18, "score": 9}
    assert outputs["optimise"]["calls"] <= 30
    assert outputs["optimise"]["stop"] == "budget"
    assert asked(runs) <= 57
    assert planned()["optimise"] == 30


def test_a_method_is_chosen_by_name_and_hash_in_a_later_recipe(tmp_path: Path, runs: Runs) -> None:
    first = runs.run(runs.order(recipe(tmp_path), "a"), scripted(BETTER, base_good=1))
    method = first["optimise"]["method"]
    later = recipe(tmp_path, name="later", evolve={"method": method}, optimise={"steps": 0})
    check_recipe(later, runs.settings)

    outputs = runs.run(runs.order(later, "b"), scripted([], base_good=1))

    assert outputs["optimise"]["text"] == method_text(9)
    assert (outputs["optimise"]["calls"], outputs["optimise"]["failure_rate"]) == (0, None)
    with pytest.raises(NotFound, match=r"evolve\.method: 0 methods are called rivers@00000000; known: \['rivers@"):
        check_recipe(recipe(tmp_path, evolve={"method": "rivers@00000000"}), runs.settings)
    with runs.database.connect() as connection:
        assert find_method(connection, "later", method.partition("@")[2]) == method_text(9)


def test_lost_rows_keep_their_reason_and_go_back_to_the_pool(tmp_path: Path, runs: Runs) -> None:
    good = scripted([], base_good=9)

    def reply(request: Request) -> str | Losses:
        assert isinstance(request, GenerateRequest)
        lost = "Name 3 rivers." in request.messages[-1].content and "Reply in JSON" in request.messages[-1].content
        return "I would make it harder." if lost else good(request)

    built = recipe(tmp_path, optimise={"steps": 0}, evolve={"method_text": method_text(9), "rounds": 2})
    published = runs.run(runs.order(built, "a"), reply)["publish"]

    refused = query(
        runs, "SELECT reason, parent_id FROM lineage.outcome WHERE ordinal = 3 AND status <> 'accepted' ORDER BY round"
    )
    assert [row["reason"] for row in refused] == ["no_final", "no_final"]
    assert refused[0]["parent_id"] == refused[1]["parent_id"]
    assert published["parse_rate"] == pytest.approx(16 / 18)
    assert published["rows"] + published["rejected"] + published["failed"] == 18
    outcomes = query(runs, "SELECT outcome, sum(n_replies) AS n FROM analytics.parse_outcomes GROUP BY 1 ORDER BY 1")
    assert [(row["outcome"], row["n"]) for row in outcomes] == [("json", 16), ("no_final", 2)]


REWARDED = {"metrics": ["reward_evolution"], "reward": "default"}
RESCORE = {"name": "again", "flow": "rescore", "version": "rivers", "models": {"default": {"path": "tiny"}}}


@pytest.mark.parametrize("afterwards", [False, True], ids=["in the build", "by rescoring"])
def test_rewards_of_evolutions_see_the_methods_prompt_with_the_parent(
    tmp_path: Path, runs: Runs, afterwards: bool
) -> None:
    good = scripted([], base_good=9)

    def reply(request: Request) -> str | Losses | Measured:
        return Measured(reward=1.0) if isinstance(request, RewardRequest) else good(request)

    built = recipe(
        tmp_path,
        optimise={"steps": 0},
        evolve={"method_text": method_text(9), "rounds": 2},
        score={"metrics": ["length_words"]} if afterwards else REWARDED,
    )
    published = runs.run(runs.order(built, "a"), reply)["publish"]
    if afterwards:
        runs.run(runs.order(parse_recipe(RESCORE | {"score": REWARDED}, origin="test"), "b"), reply)

    requests = [request for engine in runs.engines for request in engine.submitted]
    rewards = [request for request in requests if isinstance(request, RewardRequest)]
    prompts = {one.messages[0].content for one in requests if isinstance(one, GenerateRequest)}
    assert len(rewards) == published["rows"] > 0
    assert {one.user for one in rewards} <= prompts, "the prompt that the evolver was given"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"evolve": {"method_text": "Make it harder."}}, r"evolve\.method_text: has no place for the instruction"),
        ({"evolve": {"method": "rivers"}}, r"evolve\.method: "),
        (
            {"optimise": {"steps": 1, "development": 50, "batch": 2}},
            r"optimise\.development: 50 rows, .*do not fit in 9 seeds",
        ),
        ({"max_calls": 40}, r"max_calls: 40 is too small: .* give at least 57"),
        ({"decontaminate": [{"name": "exam", "path": "gone.jsonl"}]}, r"decontaminate\.0: gone\.jsonl does not exist"),
    ],
    ids=["no place", "no hash", "more development rows than seeds", "a budget too small for one step", "no benchmark"],
)
def test_a_recipe_that_cannot_be_built_is_refused_beforehand(
    tmp_path: Path, runs: Runs, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(RecipeError, match=message):
        check_recipe(recipe(tmp_path, **changes), runs.settings)


@pytest.mark.parametrize("name", ["methods", "parse_rates", "trajectories"])
def test_the_analysts_questions_have_answers(tmp_path: Path, runs: Runs, name: str) -> None:
    runs.run(runs.order(recipe(tmp_path), "a"), scripted(BETTER, base_good=1))
    text = (PROJECT_ROOT / "sql" / "examples" / f"{name}.sql").read_text()

    with runs.database.begin() as connection:
        connection.execute(sa.text("SET LOCAL search_path = analytics, lineage"))
        assert connection.execute(sa.text(text)).all()
