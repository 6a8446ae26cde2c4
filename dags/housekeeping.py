"""
Looks after what was built, once a week.

**verify** reads versions in full and holds them against their hashes, counts and ids; **ids** counts ids that lead
nowhere in all of the lineage; **refresh** makes analysts' figures anew; **events** sends what waits in the outbox to
the OpenLineage server or file of the recipe; **iceberg** brings the mirror up to date, where there is one. When the
versions are known to be whole and the mirror lists nothing else, **collect** removes objects that nothing needs.
Each can be cleared and done again.

A home's own `housekeeping.yaml` says what is done; the form changes it for one run.
"""

from airflow.sdk import CronTriggerTimetable, dag

from evol_core.airflow.flow_parts import DEFAULT_ARGS, PATIENCE, plan_of
from evol_core.airflow.operator import EvolJobOperator
from evol_core.airflow.params import recipe_params

FLOW = "housekeeping"


@dag(
    FLOW,
    schedule=CronTriggerTimetable("0 6 * * 0", timezone="UTC"),
    catchup=False,
    max_active_runs=1,
    params=recipe_params(FLOW),
    default_args=DEFAULT_ARGS,
    tags=["evol", "upkeep"],
    doc_md=__doc__,
)
def housekeeping() -> None:
    plan = plan_of(FLOW)

    def job(stage: str) -> EvolJobOperator:
        return EvolJobOperator(task_id=stage, flow=FLOW, stage=stage, recipe=plan["recipe"], execution_timeout=PATIENCE)

    plan >> [job("refresh"), job("events")]
    plan >> [job("verify"), job("ids"), job("iceberg")] >> job("collect")


housekeeping()
