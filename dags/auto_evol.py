"""
Builds a dataset by self-planned evolution (Auto Evol-Instruct), with the form's recipe.

**plan_build** checks the recipe; **seed** reads, cleans and de-duplicates the seeds. The group **optimise** improves
the evolving method, one mapped task a step of the loop, one after the other: a step looks at a mini-batch, asks for
candidates and measures them on the development set. Steps after the loop's end have nothing to ask. Each shard then
goes through **evolve** (by the best method), **score** and **analyse** (the trajectories' ways, as phrases);
**publish** puts all of it into one version. A version that a gate closes on waits for **approve**.

Clear any task, or one step of the optimiser, to have it done again: answers of models are replayed from their record,
and a step that lacks an earlier one's answers asks for those first.
"""

from typing import Any

from airflow.sdk import dag, task, task_group

from evol_core.airflow.flow_parts import DEFAULT_ARGS, GPU_POOL, PATIENCE, announce_when_open, plan_of
from evol_core.airflow.operator import EvolJobOperator
from evol_core.airflow.params import recipe_params

FLOW = "auto_evol"


@dag(
    FLOW,
    schedule=None,
    catchup=False,
    max_active_runs=1,
    params=recipe_params(FLOW),
    default_args=DEFAULT_ARGS,
    tags=["evol", "dataset"],
    doc_md=__doc__,
)
def auto_evol() -> None:
    plan = plan_of(FLOW)

    def job(stage: str, **arguments: Any) -> EvolJobOperator:
        return EvolJobOperator(task_id=stage, flow=FLOW, stage=stage, recipe=plan["recipe"], **arguments)

    def asking(stage: str, **arguments: Any) -> EvolJobOperator:
        return job(stage, pool=GPU_POOL, execution_timeout=PATIENCE, **arguments)

    @task
    def steps(recipe: Any) -> list[int]:
        from evol_core.airflow import tasks

        return tasks.parts_of(recipe, "optimise")

    @task_group
    def optimiser(step: int) -> None:
        asking("optimise", shard=step, max_active_tis_per_dagrun=1)

    @task_group
    def shard(number: int) -> None:
        evolve, score = asking("evolve", shard=number), asking("score", shard=number)
        evolve >> [score, asking("analyse", shard=number)]

    seed, publish = job("seed"), job("publish")
    numbers = steps(plan["recipe"])
    plan >> seed >> numbers
    optimised = optimiser.expand(step=numbers)
    optimised >> shard.expand(number=plan) >> asking("score_set") >> publish
    announce_when_open(publish)


auto_evol()
