"""What Airflow is told: its own home, this machine only, secrets that are kept."""

import json
import socket
from pathlib import Path

import pytest

from evol_core.platform.airflow_environment import (
    FINGERPRINT,
    Databases,
    admin_password,
    airflow_environment,
    choose_port,
    url_of,
)
from evol_core.platform.settings import Machine

DATABASES = Databases(airflow="postgresql+psycopg2://airflow@/airflow", evol="postgresql+psycopg2://evol@/evol")


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(home=tmp_path / "home", jobs_python=tmp_path / "python")


def test_the_same_machine_is_told_the_same_twice(machine: Machine) -> None:
    assert airflow_environment(machine, DATABASES, 8080) == airflow_environment(machine, DATABASES, 8080)


def test_another_port_is_another_fingerprint(machine: Machine) -> None:
    first, second = (airflow_environment(machine, DATABASES, port) for port in (8080, 8081))

    assert first[FINGERPRINT] != second[FINGERPRINT]


def test_nothing_of_another_airflow_or_python_gets_in(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "CeleryExecutor")
    monkeypatch.setenv("AIRFLOW__CORE__UNIT_TEST_MODE", "True")
    monkeypatch.setenv("PYTHONHOME", "/elsewhere")
    monkeypatch.setenv("HTTP_PROXY", "http://proxy")
    monkeypatch.setenv("NO_PROXY", "intranet")

    told = airflow_environment(machine, DATABASES, 8080)

    assert told["AIRFLOW__CORE__EXECUTOR"] == "LocalExecutor"
    assert told["HTTP_PROXY"] == "http://proxy"
    assert told["NO_PROXY"] == "intranet,127.0.0.1,localhost"
    assert {"AIRFLOW__CORE__UNIT_TEST_MODE", "PYTHONHOME"}.isdisjoint(told)


def test_airflow_listens_to_this_machine_only(machine: Machine) -> None:
    told = airflow_environment(machine, DATABASES, 8099)

    assert told["AIRFLOW__API__HOST"] == "127.0.0.1"
    assert told["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == "http://127.0.0.1:8099/execution/"


def test_the_password_is_generated_kept_and_private(machine: Machine) -> None:
    assert admin_password(machine.home) is None

    told = airflow_environment(machine, DATABASES, 8080)

    file = Path(told["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"])
    assert file.stat().st_mode & 0o777 == 0o600
    assert json.loads(file.read_text()) == {"admin": admin_password(machine.home)}
    assert len(admin_password(machine.home) or "") >= 16


def test_a_home_keeps_its_port(tmp_path: Path) -> None:
    assert url_of(tmp_path) is None
    port = choose_port(tmp_path)

    assert choose_port(tmp_path) == port
    assert url_of(tmp_path) == f"http://127.0.0.1:{port}"


def test_a_port_that_somebody_took_is_given_up(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        (tmp_path / "airflow").mkdir()
        (tmp_path / "airflow/port").write_text(str(taken))

        port = choose_port(tmp_path)

    assert port != taken
    assert url_of(tmp_path) == f"http://127.0.0.1:{port}"
