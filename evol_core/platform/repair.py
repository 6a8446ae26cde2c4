"""Airflow, from whatever state it is in to the one it should be in: migrated, every service alive and saying so."""

import importlib.metadata
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import sqlalchemy as sa

from evol_core.errors import PlatformError
from evol_core.lineage.database import connect
from evol_core.platform.airflow_api import heartbeats
from evol_core.platform.airflow_environment import (
    Databases,
    airflow_environment,
    airflow_home,
    choose_port,
    url_of,
)
from evol_core.platform.private_files import private_folder, write_private
from evol_core.platform.processes import Process
from evol_core.platform.services import SERVICES, end_service, is_current, log_of, running, start_service
from evol_core.platform.settings import Machine

HEALTH_TIMEOUT_S = 300.0
"""Ten times what it takes on a quiet machine of two cores."""

STARTS_AT_MOST = 3
"""Of one service in one repair: one that dies each time has a reason, and its log says it."""

HEARTBEAT_MAX_AGE_S = 60.0
CLOCK_SLACK_S = 1.0


def migrate_airflow(machine: Machine, databases: Databases) -> bool:
    """Bring Airflow's database to the version that is installed; whether there was anything to do.

    Raises:
        PlatformError: Airflow's own command failed.
    """
    record = airflow_home(machine.home) / "migrated"
    version = importlib.metadata.version("apache-airflow")
    if record.exists() and record.read_text() == f"{version} {_revision(databases.airflow)}":
        return False
    environment = airflow_environment(machine, databases, _port(machine.home, running(machine.home)))
    log = private_folder(machine.home / "logs") / "migrate.log"
    with log.open("ab") as output:
        command = [sys.executable, "-m", "airflow", "db", "migrate"]
        run = subprocess.run(command, env=environment, cwd="/", stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    if run.returncode != 0:
        raise PlatformError(f"Airflow's database could not be brought to version {version}; read {log}")
    write_private(record, f"{version} {_revision(databases.airflow)}")
    return True


def repair_airflow(machine: Machine, databases: Databases) -> None:
    """Start what is dead, replace what is out of date, and wait until all of it is well.

    Raises:
        PlatformError: a service dies each time or does not become well in time; the message names its log.
    """
    starts: Counter[str] = Counter()
    deadline = time.monotonic() + HEALTH_TIMEOUT_S
    while sick := _sick(machine.home):
        starts.update(start_missing(machine, databases))
        hopeless = [name for name in sick if starts[name] > STARTS_AT_MOST]
        if hopeless or time.monotonic() > deadline:
            names = hopeless or sick
            logs = ", ".join(str(log_of(machine.home, name)) for name in names)
            raise PlatformError(f"Airflow does not come up: {', '.join(names)} did not become healthy; read {logs}")
        time.sleep(0.5)


def replace_outdated(machine: Machine, databases: Databases) -> None:
    """End the services that were started with other settings or by other code than now."""
    services = running(machine.home)
    environment = airflow_environment(machine, databases, _port(machine.home, services))
    for name, process in services.items():
        if not is_current(process, environment):
            end_service(machine.home, name)


def is_well(process: Process | None, heartbeat: float | None) -> bool:
    """Whether a service lives and has said so lately: it, and not the one before it."""
    if process is None or heartbeat is None:
        return False
    return heartbeat >= max(process.since - CLOCK_SLACK_S, time.time() - HEARTBEAT_MAX_AGE_S)


def start_missing(machine: Machine, databases: Databases) -> list[str]:
    """Start what is not there, and wait for nothing; the names of what was started.

    Where the API server lost its port to somebody else, all are started anew with another one.
    """
    if set(running(machine.home)) == set(SERVICES):
        return []
    replace_outdated(machine, databases)
    services = running(machine.home)
    environment = airflow_environment(machine, databases, _port(machine.home, services))
    missing = [name for name in SERVICES if name not in services]
    for name in missing:
        start_service(name, environment, machine.home)
    return missing


def _sick(home: Path) -> list[str]:
    services = running(home)
    said = heartbeats(home) if "api-server" in services else {}
    return [name for name in SERVICES if not is_well(services.get(name), said.get(name))]


def _port(home: Path, services: Mapping[str, Process]) -> int:
    """The port that the API server has; while it does not run, one that is free."""
    url = url_of(home)
    return int(url.rpartition(":")[2]) if url and "api-server" in services else choose_port(home)


def _revision(url: str) -> str:
    """What Airflow's database says of its own version; empty where it is empty."""
    engine = connect(url)
    try:
        with engine.connect() as connection:
            if connection.execute(sa.text("SELECT to_regclass('alembic_version')")).scalar() is None:
                return ""
            return str(connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar())
    finally:
        engine.dispose()
