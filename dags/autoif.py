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

from airflow.sdk import task_group

from evol_core.airflow.flow_parts import Stages, announce_when_open, every_night, flow_dag, plan_of

FLOW = "autoif"


@flow_dag(FLOW, __doc__, tags=["evol", "dataset"], schedule=every_night(4))
def autoif() -> None:
    plan = plan_of(FLOW)
    stages = Stages(flow=FLOW, recipe=plan["recipe"])

    @task_group
    def write(number: int) -> None:
        stages.asking("checkers", shard=number)

    @task_group
    def answer(number: int) -> None:
        back_translate, respond = stages.asking("back_translate", shard=number), stages.asking("respond", shard=number)
        check = stages.long("check", shard=number)
        back_translate >> respond >> check >> stages.asking("quality", shard=number)

    sources, constraints, publish = stages.job("sources"), stages.asking("constraints"), stages.job("publish")
    crosscheck = stages.long("crosscheck")
    plan >> sources >> constraints >> write.expand(number=plan) >> crosscheck
    crosscheck >> answer.expand(number=plan) >> publish
    announce_when_open(publish)


autoif()
