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

from airflow.sdk import task_group

from evol_core.airflow.flow_parts import Stages, announce_when_open, every_night, flow_dag, plan_of

FLOW = "evol_instruct"


@flow_dag(FLOW, __doc__, tags=["evol", "dataset"], schedule=every_night(2))
def evol_instruct() -> None:
    plan = plan_of(FLOW)
    stages = Stages(flow=FLOW, recipe=plan["recipe"])

    @task_group
    def shard(number: int) -> None:
        stages.asking("evolve", shard=number) >> stages.asking("score", shard=number)

    publish = stages.job("publish")
    plan >> stages.job("seed") >> shard.expand(number=plan) >> stages.asking("score_set") >> publish
    announce_when_open(publish)


evol_instruct()
