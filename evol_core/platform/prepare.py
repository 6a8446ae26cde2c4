"""What containers need before Airflow starts, each step safe to repeat: `python -m evol_core.platform.prepare`.

The databases are given by URL, Airflow's settings by its own variables, the password of `admin` by
EVOL_ADMIN_PASSWORD. On one machine without containers, `evol up` does all of it.
"""

import json
import os
import subprocess
import sys

from evol_core.errors import ConfigError, EvolError
from evol_core.lineage.migrate import migrate
from evol_core.platform.airflow_api import POOL
from evol_core.platform.airflow_environment import USER
from evol_core.platform.embedded import DEFAULT_MODEL
from evol_core.platform.models import ensure_model
from evol_core.platform.private_files import write_private
from evol_core.platform.settings import machine_from_environment


def prepare() -> None:
    """Schemas, password, pool and model.

    Raises:
        ConfigError: a variable is not set.
    """
    machine = machine_from_environment()
    if not machine.database_url or not os.environ.get("EVOL_ADMIN_PASSWORD"):
        raise ConfigError("EVOL_DATABASE_URL and EVOL_ADMIN_PASSWORD must be set; docker/make-env writes them")
    passwords = {USER: os.environ["EVOL_ADMIN_PASSWORD"]}
    write_private(machine.home / "secrets/airflow-passwords.json", json.dumps(passwords) + "\n")
    migrate(machine.database_url)
    _airflow("db", "migrate")
    pools = [line.split()[:1] for line in _airflow("pools", "list", "--output", "plain").splitlines()]
    if [POOL["name"]] not in pools:
        _airflow("pools", "set", "--include-deferred", str(POOL["name"]), str(POOL["slots"]), str(POOL["description"]))
    ensure_model(DEFAULT_MODEL, machine.settings(machine.database_url))


def _airflow(*arguments: str) -> str:
    """Run one of Airflow's commands; what it printed."""
    command = [sys.executable, "-m", "airflow", *arguments]
    run = subprocess.run(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
    if run.returncode != 0:
        raise ConfigError(f"`airflow {' '.join(arguments)}` failed with {run.returncode}; what it said is above")
    return run.stdout


if __name__ == "__main__":
    try:
        prepare()
    except EvolError as error:
        sys.exit(f"error: {error}")
