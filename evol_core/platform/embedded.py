"""The platform of one machine: up, down, status, logs."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from evol_core.errors import PlatformError
from evol_core.lineage.migrate import migrate
from evol_core.platform.airflow_api import ensure_pool, heartbeats, sign_in
from evol_core.platform.airflow_environment import USER, Databases, admin_password, url_of
from evol_core.platform.models import ensure_model
from evol_core.platform.postgres import ensure_postgres, running_postgres, stop_postgres
from evol_core.platform.private_files import locked, private_folder
from evol_core.platform.processes import Process
from evol_core.platform.repair import is_well, migrate_airflow, repair_airflow, replace_outdated, start_missing
from evol_core.platform.services import SERVICES, end_all, log_of, running
from evol_core.platform.settings import Machine

DEFAULT_MODEL = "smollm2"
POSTGRES = "postgres"

State = Literal["healthy", "unhealthy", "stopped"]
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One process of the platform, as it is now."""

    name: str
    state: State
    """Unhealthy: alive, but silent. A service is so for half a minute after its start."""

    pid: int | None
    since: datetime | None
    url: str | None
    log: Path


def up(machine: Machine, say: Say = lambda text: None, models: tuple[str, ...] = (DEFAULT_MODEL,)) -> str:
    """Bring up whatever is not up, repair what died, and return where the user interface is.

    Raises:
        PlatformError: something does not come up; the message names its log.
        ModelError: a model cannot be brought.
    """
    private_folder(machine.home)
    with locked(machine.home / "locks/platform"):
        databases = _databases(machine, say)
        with _timed(say, "Airflow's database"):
            migrate_airflow(machine, databases)
        replace_outdated(machine, databases)
        start_missing(machine, databases)
        for model in models:  # while Airflow starts: a first conversion takes as long
            with _timed(say, f"model {model}"):
                ensure_model(model, machine.settings(databases.evol))
        with _timed(say, "Airflow"):
            repair_airflow(machine, databases)
            ensure_pool(sign_in(machine.home))
    return str(url_of(machine.home))


def down(machine: Machine) -> None:
    """End every process of the home, jobs among them. Data and settings stay."""
    if not machine.home.exists():
        return
    with locked(machine.home / "locks/platform"):
        end_all(machine.home)
        stop_postgres(machine.home)


def status(machine: Machine) -> list[Part]:
    """Each part as it is now. Starts nothing."""
    services = running(machine.home)
    said = heartbeats(machine.home) if "api-server" in services else {}
    parts = []
    if machine.database_url is None or machine.airflow_database_url is None:
        server = running_postgres(machine.home)
        parts.append(_part(machine.home, POSTGRES, server, healthy=server is not None))
    for name in SERVICES:
        process = services.get(name)
        parts.append(_part(machine.home, name, process, healthy=is_well(process, said.get(name))))
    return parts


def log_in(machine: Machine) -> dict[str, str | None]:
    """How a person gets into the user interface; url and password are None before the first `up`."""
    return {"url": url_of(machine.home), "user": USER, "password": admin_password(machine.home)}


def log_file(machine: Machine, name: str) -> Path:
    """The log of one part.

    Raises:
        PlatformError: there is no such part, or it has never run.
    """
    names = [POSTGRES, *SERVICES]
    if name not in names:
        raise PlatformError(f"there is no part {name!r}; parts: {names}")
    path = log_of(machine.home, name)
    if not path.exists():
        raise PlatformError(f"{name} has never run in {machine.home}; run `evol up`")
    return path


def _databases(machine: Machine, say: Say) -> Databases:
    """Both databases, the embedded one started where it is wanted, ours with its schema."""
    evol, airflow = machine.database_url, machine.airflow_database_url
    if evol is None or airflow is None:
        with _timed(say, "PostgreSQL"):
            embedded = ensure_postgres(machine.home)
        evol, airflow = evol or embedded.evol, airflow or embedded.airflow
    with _timed(say, "evol database"):
        migrate(evol)
    return Databases(airflow=airflow, evol=evol)


def _part(home: Path, name: str, process: Process | None, *, healthy: bool) -> Part:
    return Part(
        name=name,
        state="stopped" if process is None else "healthy" if healthy else "unhealthy",
        pid=process.pid if process else None,
        since=datetime.fromtimestamp(process.since, UTC) if process else None,
        url=url_of(home) if name == "api-server" else None,
        log=log_of(home, name),
    )


@contextmanager
def _timed(say: Say, what: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    say(f"{what}: ready after {time.monotonic() - began:.1f} s")
