"""
Builds one version of an instruction dataset a night, or with the form's recipe whenever somebody asks.

**plan_build** checks the recipe; **seed** reads, cleans and de-duplicates the seeds; then each shard goes through
**evolve** (rounds of evolution, with answers) and **score** (metrics); **publish** puts all of it into one version.
A version that a gate closes on is quarantined: **approve** asks a person, and only **release** makes it visible.
**announce** tells the schedule of a new version, once; **refresh_views** brings the analyst's views up to date.

Clear any task, or one shard of a task, to have it done again: answers of models are replayed from their record, so
it takes seconds, and what has not changed is published as the same version.
"""

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
    task_group,
)

from evol_core.airflow.assets import DATASET
from evol_core.airflow.operator import EvolJobOperator
from evol_core.airflow.params import recipe_params
from evol_core.errors import ConfigError, EvolError, ModelError, NotFound, RecipeError, SeedError

GPU_POOL = "gpu"
FLOW = "evol_instruct"

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


@dag(
    FLOW,
    schedule=CronPartitionTimetable("0 2 * * *", timezone="UTC", key_format="%Y-%m-%d"),
    catchup=False,  # and no start_date: with one, switching the DAG on would build last night's version at once
    max_active_runs=1,
    params=recipe_params(),
    default_args={
        "retries": 2,
        "retry_delay": timedelta(seconds=30),
        "retry_policy": RETRY,
        "execution_timeout": timedelta(hours=1),
    },
    tags=["evol", "dataset"],
    doc_md=__doc__,
)
def evol_instruct() -> None:
    @task
    def plan_build() -> list[int]:
        from evol_core.airflow import tasks

        return tasks.plan_build(get_current_context())

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

    @task(trigger_rule=TriggerRule.NONE_FAILED)
    def refresh_views() -> list[str]:
        from evol_core.airflow import tasks

        return tasks.refresh_views()

    plan: Any = plan_build()

    def job(stage: str, **arguments: Any) -> EvolJobOperator:
        return EvolJobOperator(task_id=stage, flow=FLOW, stage=stage, recipe=plan["recipe"], **arguments)

    @task_group
    def shard(number: int) -> None:
        patience = timedelta(hours=12)
        evolve = job("evolve", shard=number, pool=GPU_POOL, execution_timeout=patience)
        score = job("score", shard=number, pool=GPU_POOL, execution_timeout=patience)
        evolve >> score

    seed, publish = job("seed"), job("publish")
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
    plan >> seed >> shard.expand(number=plan) >> publish >> gates
    gates >> approve >> release(version, approve.output) >> announced
    gates >> announced >> refresh_views()


evol_instruct()
