"""What a machine decides about the platform: where it lives, which database, which interpreter runs jobs."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from evol_core.errors import ConfigError

PROJECT = Path(__file__).resolve().parents[2]
"""The folder that holds evol_core, dags and plugins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Read once, at the edge; nothing below the platform reads the environment."""

    home: Path
    """Everything that the platform keeps: databases, objects, models, logs, secrets. Absolute."""

    database_url: str | None = None
    """SQLAlchemy URL of the `evol` database; None for the embedded one."""

    analyst_url: str | None = None
    """The same database as its read-only role; None for the embedded one."""

    airflow_database_url: str | None = None
    """SQLAlchemy URL of Airflow's own database; None for the embedded one."""

    jobs_python: Path
    """The interpreter that has the engines and models."""

    model_cache: Path
    """Converted models, shared by all homes of a user."""

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def objects(self) -> Path:
        return self.home / "objects"


def settings_from_environment(environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings that EVOL_* variables name, and defaults where they name none.

    Raises:
        ConfigError: EVOL_HOME is a file, or the user has no home folder to put a default into.
    """
    home = _path(environment.get("EVOL_HOME")) or _user_home() / ".evol"
    if home.exists() and not home.is_dir():
        raise ConfigError(f"EVOL_HOME must be a folder, got the file {home}; name another folder")
    return Settings(
        home=home,
        database_url=environment.get("EVOL_DATABASE_URL") or None,
        analyst_url=environment.get("EVOL_ANALYST_URL") or None,
        airflow_database_url=environment.get("EVOL_AIRFLOW_DATABASE_URL") or None,
        jobs_python=_path(environment.get("EVOL_JOBS_PYTHON")) or PROJECT / ".venv-jobs/bin/python",
        model_cache=_path(environment.get("EVOL_MODEL_CACHE")) or _user_home() / ".cache/evol/models",
    )


def _path(text: str | None) -> Path | None:
    """An absolute path with its links kept: an environment's python is a link that must not be followed."""
    return Path(os.path.abspath(Path(text).expanduser())) if text else None


def _user_home() -> Path:
    try:
        return Path.home()
    except RuntimeError:
        raise ConfigError("this user has no home folder; set EVOL_HOME and EVOL_MODEL_CACHE to folders") from None
