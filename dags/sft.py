"""
Trains a model on a version of a dataset: whenever a version of the recipe's dataset is published, or with the form.

**plan_training** fixes the version (the announced one, or the one that the form names) and checks the recipe; only
published versions are trained on. **train** is a no-op where this version and this configuration were trained before,
and goes on from its last checkpoint where it was interrupted.
"""

from airflow.sdk import PartitionedAssetTimetable, dag

from evol_core.airflow.assets import DATASET
from evol_core.airflow.flow_parts import DEFAULT_ARGS, GPU_POOL, PATIENCE, training_plan
from evol_core.airflow.operator import EvolJobOperator
from evol_core.airflow.params import recipe_params

FLOW = "sft"


@dag(
    FLOW,
    schedule=PartitionedAssetTimetable(assets=DATASET),
    catchup=False,
    max_active_runs=1,
    params=recipe_params(FLOW),
    default_args=DEFAULT_ARGS,
    tags=["evol", "model"],
    doc_md=__doc__,
)
def sft() -> None:
    plan = training_plan()
    train = EvolJobOperator(
        task_id="train", flow=FLOW, stage="train", recipe=plan, pool=GPU_POOL, execution_timeout=PATIENCE
    )
    plan >> train


sft()
