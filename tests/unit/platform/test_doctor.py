"""What the doctor says of a machine where nothing has been set up."""

from pathlib import Path

import pytest

from evol_core.platform.doctor import Check, examine
from evol_core.platform.settings import Machine


@pytest.fixture(scope="module")
def checks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Check]:
    folder = tmp_path_factory.mktemp("machine")
    machine = Machine(home=folder / "not/yet/there", jobs_python=folder / "no-python")
    return {check.name: check for check in examine(machine)}


def test_every_problem_comes_with_a_next_step(checks: dict[str, Check]) -> None:
    assert {check.name for check in checks.values() if (check.state == "ok") == bool(check.next_step)} == set()


def test_a_missing_jobs_interpreter_is_a_failure_that_names_it(checks: dict[str, Check]) -> None:
    engine = checks["engine"]

    assert engine.state == "fail"
    assert "no-python: " in engine.detail
    assert engine.next_step.startswith("run `make setup`, or set EVOL_JOBS_PYTHON")


def test_what_up_would_bring_is_a_warning_that_says_so(checks: dict[str, Check]) -> None:
    for name in ("database", "airflow", "models"):
        assert (checks[name].state, checks[name].next_step) == ("warn", "run `evol up`")


def test_one_failure_keeps_nothing_else_from_being_looked_at(checks: dict[str, Check]) -> None:
    assert {"system", "home", "memory", "sandbox", "compiler"} <= set(checks)


def test_the_doctor_leaves_nothing_behind(checks: dict[str, Check], tmp_path: Path) -> None:
    home = tmp_path / "home"
    examine(Machine(home=home, jobs_python=tmp_path / "no-python"))

    assert not home.exists()
