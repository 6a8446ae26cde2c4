"""
Looks after what was built, once a week.

**verify** reads versions in full and holds them against their hashes, counts and ids; **ids** counts ids that lead
nowhere in all of the lineage; **refresh** makes analysts' figures anew; **events** sends what waits in the outbox to
the OpenLineage server or file of the recipe; **iceberg** brings the mirror up to date, where there is one. When the
versions are known to be whole and the mirror lists nothing else, **collect** removes objects that nothing needs.
Each can be cleared and done again.

A home's own `housekeeping.yaml` says what is done; the form changes it for one run.
"""

from airflow.sdk import CronTriggerTimetable

from evol_core.airflow.flow_parts import Stages, flow_dag, plan_of

FLOW = "housekeeping"


@flow_dag(FLOW, __doc__, tags=["evol", "upkeep"], schedule=CronTriggerTimetable("0 6 * * 0", timezone="UTC"))
def housekeeping() -> None:
    plan = plan_of(FLOW)
    stages = Stages(flow=FLOW, recipe=plan["recipe"])
    plan >> [stages.long("refresh"), stages.long("events")]
    plan >> [stages.long("verify"), stages.long("ids"), stages.long("iceberg")] >> stages.long("collect")


housekeeping()
