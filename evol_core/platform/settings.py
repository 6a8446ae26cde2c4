"""What a machine decides: where the platform lives, which database it uses, which interpreter runs jobs."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from evol_core.config import PROJECT_ROOT, Settings
from evol_core.errors import ConfigError
from evol_core.platform.postgres import ensure_postgres


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """The EVOL_* variables, read once, at the edge. None of the databases need be there yet."""

    home: Path
    """Everything that the platform keeps: database, objects, models, logs, secrets. Absolute."""

    jobs_python: Path
    """The interpreter that has the engines and models."""

    database_url: str | None = None
    """SQLAlchemy URL of the `evol` database; None for the embedded one."""

    analyst_url: str | None = None
    """The same database as its read-only role; None for the embedded one."""

    airflow_database_url: str | None = None
    """SQLAlchemy URL of Airflow's own database; None for the embedded one."""

    dags: Path = PROJECT_ROOT / "dags"
    plugins: Path = PROJECT_ROOT / "plugins"

    def settings(self, database_url: str) -> Settings:
        return Settings(home=self.home, database_url=database_url, jobs_python=self.jobs_python)


def machine_from_environment(environment: Mapping[str, str] = os.environ) -> Machine:
    """What EVOL_HOME, EVOL_JOBS_PYTHON and the EVOL_*_URL variables say, with defaults for the rest.

    Raises:
        ConfigError: EVOL_HOME is a file, or the user has no home folder to put a default into.
    """
    home = _path(environment.get("EVOL_HOME") or "~/.evol", "EVOL_HOME")
    if home.exists() and not home.is_dir():
        raise ConfigError(f"EVOL_HOME must be a folder, got the file {home}; name another folder")
    python = environment.get("EVOL_JOBS_PYTHON") or str(PROJECT_ROOT / ".venv-jobs/bin/python")
    return Machine(
        home=home,
        jobs_python=_path(python, "EVOL_JOBS_PYTHON"),
        database_url=environment.get("EVOL_DATABASE_URL") or None,
        analyst_url=environment.get("EVOL_ANALYST_URL") or None,
        airflow_database_url=environment.get("EVOL_AIRFLOW_DATABASE_URL") or None,
        dags=_path(environment.get("EVOL_DAGS") or str(PROJECT_ROOT / "dags"), "EVOL_DAGS"),
        plugins=_path(environment.get("EVOL_PLUGINS") or str(PROJECT_ROOT / "plugins"), "EVOL_PLUGINS"),
    )


def settings_from_environment(environment: Mapping[str, str] = os.environ) -> Settings:
    """What every command needs. Starts the embedded database where no other one is named.

    Raises:
        ConfigError: a variable names what cannot be.
        PlatformError: the embedded database does not start.
    """
    machine = machine_from_environment(environment)
    return machine.settings(machine.database_url or ensure_postgres(machine.home).evol)


def analyst_url_from_environment(environment: Mapping[str, str] = os.environ) -> str:
    """The `evol` database as a role that can only read.

    Raises:
        ConfigError: the database is not the embedded one, and EVOL_ANALYST_URL does not say how to read it.
    """
    machine = machine_from_environment(environment)
    if machine.analyst_url:
        return machine.analyst_url
    if machine.database_url:
        raise ConfigError(
            "EVOL_DATABASE_URL is set, EVOL_ANALYST_URL is not; set it to the same database as the role evol_analyst"
        )
    return ensure_postgres(machine.home).analyst


def model_cache(environment: Mapping[str, str] = os.environ) -> Path:
    """Where converted models are kept for all homes of a user: EVOL_MODEL_CACHE, or a folder in the user's cache."""
    cache = environment.get("XDG_CACHE_HOME") or "~/.cache"
    return _path(environment.get("EVOL_MODEL_CACHE") or f"{cache}/evol/models", "EVOL_MODEL_CACHE")


def _path(text: str, name: str) -> Path:
    """An absolute path with its links kept: an environment's python is a link that must not be followed."""
    try:
        return Path(os.path.abspath(Path(text).expanduser()))
    except RuntimeError:
        raise ConfigError(f"this user has no home folder; set {name} to a path") from None
