"""What EVOL_* variables mean."""

from pathlib import Path

import pytest

from evol_core.config import PROJECT_ROOT
from evol_core.errors import ConfigError
from evol_core.platform.settings import analyst_url_from_environment, machine_from_environment, model_cache


def test_without_variables_everything_is_beside_the_user_and_the_project() -> None:
    machine = machine_from_environment({})

    assert machine.home == Path.home().resolve() / ".evol"
    assert machine.jobs_python == PROJECT_ROOT / ".venv-jobs/bin/python"
    assert (machine.database_url, machine.analyst_url, machine.airflow_database_url) == (None, None, None)


def test_an_empty_variable_is_as_good_as_none() -> None:
    assert machine_from_environment({"EVOL_HOME": "", "EVOL_DATABASE_URL": ""}) == machine_from_environment({})


def test_a_relative_home_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert machine_from_environment({"EVOL_HOME": "here/../there"}).home == tmp_path / "there"


def test_an_environments_python_stays_the_link_that_it_is(tmp_path: Path) -> None:
    link = tmp_path / "python"
    link.symlink_to("/usr/bin/env")

    assert machine_from_environment({"EVOL_JOBS_PYTHON": str(link)}).jobs_python == link


def test_a_home_that_is_a_file_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "home"
    path.touch()

    with pytest.raises(ConfigError, match=f"EVOL_HOME must be a folder, got the file {path}; name another folder"):
        machine_from_environment({"EVOL_HOME": str(path)})


def test_another_database_needs_its_own_url_for_reading() -> None:
    with pytest.raises(ConfigError, match="EVOL_ANALYST_URL is not; set it to the same database"):
        analyst_url_from_environment({"EVOL_DATABASE_URL": "postgresql+psycopg2://evol@db/evol"})


def test_models_are_kept_in_the_users_cache_unless_told_otherwise() -> None:
    assert model_cache({}) == Path.home().resolve() / ".cache/evol/models"
    assert model_cache({"XDG_CACHE_HOME": "/cache"}) == Path("/cache/evol/models")
    assert model_cache({"XDG_CACHE_HOME": "/cache", "EVOL_MODEL_CACHE": "/models"}) == Path("/models")
