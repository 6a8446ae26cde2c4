"""docker-compose.yml, as far as it can be tested without a container engine."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from evol_core.platform.airflow_environment import Databases, airflow_environment
from evol_core.platform.postgres import ROLES
from evol_core.platform.settings import Machine

ROOT = Path(__file__).parents[3]
COMPOSE = (ROOT / "docker-compose.yml").read_text()
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE)["services"]
GPU: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "docker/gpu.yml").read_text())["services"]
DOCKERFILES = sorted((ROOT / "docker").glob("*.Dockerfile"))
IGNORED = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]


def test_every_image_is_pulled_or_built_from_a_file_that_is_there() -> None:
    built = {service["build"]["dockerfile"] for service in [*SERVICES.values(), *GPU.values()] if "build" in service}

    assert built == {f"docker/{path.name}" for path in DOCKERFILES}
    assert [name for name, service in SERVICES.items() if "build" not in service] == ["postgres"]


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_what_an_image_copies_is_there_and_sent_to_the_engine(path: Path) -> None:
    copies = re.findall(r"^COPY (?:--\S+ )?(.+) \S+$", path.read_text(), re.MULTILINE)
    sources = [source for line in copies for source in line.split()]

    assert len(sources) >= 7
    for source in sources:
        assert (ROOT / source).exists(), source
        assert any(Path(source).match(pattern) for pattern in IGNORED), source


def test_services_that_a_service_names_are_there() -> None:
    named = {name for service in SERVICES.values() for name in service.get("depends_on", {})}
    named |= {service["pid"].removeprefix("service:") for service in SERVICES.values() if "pid" in service}

    assert named | set(GPU) <= set(SERVICES)


def test_who_starts_jobs_and_who_ends_them_see_the_same_processes() -> None:
    assert SERVICES["triggerer"]["pid"] == "service:scheduler"
    assert SERVICES["triggerer"]["image"] == SERVICES["scheduler"]["image"]


def test_only_the_user_interface_is_published_and_to_this_machine_only() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}

    assert published == {"api-server": ["127.0.0.1:8080:8080"]}


def test_every_secret_is_made_by_make_env_and_kept_private(tmp_path: Path) -> None:
    (tmp_path / "docker").mkdir()
    shutil.copy(ROOT / "docker/make-env", tmp_path / "docker")
    subprocess.run([tmp_path / "docker/make-env"], check=True, capture_output=True)
    made = dict(line.split("=", 1) for line in (tmp_path / ".env").read_text().splitlines())

    assert set(re.findall(r"\$\{(\w+)", COMPOSE)) == set(made)
    assert min(len(value) for value in made.values()) >= 20
    assert len(set(made.values())) == len(made)
    assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600

    subprocess.run([tmp_path / "docker/make-env"], check=True, capture_output=True)
    assert dict(line.split("=", 1) for line in (tmp_path / ".env").read_text().splitlines()) == made


def test_containers_are_told_what_the_embedded_platform_is_told(tmp_path: Path) -> None:
    machine = Machine(home=tmp_path, jobs_python=tmp_path)
    embedded = airflow_environment(machine, Databases(airflow="", evol=""), 8080)
    told = SERVICES["scheduler"]["environment"]

    assert {name for name in told if name.startswith("AIRFLOW")} == {
        name for name in embedded if name.startswith("AIRFLOW")
    }
    for name in (
        "AIRFLOW__CORE__EXECUTOR",
        "AIRFLOW__CORE__LOAD_EXAMPLES",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS",
        "AIRFLOW__DAG_PROCESSOR__BUNDLE_REFRESH_CHECK_INTERVAL",
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL",
        "AIRFLOW__EXECUTION_API__JWT_EXPIRATION_TIME",
        "AIRFLOW__OPENLINEAGE__DISABLED",
        "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED",
    ):
        assert told[name] == embedded[name]


def test_no_setting_is_told_twice() -> None:
    """PyYAML takes the last one, Docker Compose takes none of the file."""
    keys = [line.split(":")[0] for line in COMPOSE.splitlines() if line.startswith("    AIRFLOW")]

    assert keys
    assert len(keys) == len(set(keys))


def test_the_roles_are_those_of_the_embedded_database() -> None:
    script = (ROOT / "docker/postgres-roles.sh").read_text()

    assert set(re.findall(r"CREATE ROLE (\w+) LOGIN", script)) == set(ROLES)
    assert set(re.findall(r"CREATE DATABASE (\w+) OWNER", script)) == set(ROLES.values())
