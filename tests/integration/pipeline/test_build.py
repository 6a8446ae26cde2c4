"""A whole build over a real Postgres: counts that add up, replay, and one version however often it runs.

The engine is the fake; what it says is chosen so that every kind of row comes up.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from evol_core.config import Settings
from evol_core.errors import EngineError, RecipeError
from evol_core.lineage.runs import register_attempt, register_run
from evol_core.llm.fake import FakeEngine
from evol_core.llm.port import Engine
from evol_core.pipeline import Order, check_recipe, run
from evol_core.recipe import Recipe, parse_recipe
from evol_core.records import Losses, Measured
from evol_core.requests import GenerateRequest, LossRequest, Request
from evol_core.runner import Progress

pytestmark = pytest.mark.postgres

SEEDS = ["Name a river.", "Add 2 and 3.", "Say hello.", "What is iron?", "Describe a cat."]

Reply = Callable[[Request], str | Losses | Measured]


def model_folder(home: Path) -> None:
    """Enough of a model folder to have an identity; nothing loads it."""
    folder = home / "models" / "tiny"
    folder.mkdir(parents=True)
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        (folder / name).write_text("{}")
    (folder / "model.safetensors").write_bytes(b"weights")


def recipe(tmp_path: Path, seeds: list[str], **changes: Any) -> Recipe:
    path = tmp_path / "seeds.jsonl"
    path.write_text("".join(json.dumps({"instruction": seed, "input": "", "output": ""}) + "\n" for seed in seeds))
    data = {
        "name": "tiny",
        "seeds": [{"path": str(path), "format": "alpaca", "licence": "CC0-1.0"}],
        "models": {"default": {"path": "tiny"}},
        "evolve": {"rounds": 2},
    }
    return parse_recipe(data | changes, origin="test")


def reply(request: Request) -> str | Losses:
    """A model that evolves by adding words, refuses rivers, and gives every answer 70 points."""
    if isinstance(request, LossRequest):
        return Losses(question=2.0, given=0.5, alone=1.0, n_question=5, n_answer=7, n_alone=6)
    assert isinstance(request, GenerateRequest)
    asked = request.messages[-1].content
    if "river" in asked:
        return "Sorry, no."
    if request.decoding.temperature == 0:
        return "70"
    return f"{next(seed for seed in [*SEEDS, asked] if seed in asked)} Mind detail {request.hash[:6]}."


class Runs:
    """Runs of recipes in one home, with every engine that they started."""

    def __init__(self, home: Path, database: sa.Engine, url: str) -> None:
        self.settings = Settings(home=home, database_url=url, jobs_python=Path("python"))
        self.database = database
        self.engines: list[FakeEngine] = []

    def order(self, recipe: Recipe, key: str, stage: str = "all", shard: int = 0, shards: int = 1) -> Order:
        with self.database.begin() as connection:
            run_id = register_run(
                connection, flow="test", run_key=key, trigger="test", conf={}, code_version="0", recipe_hash=recipe.hash
            )
            attempt_id = register_attempt(connection, run_id=run_id, task=stage, shard=shard, code_version="0")
        return Order(
            flow=recipe.flow,
            stage=stage,
            shard=shard,
            shards=shards,
            recipe=recipe,
            run_id=run_id,
            attempt_id=attempt_id,
        )

    def run(self, order: Order, reply: Reply = reply, fail_after: int | None = None) -> dict[str, Any]:
        def make(*about: object) -> Engine:
            self.engines.append(FakeEngine(reply, fail_after=fail_after))
            return self.engines[-1]

        told: list[Progress] = []
        return run(order, self.settings, told.append, make)

    def counts(self) -> dict[str, int]:
        """Rows of every table that a build writes but for runs, attempts and their stages' outputs."""
        tables = (
            "instruction derivation response outcome score generation dataset_version dataset_version_file "
            "row_location object_file step"
        )
        with self.database.connect() as connection:
            return {
                table: connection.execute(sa.text(f"SELECT count(*) FROM lineage.{table}")).scalar_one()
                for table in tables.split()
            }


@pytest.fixture
def runs(tmp_path: Path, database: sa.Engine, database_url: str) -> Runs:
    model_folder(tmp_path / "home")
    return Runs(tmp_path / "home", database, database_url)


def asked(runs: Runs) -> int:
    return sum(len(engine.submitted) for engine in runs.engines)


def test_rows_in_are_rows_accepted_rejected_and_failed(tmp_path: Path, runs: Runs) -> None:
    outputs = runs.run(runs.order(recipe(tmp_path, SEEDS), "a"))

    published = outputs["publish"]
    assert published["state"] == "published"
    assert published["rows"] + published["rejected"] + published["failed"] == len(SEEDS) * 2
    assert published["rejected"] >= 2, "the river is refused in both rounds"


def test_the_same_recipe_again_starts_no_engine_and_publishes_nothing(tmp_path: Path, runs: Runs) -> None:
    first = runs.run(runs.order(recipe(tmp_path, SEEDS), "a"))
    before, started = runs.counts(), len(runs.engines)

    again = runs.run(runs.order(recipe(tmp_path, SEEDS), "b"))

    assert again["publish"] == first["publish"] | {"replayed": True}
    assert runs.counts() == before
    assert len(runs.engines) == started


def test_shards_make_the_same_version(tmp_path: Path, runs: Runs) -> None:
    whole = runs.run(runs.order(recipe(tmp_path, SEEDS), "a"))
    built = recipe(tmp_path, SEEDS)

    runs.run(runs.order(built, "b", "seed"))
    for stage in ("evolve", "score"):
        for shard in range(3):
            runs.run(runs.order(built, "b", stage, shard, 3))
    parted = runs.run(runs.order(built, "b", "publish"))

    assert parted["version"] == whole["publish"]["version"]
    assert parted["replayed"]


def test_an_engine_that_dies_costs_only_what_was_in_flight(tmp_path: Path, runs: Runs) -> None:
    with pytest.raises(EngineError):
        runs.run(runs.order(recipe(tmp_path, SEEDS), "a"), fail_after=4)
    recorded = runs.counts()["generation"]
    assert recorded == 4

    outputs = runs.run(runs.order(recipe(tmp_path, SEEDS), "a"))

    answered = {request.hash for engine in runs.engines[:1] for request in engine.submitted}
    assert outputs["publish"]["state"] == "published"
    assert len([r for engine in runs.engines[1:] for r in engine.submitted if r.hash in answered]) == len(answered) - 4


def test_another_home_gives_the_same_ids_and_the_same_requests(tmp_path: Path, runs: Runs) -> None:
    runs.run(runs.order(recipe(tmp_path, SEEDS), "a"))
    first = sorted(request.hash for engine in runs.engines for request in engine.submitted)
    with runs.database.begin() as connection:
        connection.execute(sa.text("TRUNCATE lineage.generation, lineage.stage_output"))
    shutil.rmtree(runs.settings.objects)
    runs.engines.clear()

    runs.run(runs.order(recipe(tmp_path, SEEDS), "b"))

    assert sorted(request.hash for engine in runs.engines for request in engine.submitted) == first


@pytest.mark.parametrize(
    ("seeds", "gate"),
    [([], "min_rows"), (["Name a river."], "min_rows")],
    ids=["an empty seed file", "every evolution rejected"],
)
def test_a_build_without_rows_is_quarantined_and_says_why(
    tmp_path: Path, runs: Runs, seeds: list[str], gate: str
) -> None:
    published = runs.run(runs.order(recipe(tmp_path, seeds), "a"))["publish"]

    assert published["state"] == "quarantined"
    assert [closed["name"] for closed in published["closed_gates"]] == [gate]


def test_one_seed_is_enough(tmp_path: Path, runs: Runs) -> None:
    published = runs.run(runs.order(recipe(tmp_path, ["Add 2 and 3."]), "a"))["publish"]

    assert (published["state"], published["rows"]) == ("published", 2)


def test_a_changed_metric_generates_nothing_that_is_there(tmp_path: Path, runs: Runs) -> None:
    runs.run(runs.order(recipe(tmp_path, SEEDS, score={"metrics": ["length_words"]}), "a"))
    before = asked(runs)

    runs.run(runs.order(recipe(tmp_path, SEEDS, score={"metrics": ["length_words", "ifd"]}), "b"))

    new = [request for engine in runs.engines for request in engine.submitted][before:]
    assert new
    assert not any(isinstance(request, GenerateRequest) for request in new)


def test_rows_that_repeat_a_benchmark_are_refused_and_their_hits_are_kept(tmp_path: Path, runs: Runs) -> None:
    leaked = "one two three four five six seven eight nine ten eleven twelve thirteen"
    benchmark = tmp_path / "bench.jsonl"
    benchmark.write_text(json.dumps({"id": "b7", "question": f"Count: {leaked}."}) + "\n")

    def leaking(request: Request) -> str | Losses | Measured:
        said = reply(request)
        return f"{said} {leaked}" if isinstance(said, str) and "cat" in said else said

    wanted = recipe(tmp_path, SEEDS, decontaminate=[{"name": "bench", "path": str(benchmark)}])
    published = runs.run(runs.order(wanted, "a"), leaking)["publish"]

    with runs.database.connect() as connection:
        reasons = connection.execute(
            sa.text("SELECT count(*) FROM lineage.outcome WHERE reason = 'contaminated' AND stage = 'publish'")
        ).scalar_one()
        kept = connection.execute(
            sa.text("SELECT metadata -> 'contamination' FROM lineage.dataset_version WHERE metadata ? 'contamination'")
        ).scalar_one()
    assert reasons >= 1
    assert published["rows"] + published["rejected"] + published["failed"] == len(SEEDS) * 2
    assert {(hit["benchmark"], hit["item"], hit["words"]) for hit in kept["hits"]} == {("bench", "b7", leaked)}
    with runs.database.connect() as connection:
        found = connection.execute(sa.text("SELECT * FROM analytics.contaminated_rows")).mappings().all()
        (summary,) = connection.execute(sa.text("SELECT * FROM analytics.contamination")).mappings()
    assert {(row["benchmark"], row["item"], row["words"]) for row in found} == {("bench", "b7", leaked)}
    assert len(found) == summary["n_contaminated"] == reasons
    assert (summary["n_items"], summary["n_rows"], summary["share"]) == (1, published["rows"], reasons / 10)


def test_too_many_rows_of_a_benchmark_hold_a_version_back(tmp_path: Path, runs: Runs) -> None:
    benchmark = tmp_path / "bench.jsonl"
    leaked = "one two three four five six seven eight nine ten eleven twelve thirteen"
    benchmark.write_text(json.dumps({"question": leaked}) + "\n")
    wanted = recipe(
        tmp_path,
        SEEDS,
        decontaminate=[{"name": "bench", "path": str(benchmark)}],
        gates={"max_contaminated": 0.1},
    )

    def leaking(request: Request) -> str | Losses | Measured:
        said = reply(request)
        return f"{said} {leaked}" if isinstance(said, str) and said != "70" else said

    published = runs.run(runs.order(wanted, "a"), leaking)["publish"]

    assert published["state"] == "quarantined"
    assert "max_contaminated" in [gate["name"] for gate in published["closed_gates"]]


def test_a_benchmark_that_is_not_there_is_told_before_anything_starts(tmp_path: Path, runs: Runs) -> None:
    wanted = recipe(tmp_path, SEEDS, decontaminate=[{"name": "bench", "path": str(tmp_path / "gone.jsonl")}])

    with pytest.raises(RecipeError, match=r"decontaminate\.0: .*gone\.jsonl does not exist"):
        check_recipe(wanted, runs.settings)


def test_a_selection_publishes_the_best_and_keeps_the_others_with_their_scores(tmp_path: Path, runs: Runs) -> None:
    def scored(request: Request) -> str | Losses | Measured:
        if isinstance(request, LossRequest):
            given = 0.1 + int(request.hash[:2], 16) / 256
            return Losses(question=2.0, given=given, alone=1.0, n_question=5, n_answer=7, n_alone=6)
        return reply(request)

    everything = runs.run(runs.order(recipe(tmp_path, SEEDS), "a"), scored)["publish"]
    wanted = recipe(tmp_path, SEEDS, name="best", select={"by": "ifd", "percent": 50})
    published = runs.run(runs.order(wanted, "b"), scored)["publish"]

    assert published["rows"] == everything["rows"] // 2
    assert published["rows"] + published["rejected"] + published["failed"] == len(SEEDS) * 2
    with runs.database.connect() as connection:
        worst, best = connection.execute(
            sa.text(
                "SELECT max(s.value) FILTER (WHERE o.reason = 'not_selected' AND o.stage = 'publish'), "
                "min(s.value) FILTER (WHERE o.status = 'accepted') FROM lineage.outcome o "
                "JOIN lineage.dataset d USING (dataset_id) JOIN lineage.score s ON s.subject_id = o.response_id "
                "JOIN lineage.metric m USING (metric_id) WHERE d.name = 'best' AND m.name = 'ifd'"
            )
        ).one()
    assert worst <= best
