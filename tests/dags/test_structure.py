import sys
from typing import Any

import pytest

from evol_core.config import PROJECT_ROOT

HEAVY = {"torch", "vllm", "transformers", "deepspeed", "sentence_transformers", "pyarrow", "numpy", "pandas"}

DAGS = sorted(path.stem for path in (PROJECT_ROOT / "dags").glob("*.py"))
"""A flow is a file."""


def test_every_dag_loads_light(dag_bag: Any) -> None:
    assert dag_bag.import_errors == {}
    assert sorted(dag_bag.dags) == DAGS
    assert HEAVY.isdisjoint(sys.modules)


@pytest.mark.parametrize("name", DAGS)
def test_every_dag_can_be_stored(dag_bag: Any, name: str) -> None:
    from airflow.serialization.serialized_objects import DagSerialization

    assert DagSerialization.to_dict(dag_bag.dags[name])["dag"]["dag_id"] == name


@pytest.mark.parametrize("name", DAGS)
def test_every_dag_says_how_patient_it_is(dag_bag: Any, name: str) -> None:
    dag = dag_bag.dags[name]

    assert dag.max_active_runs == 1
    assert not dag.catchup
    assert dag.tags
    assert dag.doc_md
    for task in dag.tasks:
        assert task.retries == 2, task.task_id
        assert task.retry_policy is not None, task.task_id
        assert task.execution_timeout or task.task_id == "approve", task.task_id


def test_switching_the_nightly_build_on_starts_nothing_before_the_night(dag_bag: Any) -> None:
    timetable = dag_bag.dags["evol_instruct"].timetable

    assert dag_bag.dags["evol_instruct"].start_date is None
    assert timetable.run_immediately is False


def test_stages_that_use_engines_wait_for_the_gpu(dag_bag: Any) -> None:
    pools = {task.task_id: task.pool for task in dag_bag.dags["evol_instruct"].tasks}

    assert {name for name, pool in pools.items() if pool == "gpu"} == {"shard.evolve", "shard.score", "score_set"}


def test_the_build_is_wired_in_the_order_of_its_stages(dag_bag: Any) -> None:
    dag = dag_bag.dags["evol_instruct"]
    after = {task.task_id: set(task.downstream_task_ids) for task in dag.tasks}

    assert after["plan_build"] >= {"seed"}
    assert after["seed"] == {"shard.evolve"}
    assert after["shard.evolve"] == {"shard.score"}
    assert after["shard.score"] == {"score_set"}
    assert after["score_set"] == {"publish"}
    assert after["publish"] >= {"check_gates"}
    assert after["check_gates"] == {"approve", "announce"}
    assert after["approve"] == {"release"}
    assert after["release"] == {"announce"}
    assert after["announce"] == set()


def test_a_closed_gate_cannot_be_passed_by_a_skipped_release(dag_bag: Any) -> None:
    dag = dag_bag.dags["evol_instruct"]

    assert dag.get_task("release").trigger_rule == "all_success"
    assert dag.get_task("announce").trigger_rule == "none_failed"
    assert [asset.name for asset in dag.get_task("announce").outlets] == ["evol_dataset"]
    assert all(not task.outlets for task in dag.tasks if task.task_id != "announce")


def test_without_a_word_a_quarantined_version_stays_so(dag_bag: Any) -> None:
    approve = dag_bag.dags["evol_instruct"].get_task("approve")

    assert approve.defaults == ["Reject"]
    assert approve.response_timeout.total_seconds() < 24 * 3600, "the next night's run waits for this one"


def test_nothing_is_tried_again_that_somebody_must_change(dag_bag: Any) -> None:
    from airflow.sdk import RetryAction

    from evol_core.errors import DatabaseError, JobFailed, RecipeError, SeedError

    policy = dag_bag.dags["evol_instruct"].get_task("publish").retry_policy

    def action(error: Exception) -> Any:
        return policy.evaluate(error, try_number=1, max_tries=2).action

    assert [action(RecipeError("")), action(SeedError(""))] == [RetryAction.FAIL] * 2
    assert [action(JobFailed("")), action(DatabaseError(""))] == [RetryAction.RETRY] * 2
    assert action(RuntimeError("")) == RetryAction.DEFAULT


def test_autoif_runs_all_checkers_between_two_rounds_of_shards(dag_bag: Any) -> None:
    dag = dag_bag.dags["autoif"]
    after = {task.task_id: set(task.downstream_task_ids) for task in dag.tasks}

    assert after["plan_build"] >= {"sources"}
    assert after["sources"] == {"constraints"}
    assert after["constraints"] == {"write.checkers"}
    assert after["write.checkers"] == {"crosscheck"}
    assert after["crosscheck"] == {"answer.back_translate"}
    assert after["answer.back_translate"] == {"answer.respond"}
    assert after["answer.respond"] == {"answer.check"}
    assert after["answer.check"] == {"answer.quality"}
    assert after["answer.quality"] == {"publish"}


def test_autoif_holds_the_gpu_only_where_it_asks_models(dag_bag: Any) -> None:
    pools = {task.task_id: task.pool for task in dag_bag.dags["autoif"].tasks}

    asking = {"constraints", "write.checkers", "answer.back_translate", "answer.respond", "answer.quality"}
    assert {name for name, pool in pools.items() if pool == "gpu"} == asking


def test_the_optimiser_is_a_mapped_group_of_its_own_whose_steps_wait_for_one_another(dag_bag: Any) -> None:
    dag = dag_bag.dags["auto_evol"]
    after = {task.task_id: set(task.downstream_task_ids) for task in dag.tasks}
    step = dag.get_task("optimiser.optimise")

    assert after["seed"] == {"steps"}
    assert after["steps"] == {"optimiser.optimise"}
    assert (step.max_active_tis_per_dagrun, step.pool) == (1, "gpu")
    assert after["optimiser.optimise"] == {"shard.evolve"}
    assert after["shard.evolve"] == {"shard.score", "shard.analyse"}
    assert after["shard.analyse"] == after["shard.score"] == {"score_set"}
    assert after["score_set"] == {"publish"}


def test_a_training_waits_for_the_gpu_and_for_its_plan(dag_bag: Any) -> None:
    dag = dag_bag.dags["sft"]

    assert {task.task_id: set(task.downstream_task_ids) for task in dag.tasks} == {
        "plan_training": {"train"},
        "train": set(),
    }
    assert dag.get_task("train").pool == "gpu"
    assert type(dag.timetable).__name__ == "PartitionedAssetTimetable"


def test_a_new_version_of_another_dataset_trains_nothing() -> None:
    from airflow.sdk.exceptions import AirflowSkipException

    from evol_core.airflow.tasks import announced

    assert announced({"name": "demo", "version": 3}, "demo@2") == "demo@3"
    with pytest.raises(AirflowSkipException, match="other@1 is new; this recipe trains on demo"):
        announced({"name": "other", "version": 1}, "demo")


def test_both_arms_are_built_alike_before_anything_is_compared(dag_bag: Any) -> None:
    dag = dag_bag.dags["compare_arms"]
    after = {task.task_id: set(task.downstream_task_ids) for task in dag.tasks}

    assert (after["seed"], after["methods"]) == ({"methods"}, {"shard.evolve_a", "shard.evolve_b"})
    assert after["analyse"] == {"publish_a", "publish_b"}
    for arm in ("a", "b"):
        assert after[f"shard.evolve_{arm}"] == {f"shard.score_{arm}"}
        assert after[f"shard.score_{arm}"] == {"analyse", "judge", "score_set_a", "score_set_b"}
        assert after[f"score_set_{arm}"] == {f"publish_{arm}"}
    assert after["judge"] == after["publish_a"] == after["publish_b"] == {"compare"}
    engines = {task.task_id for task in dag.tasks if task.pool == "gpu"}
    asking = ("shard.evolve", "shard.score", "score_set")
    assert engines == {f"{stage}_{arm}" for stage in asking for arm in ("a", "b")} | {"analyse", "judge"}


def test_housekeeping_removes_nothing_before_all_is_known_to_be_whole(dag_bag: Any) -> None:
    from evol_core.pipeline.flows import HOUSEKEEPING

    dag = dag_bag.dags["housekeeping"]
    after = {task.task_id: set(task.downstream_task_ids) for task in dag.tasks}

    assert after.pop("plan_build") >= set(HOUSEKEEPING.stages) - {"collect"}
    assert {stage for stage, then in after.items() if then == {"collect"}} == {"verify", "ids", "iceberg"}
    assert set(after) == set(HOUSEKEEPING.stages)
    assert dag.get_task("collect").trigger_rule == "all_success"
    assert {task.pool for task in dag.tasks} == {"default_pool"}
