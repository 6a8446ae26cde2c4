"""Settings from environment variables, and the environment that a job's processes get."""

import os
from collections.abc import Mapping
from pathlib import Path

from evol_core.config import PROJECT_ROOT, Settings
from evol_core.errors import ConfigError

HOME = "EVOL_HOME"
DATABASE_URL = "EVOL_DATABASE_URL"
JOBS_PYTHON = "EVOL_JOBS_PYTHON"
RECIPE = "EVOL_RECIPE"
CATALOGUE_KEY = "OPENLINEAGE_API_KEY"
"""As OpenLineage's own clients call it."""

NIGHTLY_FLOW = "evol_instruct"

MARKER = "EVOL_JOB"
"""In the environment of every process of a job: the job's folder. By it, strays are found."""

_DROPPED = ("AIRFLOW", "_AIRFLOW", "PYTHON", "VIRTUAL_ENV", "__PYVENV")
"""What an Airflow worker carries that a job must not see: secrets, and another interpreter's paths."""


def settings_from(environment: Mapping[str, str]) -> Settings:
    """The settings that a job or an Airflow task runs with.

    Raises:
        ConfigError: the database's URL is not given.
    """
    database_url = environment.get(DATABASE_URL, "")
    if not database_url:
        raise ConfigError(
            f"{DATABASE_URL} is not set; set it to the evol database, postgresql+psycopg2://..., "
            "or start the platform with `evol up`, which sets it for its tasks"
        )
    home = home_from(environment)
    jobs_python = environment.get(JOBS_PYTHON) or str(PROJECT_ROOT / ".venv-jobs/bin/python")
    return Settings(
        home=home,
        database_url=database_url,
        jobs_python=Path(jobs_python),
        catalogue_key=environment.get(CATALOGUE_KEY, ""),
    )


def home_from(environment: Mapping[str, str]) -> Path:
    """Where the platform keeps everything."""
    return Path(environment.get(HOME) or "~/.evol").expanduser().absolute()


def base_recipe(home: Path, flow: str, environment: Mapping[str, str] = os.environ) -> Path:
    """The recipe that a flow's form shows, and its schedule builds: the home's own, or the example.

    Of the nightly flow EVOL_RECIPE names another one.
    """
    is_nightly = flow == NIGHTLY_FLOW
    if is_nightly and environment.get(RECIPE):
        return Path(environment[RECIPE])
    own, example = ("nightly", "demo") if is_nightly else (flow, flow)
    path = home / f"{own}.yaml"
    return path if path.exists() else PROJECT_ROOT / "examples" / f"{example}.yaml"


def job_environment(environment: Mapping[str, str], settings: Settings, folder: Path) -> dict[str, str]:
    """What a job's processes inherit: the surroundings without Airflow's own, and where things are."""
    kept = {name: value for name, value in environment.items() if not name.startswith(_DROPPED)}
    tools = str(settings.jobs_python.parent)
    return kept | {
        HOME: str(settings.home),
        DATABASE_URL: settings.database_url,
        JOBS_PYTHON: str(settings.jobs_python),
        MARKER: str(folder),
        "PATH": os.pathsep.join([tools, environment.get("PATH", os.defpath)]),
        "PYTHONPATH": str(PROJECT_ROOT),
        "PYTHONUNBUFFERED": "1",
        "SPT_NOENV": "1",  # a process that changes its title must not overwrite the marker
    }
