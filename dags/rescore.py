"""
Scores a published version anew, by other metrics or another scorer, with the form's recipe. Its rows stay as they are.

**plan_build** checks the recipe; **choose** fixes the version; each shard goes through **score**; **score_set** adds
the metrics that look at all rows together; **enter** enters the scores and makes the version's figures anew.

Scores are keyed by metric, subject, scorer and revision: a second run of a recipe asks no model and adds nothing.
"""

from airflow.sdk import task_group

from evol_core.airflow.flow_parts import Stages, flow_dag, plan_of

FLOW = "rescore"


@flow_dag(FLOW, __doc__, tags=["evol", "metrics"])
def rescore() -> None:
    plan = plan_of(FLOW)
    stages = Stages(flow=FLOW, recipe=plan["recipe"])

    @task_group
    def shard(number: int) -> None:
        stages.asking("score", shard=number)

    shards = shard.expand(number=plan)
    plan >> stages.job("choose") >> shards >> stages.asking("score_set") >> stages.job("enter")


rescore()
