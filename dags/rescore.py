"""
Scores a published version anew, by other metrics or another scorer, with the form's recipe. Its rows stay as they are.

**plan_build** checks the recipe; **choose** fixes the version; each shard goes through **score**; **score_set** adds
the metrics that look at all rows together; **enter** enters the scores and makes the version's figures anew.

Scores are keyed by metric, subject, scorer and revision: a second run of a recipe asks no model and adds nothing.
"""

from typing import Any

from airflow.sdk import dag, task_group

from evol_core.airflow.flow_parts import DEFAULT_ARGS, GPU_POOL, PATIENCE, plan_of
from evol_core.airflow.operator import EvolJobOperator
from evol_core.airflow.params import recipe_params

FLOW = "rescore"


@dag(
    FLOW,
    schedule=None,
    catchup=False,
    max_active_runs=1,
    params=recipe_params(FLOW),
    default_args=DEFAULT_ARGS,
    tags=["evol", "metrics"],
    doc_md=__doc__,
)
def rescore() -> None:
    plan = plan_of(FLOW)

    def job(stage: str, **arguments: Any) -> EvolJobOperator:
        return EvolJobOperator(task_id=stage, flow=FLOW, stage=stage, recipe=plan["recipe"], **arguments)

    @task_group
    def shard(number: int) -> None:
        job("score", shard=number, pool=GPU_POOL, execution_timeout=PATIENCE)

    choose, enter = job("choose"), job("enter")
    score_set = job("score_set", pool=GPU_POOL, execution_timeout=PATIENCE)
    plan >> choose >> shard.expand(number=plan) >> score_set >> enter


rescore()
