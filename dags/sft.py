"""
Trains a model on a version of a dataset: whenever a version of the recipe's dataset is published, by night or with a
form, or with this DAG's own form.

**plan_training** fixes the version (the announced one, or the one that the form names) and checks the recipe; only
published versions are trained on. **train** is a no-op where this version and this configuration were trained before,
and goes on from its last checkpoint where it was interrupted.
"""

from airflow.sdk import PartitionedAssetTimetable

from evol_core.airflow.assets import DATASET
from evol_core.airflow.flow_parts import Stages, flow_dag, training_plan

FLOW = "sft"


@flow_dag(FLOW, __doc__, tags=["evol", "model"], schedule=PartitionedAssetTimetable(assets=DATASET))
def sft() -> None:
    plan = training_plan()
    plan >> Stages(flow=FLOW, recipe=plan).asking("train")


sft()
