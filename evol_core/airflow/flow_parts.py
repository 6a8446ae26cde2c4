"""What the DAGs of several flows have in common: the form, jobs, and the way from a published version to its asset."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import (
    CronPartitionTimetable,
    ExceptionRetryPolicy,
    Param,
    RetryAction,
    RetryRule,
    TriggerRule,
    dag,
    get_current_context,
    task,
)

from evol_core.airflow.assets import DATASET
from evol_core.airflow.operator import EvolJobOperator
from evol_core.airflow.params import recipe_params
from evol_core.errors import ConfigError, EvolError, ModelError, NotFound, RecipeError, SeedError

GPU_POOL = "gpu"

PATIENCE = timedelta(hours=12)
"""With a stage that asks models, runs checkers or reads all that there is."""

APPROVAL = """\
{% set version = ti.xcom_pull('publish') -%}
{{ version.name }}@{{ version.version }} has {{ version.rows }} rows ({{ version.rejected }} rejected, \
{{ version.failed }} failed) and is quarantined:
{% for gate in version.closed_gates %}
- `{{ gate.name }}` is {{ gate.found }}, wanted {{ gate.wanted }}
{%- endfor %}

Approve to publish it as it is. Rejected, or without a word, it stays quarantined.
"""

RETRY = ExceptionRetryPolicy(
    rules=[
        RetryRule(
            exception=[RecipeError, SeedError, ModelError, ConfigError, NotFound],
            action=RetryAction.FAIL,
            reason="somebody must change something first",
        ),
        RetryRule(
            exception=EvolError,
            action=RetryAction.RETRY,
            retry_delay=timedelta(seconds=10),
            reason="what was recorded is kept, so another try is cheap",
        ),
    ]
)

DEFAULT_ARGS: dict[str, Any] = {
    "retries": 2,
    "retry_delay": timedelta(seconds=30),
    "retry_policy": RETRY,
    "execution_timeout": timedelta(hours=1),
}


def flow_dag(
    flow: str, doc: str | None, *, tags: list[str], schedule: Any = None
) -> Callable[[Callable[[], None]], Callable[[], Any]]:
    """The decorator of a flow's DAG: with the recipe's form, one run at a time, none for nights that are past.

    There is no start_date either: with one, switching a nightly DAG on would build last night's version at once.
    """
    return dag(
        flow,
        schedule=schedule,
        catchup=False,
        max_active_runs=1,
        params=recipe_params(flow),
        default_args=DEFAULT_ARGS,
        tags=tags,
        doc_md=doc,
    )


def every_night(hour: int) -> CronPartitionTimetable:
    """A run a night at this hour, UTC; its partition is the day."""
    return CronPartitionTimetable(f"0 {hour} * * *", timezone="UTC", key_format="%Y-%m-%d")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stages:
    """Makes the tasks of a flow's stages, each done by a job."""

    flow: str

    recipe: Any
    """The output of the run's first task."""

    def job(self, stage: str, **arguments: Any) -> EvolJobOperator:
        return EvolJobOperator(task_id=stage, flow=self.flow, stage=stage, recipe=self.recipe, **arguments)

    def long(self, stage: str, **arguments: Any) -> EvolJobOperator:
        """With patience: a stage that works on for hours, and asks nobody."""
        return self.job(stage, execution_timeout=PATIENCE, **arguments)

    def asking(self, stage: str, **arguments: Any) -> EvolJobOperator:
        """With patience, and a place on the GPU: a stage that has an engine."""
        return self.long(stage, pool=GPU_POOL, **arguments)


def plan_of(flow: str) -> Any:
    """The first task: checks the form's recipe and registers the run.

    Its output is the list of the shards' numbers; the recipe lies beside it, under the key `recipe`.
    """

    @task
    def plan_build() -> list[int]:
        from evol_core.airflow import tasks

        return tasks.plan_build(flow, get_current_context())

    return plan_build()


def training_plan() -> Any:
    """The first task of a training: the form's recipe with its version fixed, registered as the run's.

    Skipped, with all that follows, where another dataset than the recipe's has a new version.
    """

    @task(inlets=[DATASET])
    def plan_training() -> dict[str, Any]:
        from evol_core.airflow import tasks

        return tasks.plan_training(get_current_context())

    return plan_training()


def announce_when_open(publish: EvolJobOperator) -> Any:
    """What follows the task `publish`: a closed gate asks a person, and a version that is visible is announced once.

    Returns:
        The task `announce`, the last of them.
    """

    @task.branch
    def check_gates(version: Any) -> str:
        from evol_core.airflow import tasks

        return "announce" if tasks.state_of(version) == "published" else "approve"

    @task
    def release(version: Any, approval: Any) -> None:
        from evol_core.airflow import tasks

        tasks.release(version, approval)

    @task(inlets=[DATASET], outlets=[DATASET], trigger_rule=TriggerRule.NONE_FAILED)
    def announce(version: Any) -> dict[str, Any]:
        from evol_core.airflow import tasks

        return tasks.announce(version, get_current_context())

    version = publish.output
    approve = ApprovalOperator(
        task_id="approve",
        subject="{{ ti.xcom_pull('publish').name }} did not pass its gates",
        body=APPROVAL,
        params={"reason": Param("", type="string", description="Kept with the version")},
        defaults=ApprovalOperator.REJECT,
        response_timeout=timedelta(hours=20),
        execution_timeout=None,
    )
    gates, announced = check_gates(version), announce(version)
    publish >> gates
    gates >> approve >> release(version, approve.output) >> announced
    gates >> announced
    return announced
