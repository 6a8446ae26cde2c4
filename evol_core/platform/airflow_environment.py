"""What Airflow's processes are told through their environment. No file of configuration is edited.

Everything generated here is generated once a home and kept: keys and the password of `admin` in `secrets`, readable
by the owner alone; the port in `airflow/port`.
"""

import base64
import hashlib
import json
import os
import secrets
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from evol_core.config import PROJECT_ROOT, code_version
from evol_core.platform.private_files import private_folder, read_record, secret, write_private
from evol_core.platform.processes import MARK
from evol_core.platform.settings import Machine

HOST = "127.0.0.1"
PREFERRED_PORT = 8080
USER = "admin"

FINGERPRINT = "EVOL_FINGERPRINT"
"""In every Airflow process: of the environment it was given. A process with another one is out of date."""

PARALLELISM = 4
"""Tasks at once. They only start jobs and follow them; the pool `gpu` says how many jobs."""

REPARSE_S = 300
"""An unchanged DAG file is read again after so long, for its form may change with the recipe that it begins with; a
changed one within seconds. Reading all of them takes some seconds of a core, which an engine beside it would miss at
the default of 30 s."""

ORPHANS_S = 30
"""How often tasks of a scheduler that is gone are looked for. A build would stand still for the default of 300 s."""

JWT_EXPIRATION_S = 86400
"""A task's own token. At the default of ten minutes, Airflow can lose a race to renew it under a long task."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Databases:
    """SQLAlchemy URLs of the two databases; they hold passwords."""

    airflow: str
    evol: str


def airflow_home(home: Path) -> Path:
    return home / "airflow"


def admin_password(home: Path) -> str | None:
    """None before the first `up`."""
    return read_record(home / "secrets/airflow-passwords.json").get(USER)


def url_of(home: Path) -> str | None:
    """Where the user interface is; None before the first `up`."""
    port = _kept_port(home)
    return f"http://{HOST}:{port}" if port else None


def choose_port(home: Path) -> int:
    """The home's port: the one it had, else the usual one, else any, whichever is free first; kept from now on."""
    for wanted in (_kept_port(home), PREFERRED_PORT, 0):
        if wanted is not None and (port := _free(wanted)):
            write_private(airflow_home(home) / "port", str(port))
            return port
    raise OSError("the machine has no free port")


def airflow_environment(machine: Machine, databases: Databases, port: int) -> dict[str, str]:
    """The whole environment of the four services, apart from each one's name."""
    ours = _evol(machine, databases) | _airflow(machine, databases, port)
    told = json.dumps([ours, code_version(), sys.executable], sort_keys=True)
    return _surroundings(os.environ) | ours | {FINGERPRINT: hashlib.sha256(told.encode()).hexdigest()[:16]}


def _evol(machine: Machine, databases: Databases) -> dict[str, str]:
    return {
        "EVOL_HOME": str(machine.home),
        "EVOL_DATABASE_URL": databases.evol,
        "EVOL_JOBS_PYTHON": str(machine.jobs_python),
        MARK: str(machine.home),
        "PYTHONPATH": str(PROJECT_ROOT),
        "SPT_NOENV": "1",  # a process that changes its title must not overwrite its environment: we find it by that
    }


def _airflow(machine: Machine, databases: Databases, port: int) -> dict[str, str]:
    home = machine.home
    url = f"http://{HOST}:{port}"
    options = {
        "core.dags_folder": machine.dags,
        "core.plugins_folder": machine.plugins,
        "core.load_examples": False,
        "core.executor": "LocalExecutor",
        "core.parallelism": PARALLELISM,
        "core.fernet_key": _fernet_key(home),
        "core.simple_auth_manager_users": f"{USER}:admin",
        "core.simple_auth_manager_passwords_file": _passwords_file(home),
        "core.execution_api_server_url": f"{url}/execution/",
        "database.sql_alchemy_conn": databases.airflow,
        "api.host": HOST,
        "api.port": port,
        "api.base_url": url,
        "api.workers": 1,
        "api.secret_key": secret(home, "airflow-api"),
        "api_auth.jwt_secret": secret(home, "airflow-jwt"),
        "execution_api.jwt_expiration_time": JWT_EXPIRATION_S,
        "scheduler.orphaned_tasks_check_interval": ORPHANS_S,
        "dag_processor.min_file_process_interval": REPARSE_S,
        "dag_processor.refresh_interval": 10,
        "dag_processor.bundle_refresh_check_interval": 5,
        "logging.base_log_folder": private_folder(home / "logs/tasks"),
        "openlineage.disabled": True,
        "usage_data_collection.enabled": False,
    }
    variables = {f"AIRFLOW__{key.replace('.', '__').upper()}": str(value) for key, value in options.items()}
    return variables | {"AIRFLOW_HOME": str(private_folder(airflow_home(home)))}


def _surroundings(environment: Mapping[str, str]) -> dict[str, str]:
    """The user's own variables, less another Airflow's and another Python's; no proxy to ourselves."""
    kept = {
        name: value
        for name, value in environment.items()
        if not name.startswith(("AIRFLOW", "_AIRFLOW", "PYTHON", "EVOL_", "VIRTUAL_ENV"))
    }
    kept["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", os.defpath)])
    for name in ("NO_PROXY", "no_proxy"):
        kept[name] = ",".join(filter(None, [kept.get(name), HOST, "localhost"]))
    return kept


def _fernet_key(home: Path) -> str:
    return base64.urlsafe_b64encode(bytes.fromhex(secret(home, "airflow-fernet"))).decode()


def _passwords_file(home: Path) -> Path:
    path = home / "secrets/airflow-passwords.json"
    if not admin_password(home):
        write_private(path, json.dumps({USER: secrets.token_urlsafe(12)}) + "\n")
    return path


def _kept_port(home: Path) -> int | None:
    try:
        return int((airflow_home(home) / "port").read_text())
    except (OSError, ValueError):
        return None


def _free(port: int) -> int | None:
    """The port if nobody has it (any free one for 0), None if somebody does."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return None
        return int(probe.getsockname()[1])
