"""A whole comparison over a real Postgres, with the fake engine in every role."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from evol_core.config import Settings
from evol_core.errors import NotFound
from evol_core.lineage.comparisons import verdict_objects
from evol_core.lineage.runs import register_attempt, register_run
from evol_core.lineage.versions import resolve
from evol_core.llm.fake import FakeEngine
from evol_core.llm.port import Engine
from evol_core.pipeline import FLOWS, Order, check_recipe, plan, run
from evol_core.pipeline.context import Build
from evol_core.pipeline.rebuild import rebuild_version
from evol_core.recipe import CompareArmsRecipe, parse_recipe
from evol_core.recipe.auto_evol import AnalyseConfig
from evol_core.records import Losses
from evol_core.requests import GenerateRequest, LossRequest, Request
from evol_core.store.objects import ObjectStore
from tests.integration.lineage_rows import table_counts

pytestmark = pytest.mark.postgres

SEEDS = ["Name a river.", "Add 2 and 3.", "Say hello.", "What is iron?", "<b>Describe</b> a cat."]


def model_folder(home: Path, name: str) -> None:
    folder = home / "models" / name
    folder.mkdir(parents=True)
    for file in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        (folder / file).write_text("{}")
    (folder / "model.safetensors").write_bytes(name.encode())


def recipe(folder: Path, **changes: Any) -> CompareArmsRecipe:
    path = folder / "seeds.jsonl"
    path.write_text("".join(json.dumps({"instruction": seed}) + "\n" for seed in SEEDS))
    data = {
        "name": "sizes",
        "flow": "compare_arms",
        "seeds": [{"path": str(path), "format": "alpaca", "licence": "CC0-1.0"}],
        "models": {"small": {"path": "tiny"}, "large": {"path": "big", "size_class": "llm"}},
        "evolve": {"rounds": 2},
        "respond": {"model": "small"},
        "score": {"metrics": ["length_words", "difficulty_level", "ic_ifd"], "judge": "large", "scorer": "small"},
        "judge": {"model": "large"},
        "compare": {"resamples": 100},
    }
    found = parse_recipe(data | changes, origin="test")
    assert isinstance(found, CompareArmsRecipe)
    return found


def reply(request: Request) -> str | Losses:
    """The big model adds two sentences, the tiny one a word, and refuses rivers; a judge likes what is shorter."""
    if isinstance(request, LossRequest):
        return Losses(question=2.0, given=0.5, alone=1.0, n_question=5, n_answer=7, n_alone=6)
    assert isinstance(request, GenerateRequest)
    asked = request.messages[-1].content
    if "Assistant 1" in asked:
        first, second = (len(asked.split(f"Assistant {n} begins")[1].split("---")[1]) for n in (1, 2))
        return f"Assistant 1 is {'better' if first < second else 'worse'} than Assistant 2"
    if request.decoding.temperature == 0:
        return "hard" if request.model.name == "big" and "levels" in asked else "70"
    if "river" in asked and request.model.name == "tiny":
        return "Sorry, no."
    more = "In detail, please. Mind the order." if request.model.name == "big" else "Kindly."
    seed = next((seed for seed in SEEDS if seed in asked), asked)
    return f"{seed} {more} {request.hash[:6]}"


Reply = Callable[[Request], str | Losses]


class Runs:
    def __init__(self, home: Path, database: sa.Engine, url: str) -> None:
        self.settings = Settings(home=home, database_url=url, jobs_python=Path("python"))
        self.database = database
        self.asked: list[Request] = []

    def run(
        self,
        built: CompareArmsRecipe,
        key: str,
        answer: Reply = reply,
        stage: str = "all",
        shard: int = 0,
        shards: int = 1,
    ) -> dict[str, Any]:
        def heard(request: Request) -> str | Losses:
            self.asked.append(request)
            return answer(request)

        def make(*about: object) -> Engine:
            return FakeEngine(heard)

        order = self.order(built, key, stage, shard, shards)
        return run(order, self.settings, lambda progress: None, make)

    def build(self, built: CompareArmsRecipe, key: str) -> Build[CompareArmsRecipe]:
        return Build(self.order(built, key, "all", 0, 1), self.settings, lambda progress: None)

    def order(self, built: CompareArmsRecipe, key: str, stage: str, shard: int, shards: int) -> Order:
        with self.database.begin() as connection:
            run_id = register_run(
                connection,
                flow="test",
                run_key=key,
                trigger="test",
                conf=built.model_dump(mode="json"),
                code_version="0",
                recipe_hash=built.hash,
            )
            attempt_id = register_attempt(connection, run_id=run_id, task=stage, shard=shard, code_version="0")
        return Order(
            flow=built.flow, stage=stage, shard=shard, shards=shards, recipe=built, run_id=run_id, attempt_id=attempt_id
        )


@pytest.fixture
def runs(tmp_path: Path, database: sa.Engine, database_url: str) -> Runs:
    for name in ("tiny", "big"):
        model_folder(tmp_path / "home", name)
    return Runs(tmp_path / "home", database, database_url)


def test_two_arms_share_seeds_orders_and_draws_and_are_told_apart(tmp_path: Path, runs: Runs) -> None:
    outputs = runs.run(recipe(tmp_path), "a")

    evolving = {
        name: {(r.messages, r.seed) for r in _generated(runs) if r.model.name == name and "question for" in str(r)}
        for name in ("tiny", "big")
    }
    assert len(evolving["tiny"] & evolving["big"]) >= len(SEEDS) - 1, "round 0 asks both the same, with the same seed"
    compared = outputs["compare"]
    assert (outputs["publish_a"]["name"], outputs["publish_b"]["name"]) == ("sizes-small", "sizes-large")
    win, tie, lose, unparsed = compared["win_tie_lose_unparsed"]
    assert win + tie + lose + unparsed == compared["judged"] == outputs["judge"]["pairs"]
    assert (win, lose) == (compared["judged"], 0), "the judge likes what is shorter, and that is arm A"


def test_the_seeds_are_scored_as_what_both_arms_began_with(tmp_path: Path, runs: Runs) -> None:
    report = Path(runs.run(recipe(tmp_path), "a")["compare"]["report"])

    (seeds,) = json.loads((report.parent / "comparison.json").read_text())["seeds"]
    assert seeds == {"metric": "difficulty_level", "rows": len(SEEDS), "scored": len(SEEDS), "mean": 4.0}
    assert "<h2>Seeds</h2>" in report.read_text()


def _generated(runs: Runs) -> list[GenerateRequest]:
    return [request for request in runs.asked if isinstance(request, GenerateRequest)]


def test_the_report_escapes_what_models_wrote_and_says_what_is_not_in_it(tmp_path: Path, runs: Runs) -> None:
    report = Path(runs.run(recipe(tmp_path), "a")["compare"]["report"])

    page = report.read_text()
    assert "<b>Describe</b>" not in page
    assert "&lt;b&gt;Describe&lt;/b&gt;" in page
    assert "not asked of both arms: " in page
    files = {path.name for path in report.parent.iterdir()}
    assert {"comparison.json", "difficulty_levels.png", "difficulty_levels.svg", "verdicts.png"} <= files


def test_again_starts_nothing_and_is_the_same_comparison(tmp_path: Path, runs: Runs) -> None:
    first = runs.run(recipe(tmp_path), "a")
    before, report = len(runs.asked), Path(first["compare"]["report"]).read_bytes()

    again = runs.run(recipe(tmp_path), "b")

    assert len(runs.asked) == before
    assert Path(again["compare"]["report"]).read_bytes() == report
    with runs.database.connect() as connection:
        counted = {
            table: connection.execute(sa.text(f"SELECT count(*) FROM lineage.{table}")).scalar_one()
            for table in ("comparison", "verdict", "paired_metric")
        }
        a, b = (resolve(connection, name) for name in ("sizes-small", "sizes-large"))
        assert verdict_objects(connection, a, b) == first["judge"]["parts"]
        shown = connection.execute(sa.text("SELECT judged, win, lose FROM analytics.comparison")).one()
    assert counted == {"comparison": 1, "verdict": first["judge"]["pairs"], "paired_metric": 3 * 2}
    assert (shown.judged, shown.win) == (first["judge"]["pairs"], first["judge"]["pairs"])


def test_both_versions_have_the_seed_version_as_parent_and_their_size(tmp_path: Path, runs: Runs) -> None:
    runs.run(recipe(tmp_path), "a")

    with runs.database.connect() as connection:
        sizes = connection.execute(
            sa.text("SELECT DISTINCT dataset, size_class FROM analytics.metric_by_round_model ORDER BY dataset")
        ).all()
        seeds = connection.execute(
            sa.text("SELECT DISTINCT parent_dataset_id, parent_version FROM lineage.version_parent")
        ).all()
    assert [tuple(row) for row in sizes] == [("sizes-large", "llm"), ("sizes-small", "slm")]
    assert len(seeds) == 1


@pytest.mark.parametrize("name", ["sizes-small", "sizes-large", "sizes.seeds"])
def test_each_of_its_versions_is_rebuilt_from_what_is_recorded(tmp_path: Path, runs: Runs, name: str) -> None:
    runs.run(recipe(tmp_path, arms={"a": "small", "b": "large", "b_method": "base"}), "a", planned)
    asked, counts = len(runs.asked), table_counts(runs.database)
    with runs.database.connect() as connection:
        lost = resolve(connection, name).data[0].sha256
    ObjectStore(runs.settings.objects).path(lost).unlink()

    found = rebuild_version(runs.settings, name)

    assert (found.version, found.identical, found.restored) == (f"{name}@1", True, (lost,))
    assert (len(runs.asked), table_counts(runs.database)) == (asked, counts), "nothing is asked or entered"


def test_an_arm_without_rows_leaves_nothing_to_judge_and_says_so(tmp_path: Path, runs: Runs) -> None:
    (tmp_path / "one").mkdir()
    built = recipe(tmp_path / "one", evolve={"rounds": 1}, seeds=_seed_file(tmp_path, ["Name a river."]))

    compared = runs.run(built, "a")["compare"]

    assert (compared["judged"], compared["state_a"], compared["win_rate"]) == (0, "quarantined", None)
    assert "No pair was judged" in Path(compared["report"]).read_text()


METHOD_REPLY = {"methods": ["Add a limit", "Ask why"], "plan": "p", "rewrite": "r"}


def planned(request: Request) -> str | Losses:
    """A model that plans where a method asks it to, and else does what `reply` does."""
    asked = request.messages[-1].content if isinstance(request, GenerateRequest) else ""
    if "Reply in JSON" not in asked:
        return reply(request)
    seed = next(seed for seed in SEEDS if seed in asked)
    return json.dumps({**METHOD_REPLY, "final": f"{seed} Say why, {request.model.name} {request.hash[:6]}."})


def test_an_arm_by_a_method_is_judged_against_one_by_operators_and_its_ways_are_in_the_report(
    tmp_path: Path, runs: Runs
) -> None:
    built = recipe(tmp_path, arms={"a": "small", "b": "large", "b_method": "base"})

    outputs = runs.run(built, "a", planned)

    assert (outputs["methods"]["b"][0]["method"][:12], outputs["methods"].get("a")) == ("sizes-large@", None)
    asked = [r.messages[-1].content for r in _generated(runs) if "Assistant 1" in r.messages[-1].content]
    assert len(asked) == 2 * outputs["judge"]["pairs"] > 0
    assert all("so that it is harder, and still clear" in text for text in asked), "no arm's own words"
    report = Path(outputs["compare"]["report"])
    numbers = json.loads((report.parent / "comparison.json").read_text())
    assert numbers["a"]["ways"] == []
    assert [(one["listed"], one["different"]) for one in numbers["b"]["ways"]] == [(2 * len(SEEDS), 2)] * 2
    assert (report.parent / "trajectories.png").read_bytes().startswith(b"\x89PNG")
    assert "B was evolved by auto_" in report.read_text()


def test_both_arms_by_a_published_method_are_asked_and_judged_in_its_words(tmp_path: Path, runs: Runs) -> None:
    first = runs.run(recipe(tmp_path, arms={"a": "small", "b": "large", "b_method": "base"}), "a", planned)
    method = first["methods"]["b"][0]["method"]
    runs.asked.clear()

    built = recipe(tmp_path, name="plans", arms={"a": "small", "b": "large", "a_method": method, "b_method": method})
    check_recipe(built, runs.settings)
    outputs = runs.run(built, "b", planned)

    assert not any("harder, and still clear" in str(request) for request in _generated(runs))
    assert outputs["judge"]["pairs"] > 0
    with runs.database.connect() as connection:
        ways = connection.execute(
            sa.text("SELECT dataset, n_phrases FROM analytics.trajectory_diversity WHERE dataset LIKE 'plans%' ")
        ).all()
    assert {tuple(row) for row in ways} == {("plans-small", 2), ("plans-large", 2)}


def test_stages_and_shards_as_jobs_of_their_own_make_the_same_arms_by_methods(tmp_path: Path, runs: Runs) -> None:
    built = recipe(tmp_path, arms={"a": "small", "b": "large", "b_method": "base"}, evolve={"rounds": 1})
    for stage in FLOWS["compare_arms"].stages:
        shards = 2 if stage[:-1] in ("evolve_", "score_") else 1
        parted = [runs.run(built, "b", planned, stage, shard, shards) for shard in range(shards)]
    before = len(runs.asked)

    known = plan(runs.build(built.model_copy(update={"analyse": AnalyseConfig(model="small")}), "plan"))
    whole = runs.run(built, "a", planned)

    complete = {stage.stage: stage.complete for stage in known.stages}
    arms = dict.fromkeys(("evolve_a", "score_a", "evolve_b", "score_b"), True)
    assert complete == {**arms, "analyse": False, "judge": False}, "the plan replays a method's rounds, too"
    assert whole["compare"]["report"] == parted[0]["report"]
    assert len(runs.asked) == before, "all of it came from the record"


def test_a_method_that_nobody_recorded_is_refused_before_a_model_is_asked(tmp_path: Path, runs: Runs) -> None:
    with pytest.raises(NotFound, match="0 methods are called rivers@0123456789ab"):
        check_recipe(recipe(tmp_path, arms={"a_method": "rivers@0123456789ab"}), runs.settings)


def _seed_file(folder: Path, seeds: list[str]) -> list[dict[str, str]]:
    path = folder / "few.jsonl"
    path.write_text("".join(json.dumps({"instruction": seed}) + "\n" for seed in seeds))
    return [{"path": str(path), "format": "alpaca", "licence": "CC0-1.0"}]


def test_the_flow_says_its_stages_in_their_order() -> None:
    assert list(FLOWS["compare_arms"].stages) == [
        *("seed", "methods", "evolve_a", "evolve_b", "score_a", "score_b", "score_set_a", "score_set_b"),
        *("analyse", "judge", "publish_a", "publish_b", "compare"),
    ]
