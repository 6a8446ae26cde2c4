"""
Builds instructions with constraints on the form of the answer, each checked by functions that run in the sandbox:
one version to fine-tune on, and one of preference pairs beside it.

**plan_build** checks the recipe; **sources** proves the sandbox and publishes seed constraints and queries;
**constraints** has the seeds multiplied. Then, for each shard of constraints, **checkers** asks for functions with test
cases. **crosscheck** runs all of them on one another's cases and keeps those that agree. Each shard of what is left
goes through **back_translate** (functions in words again), **respond**, **check** (functions on responses) and
**quality** (a judge). **publish** writes both versions. Where a gate closes on the first, **approve** asks a person.

Zero survivors is a legal result: the version is quarantined, and its constraints say why (`evol sql --example
constraints`). Clear any task to have it done again: answers of models are replayed from their record.
"""

from typing import Any

from airflow.sdk import CronPartitionTimetable, dag, task_group

from evol_core.airflow.flow_parts import DEFAULT_ARGS, GPU_POOL, PATIENCE, announce_when_open, plan_of
from evol_core.airflow.operator import EvolJobOperator
from evol_core.airflow.params import recipe_params

FLOW = "autoif"


@dag(
    FLOW,
    schedule=CronPartitionTimetable("0 4 * * *", timezone="UTC", key_format="%Y-%m-%d"),
    catchup=False,  # and no start_date: with one, switching the DAG on would build last night's version at once
    max_active_runs=1,
    params=recipe_params(FLOW),
    default_args=DEFAULT_ARGS,
    tags=["evol", "dataset"],
    doc_md=__doc__,
)
def autoif() -> None:
    plan = plan_of(FLOW)

    def job(stage: str, **arguments: Any) -> EvolJobOperator:
        return EvolJobOperator(task_id=stage, flow=FLOW, stage=stage, recipe=plan["recipe"], **arguments)

    def asking(stage: str, **arguments: Any) -> EvolJobOperator:
        return job(stage, pool=GPU_POOL, execution_timeout=PATIENCE, **arguments)

    @task_group
    def write(number: int) -> None:
        asking("checkers", shard=number)

    @task_group
    def answer(number: int) -> None:
        back_translate, respond = asking("back_translate", shard=number), asking("respond", shard=number)
        check = job("check", shard=number, execution_timeout=PATIENCE)
        back_translate >> respond >> check >> asking("quality", shard=number)

    sources, constraints, publish = job("sources"), asking("constraints"), job("publish")
    crosscheck = job("crosscheck", execution_timeout=PATIENCE)
    plan >> sources >> constraints >> write.expand(number=plan) >> crosscheck
    crosscheck >> answer.expand(number=plan) >> publish
    announce_when_open(publish)


autoif()
