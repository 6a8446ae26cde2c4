"""
Compares two evolvers: builds one dataset with each of them, from the same seeds, has a judge compare their children
pair by pair in both orders, and writes statistics, figures and a report.

**plan_build** checks the recipe; **seed** publishes the seeds that both arms share; **methods** fixes the evolving
methods of arms that have one; each shard goes through **evolve_a**, **score_a** and **evolve_b**, **score_b**;
**score_set_a** and **score_set_b** add the metrics that look at the whole set; **analyse** names the ways that
self-planned evolution listed; **publish_a** and **publish_b** make a version of each arm; **judge** asks for verdicts;
**compare** writes the report, whose place its output tells, and the figures for SQL.
An arm that a gate closes on is quarantined and still compared; nothing is announced, so no training starts.

Clear any task, or one shard of it, to have it done again: answers of models are replayed from their record.
"""

from airflow.sdk import task_group

from evol_core.airflow.flow_parts import Stages, flow_dag, plan_of

FLOW = "compare_arms"


@flow_dag(FLOW, __doc__, tags=["evol", "comparison"])
def compare_arms() -> None:
    plan = plan_of(FLOW)
    stages = Stages(flow=FLOW, recipe=plan["recipe"])

    @task_group
    def shard(number: int) -> None:
        for arm in ("a", "b"):
            stages.asking(f"evolve_{arm}", shard=number) >> stages.asking(f"score_{arm}", shard=number)

    shards = shard.expand(number=plan)
    compare = stages.job("compare")
    plan >> stages.job("seed") >> stages.job("methods") >> shards >> stages.asking("judge") >> compare
    shards >> (analyse := stages.asking("analyse"))
    for arm in ("a", "b"):
        shards >> (score_set := stages.asking(f"score_set_{arm}"))
        [score_set, analyse] >> stages.job(f"publish_{arm}") >> compare


compare_arms()
