"""AutoIF as a whole over a real Postgres and the real sandbox, with replies that were written for it."""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from evol_core.errors import SandboxUnavailable
from evol_core.lineage.analyst import ask, example
from evol_core.lineage.database import connect
from evol_core.lineage.verify import verify_version
from evol_core.pipeline import plan
from evol_core.pipeline.context import Build
from evol_core.recipe import AutoifRecipe, parse_recipe
from evol_core.sandbox.isolation import LAYERS
from evol_core.sandbox.supervisor import active_layers
from evol_core.store.objects import ObjectStore
from tests.integration.pipeline.recorded_replies import RecordedReplies
from tests.integration.pipeline.test_build import Runs, model_folder

pytestmark = pytest.mark.postgres

STAGES = ("checkers", "crosscheck", "back_translate", "respond", "check", "quality")


@pytest.fixture(scope="module")
def replies() -> RecordedReplies:
    return RecordedReplies()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("autoif")


@pytest.fixture(scope="module")
def runs(folder: Path, new_database: Callable[[], str]) -> Iterator[Runs]:
    """A home and a database for all tests of this module: what the first build recorded, later ones replay."""
    model_folder(folder / "home")
    url = new_database()
    database = connect(url)
    yield Runs(folder / "home", database, url)
    database.dispose()


@pytest.fixture(scope="module")
def built(folder: Path, runs: Runs, replies: RecordedReplies) -> dict[str, Any]:
    """The outputs of one whole build, by stage."""
    return runs.run(runs.order(recipe(folder, replies), "whole"), replies)


def recipe(folder: Path, replies: RecordedReplies, **changes: Any) -> AutoifRecipe:
    for name, texts in (("constraints", replies.seeds), ("queries", replies.queries)):
        (folder / f"{name}.txt").write_text("".join(f"{text}\n" for text in texts))
    data: dict[str, Any] = {
        "name": "iftest",
        "flow": "autoif",
        "seeds": [{"path": str(folder / "constraints.txt"), "licence": "CC0-1.0"}],
        "queries": [{"path": str(folder / "queries.txt"), "licence": "CC0-1.0"}],
        "models": {"default": {"path": "tiny"}},
        "constraints": {"requests": 1},
        "checkers": {"samples": 6},
        "back_translation": {"nli": "default"},
        "responses": {"queries": 2, "samples": 3},
    }
    parsed = parse_recipe(data | changes, origin="test")
    assert isinstance(parsed, AutoifRecipe)
    return parsed


def query(database: sa.Engine, text: str) -> list[tuple[Any, ...]]:
    with database.connect() as connection:
        return [tuple(row) for row in connection.execute(sa.text(text))]


def objects(runs: Runs, dataset: str, role: str) -> list[list[dict[str, Any]]]:
    """The rows of a version's objects of one role, an object each."""
    found = query(
        runs.database,
        "SELECT encode(o.sha256, 'hex') FROM lineage.dataset_version_file f "
        "JOIN lineage.object_file o USING (file_id) "
        "JOIN lineage.dataset d USING (dataset_id) "
        f"WHERE d.name = '{dataset}' AND f.role::text = '{role}' ORDER BY ord",
    )
    store = ObjectStore(runs.settings.objects)
    return [store.read(sha256).to_pylist() for (sha256,) in found]


def fates(runs: Runs, dataset: str = "iftest") -> dict[str, tuple[str, str]]:
    """Stage and reason of every constraint by its text, those of lines that are none left out."""
    rows = query(
        runs.database,
        "SELECT head, stage, reason FROM lineage.autoif_constraint JOIN lineage.dataset USING (dataset_id) "
        f"WHERE name = '{dataset}' AND n_replies IS NOT NULL",
    )
    return {head: (stage, reason) for head, stage, reason in rows}


def test_every_constraint_meets_the_fate_that_its_replies_deserve(
    runs: Runs, built: dict[str, Any], replies: RecordedReplies
) -> None:
    assert fates(runs) == {
        "Write the answer in lower case letters only": ("back_translate", ""),
        "Use at most twelve words": ("back_translate", ""),
        "End the answer with an exclamation mark": ("back_translate", ""),
        "Put at least two digits into the answer": ("back_translate", ""),
        "Write the answer as a sonnet": ("crosscheck", "no_valid_function"),
        "Give the answer in exactly three lines": ("crosscheck", "too_few_functions"),
        "Use only words that rhyme": ("crosscheck", "too_few_functions"),
        "Start the answer with the word However": ("back_translate", "contradicted"),
    }


def test_what_broken_and_hostile_functions_did_is_their_reason(runs: Runs, built: dict[str, Any]) -> None:
    rows = query(runs.database, "SELECT reason, n FROM analytics.functions_by_reason WHERE dataset = 'iftest'")

    found = Counter({reason: n for reason, n in rows})
    assert {"constant", "not_deterministic", "keeps_dying", "protocol", "import_error", "compile_error"} <= set(found)
    assert {"not_json", "not_an_object", "no_cases", "func_not_text", "cases_not_a_list", "empty"} <= set(found)
    assert found[""] == 18, "kept ones"
    assert not Path("/tmp/evol-was-here").exists()


def test_no_stage_loses_a_row(built: dict[str, Any]) -> None:
    counts = {stage: Counter(built[stage]["counts"]) for stage in STAGES}

    assert built["constraints"]["constraints"] == 8
    assert counts["checkers"].total() == 8 * 6
    assert counts["crosscheck"].total() == counts["back_translate"].total() == 8
    assert built["respond"]["tasks"] == 4 * 2
    assert counts["respond"].total() == counts["check"].total() == counts["quality"].total() == 4 * 2 * 3
    published = built["publish"]
    assert published["rows"] + published["rejected"] + published["failed"] == 4 * 2 * 3
    assert published["rows"] == 8, "of ten that the judge keeps, two repeat another"


def test_the_whole_verdict_matrix_is_kept_in_parquet_and_in_sql(runs: Runs, built: dict[str, Any]) -> None:
    verdicts = next(rows for rows in objects(runs, "iftest", "evidence") if rows and "verdict" in rows[0])
    checkers = next(rows for rows in objects(runs, "iftest", "evidence") if rows and "accuracy" in rows[0])
    cases = next(rows for rows in objects(runs, "iftest", "evidence") if rows and "expected" in rows[0])

    n_checkers, n_cases = (Counter(row["constraint_id"] for row in rows) for rows in (checkers, cases))
    assert Counter(row["constraint_id"] for row in verdicts) == {
        key: n * n_cases[key] for key, n in n_checkers.items() if n_cases[key]
    }
    in_sql = query(runs.database, "SELECT constraint_id::text, checker_id::text, case_id::text, verdict, agrees "
                   "FROM analytics.verdict_matrix WHERE dataset = 'iftest'")  # fmt: skip
    assert sorted(in_sql) == sorted(tuple(row.values()) for row in verdicts)
    assert all(set(row["layers"]) >= {"seccomp", "no_new_privs"} for row in checkers)


@pytest.mark.parametrize("name", ["constraints", "functions", "pass_rates", "disputed_cases"])
def test_an_analysts_question_has_an_answer(runs: Runs, built: dict[str, Any], name: str) -> None:
    assert ask(runs.database, example(name).query, limit=1000).rows


def test_a_row_carries_its_checkers_and_leads_back_to_query_and_constraint(runs: Runs, built: dict[str, Any]) -> None:
    rows = [row for rows in objects(runs, "iftest", "data") for row in rows]

    row = next(row for row in rows if row["output"] == "Pack 2 coats and 3 hats.")
    assert row["instruction"].endswith("Put at least two digits into the answer.")
    assert (len(row["checkers"]), row["pass_rate"], row["quality"]) == (3, 1.0, 9)
    assert all("def evaluate" in source for source in row["checkers"])
    ancestors = query(
        runs.database,
        f"SELECT head FROM analytics.ancestors('{row['instruction_id']}') "
        "JOIN lineage.instruction USING (instruction_id)",
    )
    heads = {head for (head,) in ancestors}
    assert {row["query"], "Put at least two digits into the answer", "Use at most twelve words"} <= heads


def test_a_pair_prefers_what_checkers_accepted_to_what_they_all_refused(runs: Runs, built: dict[str, Any]) -> None:
    pairs = [row for rows in objects(runs, "iftest.preference", "data") for row in rows]

    assert len(pairs) == built["publish"]["preference"]["rows"] == 12
    assert {(row["chosen"], row["rejected"]) for row in pairs if "digits" in row["constraint"]} == {
        ("Pack 2 coats and 3 hats.", "Pack 2 coats."),
        ("Pack 2 coats and 3 hats.", "Pack coats."),
    }
    assert all(row["checkers"] for row in pairs)


def test_both_versions_are_whole(runs: Runs, built: dict[str, Any]) -> None:
    store = ObjectStore(runs.settings.objects)
    with runs.database.connect() as connection:
        for name in ("iftest", "iftest.preference", "iftest.constraints", "iftest.queries"):
            assert verify_version(connection, store, name) == []


def test_three_shards_that_replay_make_the_same_versions_and_start_no_engine(
    folder: Path, runs: Runs, built: dict[str, Any], replies: RecordedReplies
) -> None:
    started, whole = len(runs.engines), recipe(folder, replies)

    for stage in ("sources", "constraints"):
        runs.run(runs.order(whole, "parted", stage))
    for stage in STAGES:
        for shard in range(1 if stage == "crosscheck" else 3):
            runs.run(runs.order(whole, "parted", stage, shard, 1 if stage == "crosscheck" else 3))
    published = runs.run(runs.order(whole, "parted", "publish"))

    assert (published["version"], published["replayed"], published["preference"]["replayed"]) == (1, True, True)
    assert len(runs.engines) == started


def test_without_an_nli_model_nothing_is_contradicted_and_lineage_says_off(
    folder: Path, runs: Runs, built: dict[str, Any], replies: RecordedReplies
) -> None:
    changed = recipe(folder, replies, name="nonli", back_translation={"nli": False})

    outputs = runs.run(runs.order(changed, "off"), replies)

    assert outputs["publish"]["nli"] == "off"
    assert fates(runs, "nonli")["Start the answer with the word However"] == ("back_translate", "")
    said = query(
        runs.database,
        "SELECT DISTINCT nli FROM analytics.constraints_by_fate WHERE dataset = 'nonli' AND stage = 'back_translate'",
    )
    assert said == [("off",)]
    described = next(rows for rows in objects(runs, "nonli", "evidence") if rows and "label" in rows[0])
    assert {(row["label"], row["reason"]) for row in described} == {(None, "nli_off")}


def test_no_survivor_is_a_result_that_says_why(folder: Path, runs: Runs, replies: RecordedReplies) -> None:
    changed = recipe(folder, replies, name="none", seed=7, preference={"min_rows": 0})

    published = runs.run(runs.order(changed, "none"), lambda request: "I do not know.")["publish"]

    assert (published["state"], published["rows"], published["constraints_kept"]) == ("quarantined", 0, 0)
    assert [gate["name"] for gate in published["closed_gates"]] == ["min_rows"]
    assert {reason for _, reason in fates(runs, "none").values()} == {"no_valid_function"}
    pairs = published["preference"]
    assert (pairs["state"], [gate["name"] for gate in pairs["closed_gates"]]) == ("quarantined", ["main_passed"])


def test_the_plan_runs_recorded_checkers_and_goes_on_as_far_as_answers_are_recorded(
    folder: Path, runs: Runs, built: dict[str, Any], replies: RecordedReplies
) -> None:
    def planned(**changes: Any) -> list[tuple[str, int | None, bool]]:
        order = runs.order(recipe(folder, replies, **changes), "plan")
        build = Build[Any](order, runs.settings, report=lambda progress: None)
        try:
            return [(stage.stage, stage.rows, stage.complete) for stage in plan(build).stages]
        finally:
            build.close()

    n_judged = sum(row["quality_hash"] is not None for rows in objects(runs, "iftest", "refused") for row in rows)
    n_judged += sum(len(rows) for rows in objects(runs, "iftest", "data"))
    known = [("constraints", 1, True), ("checkers", 8, True), ("back_translate", 5, True), ("respond", 8, True)]
    assert planned() == [*known, ("quality", n_judged, True)]
    assert planned(responses={"queries": 2, "samples": 4}) == [
        *known[:3],
        ("respond", 8, False),
        ("quality", None, False),
    ]
    assert planned(seed=9) == [
        ("constraints", 1, False),
        *((stage, None, False) for stage in ("checkers", "back_translate", "respond", "quality")),
    ]


def test_the_cost_of_a_version_counts_requests_for_its_constraints_and_checkers(
    runs: Runs, built: dict[str, Any]
) -> None:
    found = dict(query(runs.database, "SELECT operator, n_requests FROM analytics.token_cost WHERE dataset = 'iftest'"))

    assert found == {"self_instruct": 1, "autoif": 48, "respond_under_constraint": 24}


def test_a_layer_that_is_not_granted_stops_the_build_before_a_model_is_asked(
    folder: Path, runs: Runs, replies: RecordedReplies
) -> None:
    missing = (set(LAYERS) - set(active_layers().layers)).pop()
    changed = recipe(folder, replies, name="walls", sandbox={"require_layers": [missing]})
    started = len(runs.engines)

    with pytest.raises(SandboxUnavailable, match=f"demands the isolation layers .*{missing}.*Nothing was run"):
        runs.run(runs.order(changed, "walls"), replies)

    assert len(runs.engines) == started
