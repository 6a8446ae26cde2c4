from pathlib import Path

import pytest

from evol_core.config import PROJECT_ROOT
from evol_core.errors import ConfigError
from evol_core.job.surroundings import base_recipe, job_environment, settings_from

URL = "postgresql+psycopg2://evol@localhost/evol"


def test_settings_come_from_the_environment() -> None:
    settings = settings_from({"EVOL_HOME": "/h", "EVOL_DATABASE_URL": URL, "EVOL_JOBS_PYTHON": "/p/python"})

    assert (settings.home, settings.database_url, settings.jobs_python) == (Path("/h"), URL, Path("/p/python"))


def test_the_jobs_interpreter_is_the_projects_own_unless_named() -> None:
    assert settings_from({"EVOL_DATABASE_URL": URL}).jobs_python == PROJECT_ROOT / ".venv-jobs/bin/python"


def test_a_missing_database_names_the_variable_and_the_way_out() -> None:
    with pytest.raises(ConfigError, match=r"EVOL_DATABASE_URL is not set; .*`evol up`"):
        settings_from({})


def test_a_job_inherits_its_surroundings_but_nothing_of_airflow_or_another_python() -> None:
    settings = settings_from({"EVOL_HOME": "/h", "EVOL_DATABASE_URL": URL, "EVOL_JOBS_PYTHON": "/p/bin/python"})
    surroundings = {
        "AIRFLOW__CORE__FERNET_KEY": "secret",
        "_AIRFLOW_PROCESS_CONTEXT": "client",
        "PYTHONHOME": "/elsewhere",
        "VIRTUAL_ENV": "/elsewhere",
        "CUDA_VISIBLE_DEVICES": "1",
        "PATH": "/usr/bin",
    }

    environment = job_environment(surroundings, settings, Path("/h/jobs/r/evolve"))

    assert environment == {
        "CUDA_VISIBLE_DEVICES": "1",
        "PATH": "/p/bin:/usr/bin",
        "PYTHONPATH": str(PROJECT_ROOT),
        "PYTHONUNBUFFERED": "1",
        "SPT_NOENV": "1",
        "EVOL_HOME": "/h",
        "EVOL_DATABASE_URL": URL,
        "EVOL_JOBS_PYTHON": "/p/bin/python",
        "EVOL_JOB": "/h/jobs/r/evolve",
    }


def test_the_nightly_recipe_is_the_one_named_else_the_homes_else_the_demo(tmp_path: Path) -> None:
    assert base_recipe(tmp_path, "evol_instruct", {}) == PROJECT_ROOT / "examples/demo.yaml"
    (tmp_path / "nightly.yaml").touch()
    assert base_recipe(tmp_path, "evol_instruct", {}) == tmp_path / "nightly.yaml"
    assert base_recipe(tmp_path, "evol_instruct", {"EVOL_RECIPE": "/r/mine.yaml"}) == Path("/r/mine.yaml")
