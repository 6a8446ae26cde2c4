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

from airflow.sdk import task, task_group

from evol_core.airflow.flow_parts import Stages, announce_when_open, flow_dag, plan_of

FLOW = "auto_evol"


@flow_dag(FLOW, __doc__, tags=["evol", "dataset"])
def auto_evol() -> None:
    plan = plan_of(FLOW)
    stages = Stages(flow=FLOW, recipe=plan["recipe"])

    @task
    def steps(recipe: Any) -> list[int]:
        from evol_core.airflow import tasks

        return tasks.parts_of(recipe, "optimise")

    @task_group
    def optimiser(step: int) -> None:
        stages.asking("optimise", shard=step, max_active_tis_per_dagrun=1)

    @task_group
    def shard(number: int) -> None:
        evolve, score = stages.asking("evolve", shard=number), stages.asking("score", shard=number)
        evolve >> [score, stages.asking("analyse", shard=number)]

    seed, publish = stages.job("seed"), stages.job("publish")
    numbers = steps(plan["recipe"])
    plan >> seed >> numbers
    optimised = optimiser.expand(step=numbers)
    optimised >> shard.expand(number=plan) >> stages.asking("score_set") >> publish
    announce_when_open(publish)


auto_evol()
