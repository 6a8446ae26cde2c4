"""A pytest run of its own: importing Airflow takes seconds, and its settings are read from the environment once."""

import os
import tempfile
from typing import Any

import pytest

os.environ |= {
    "AIRFLOW_HOME": tempfile.mkdtemp(prefix="evol-dags-"),
    "AIRFLOW__CORE__UNIT_TEST_MODE": "True",
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__OPENLINEAGE__DISABLED": "True",
    "EVOL_HOME": "/nowhere",
}
os.environ.pop("EVOL_RECIPE", None)

from evol_core.config import PROJECT_ROOT


@pytest.fixture(scope="session")
def dag_bag() -> Any:
    """Our DAGs, as the dag-processor reads them; no database is asked."""
    from airflow.dag_processing.dagbag import DagBag

    return DagBag(dag_folder=str(PROJECT_ROOT / "dags"))
