"""
Compares two evolvers: builds one dataset with each of them, from the same seeds, operators and random seeds, has a
judge compare their children pair by pair in both orders, and writes statistics, figures and a report.

**plan_build** checks the recipe; **seed** publishes the seeds that both arms share; each shard goes through
**evolve_a**, **score_a** and **evolve_b**, **score_b**; **score_set_a** and **score_set_b** add the metrics that look
at the whole set; **publish_a** and **publish_b** make a version of each arm; **judge** asks for verdicts; **compare**
writes the report, whose place its output tells, and the figures for SQL.
An arm that a gate closes on is quarantined and still compared; nothing is announced, so no training starts.

Clear any task, or one shard of it, to have it done again: answers of models are replayed from their record.
"""

from typing import Any

from airflow.sdk import dag, task_group

from evol_core.airflow.flow_parts import DEFAULT_ARGS, GPU_POOL, PATIENCE, plan_of
from evol_core.airflow.operator import EvolJobOperator
from evol_core.airflow.params import recipe_params

FLOW = "compare_arms"


@dag(
    FLOW,
    schedule=None,
    catchup=False,
    max_active_runs=1,
    params=recipe_params(FLOW),
    default_args=DEFAULT_ARGS,
    tags=["evol", "comparison"],
    doc_md=__doc__,
)
def compare_arms() -> None:
    plan = plan_of(FLOW)

    def job(stage: str, **arguments: Any) -> EvolJobOperator:
        return EvolJobOperator(task_id=stage, flow=FLOW, stage=stage, recipe=plan["recipe"], **arguments)

    def with_engine(stage: str, **arguments: Any) -> EvolJobOperator:
        return job(stage, pool=GPU_POOL, execution_timeout=PATIENCE, **arguments)

    @task_group
    def shard(number: int) -> None:
        for arm in ("a", "b"):
            with_engine(f"evolve_{arm}", shard=number) >> with_engine(f"score_{arm}", shard=number)

    shards = shard.expand(number=plan)
    compare = job("compare")
    plan >> job("seed") >> shards >> with_engine("judge") >> compare
    for arm in ("a", "b"):
        shards >> with_engine(f"score_set_{arm}") >> job(f"publish_{arm}") >> compare


compare_arms()
