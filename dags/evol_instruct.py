"""
Builds one version of an instruction dataset a night, or with the form's recipe whenever somebody asks.

**plan_build** checks the recipe; **seed** reads, cleans and de-duplicates the seeds; then each shard goes through
**evolve** (rounds of evolution, with answers) and **score** (metrics); **score_set** adds the metrics that look at
all rows together (diversity); **publish** puts all of it into one version.
A version that a gate closes on is quarantined: **approve** asks a person, and only **release** makes it visible.
**announce** tells the schedule of a new version, once.

Clear any task, or one shard of a task, to have it done again: answers of models are replayed from their record, so
it takes seconds, and what has not changed is published as the same version.
"""

from typing import Any

from airflow.sdk import CronPartitionTimetable, dag, task_group

from evol_core.airflow.flow_parts import DEFAULT_ARGS, GPU_POOL, PATIENCE, announce_when_open, plan_of
from evol_core.airflow.operator import EvolJobOperator
from evol_core.airflow.params import recipe_params

FLOW = "evol_instruct"


@dag(
    FLOW,
    schedule=CronPartitionTimetable("0 2 * * *", timezone="UTC", key_format="%Y-%m-%d"),
    catchup=False,  # and no start_date: with one, switching the DAG on would build last night's version at once
    max_active_runs=1,
    params=recipe_params(FLOW),
    default_args=DEFAULT_ARGS,
    tags=["evol", "dataset"],
    doc_md=__doc__,
)
def evol_instruct() -> None:
    plan = plan_of(FLOW)

    def job(stage: str, **arguments: Any) -> EvolJobOperator:
        return EvolJobOperator(task_id=stage, flow=FLOW, stage=stage, recipe=plan["recipe"], **arguments)

    @task_group
    def shard(number: int) -> None:
        evolve = job("evolve", shard=number, pool=GPU_POOL, execution_timeout=PATIENCE)
        score = job("score", shard=number, pool=GPU_POOL, execution_timeout=PATIENCE)
        evolve >> score

    seed, publish = job("seed"), job("publish")
    score_set = job("score_set", pool=GPU_POOL, execution_timeout=PATIENCE)
    plan >> seed >> shard.expand(number=plan) >> score_set >> publish
    announce_when_open(publish)


evol_instruct()
