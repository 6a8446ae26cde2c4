from collections.abc import Iterator
from pathlib import Path

import pytest

from evol_core.config import PROJECT_ROOT
from evol_core.platform.embedded import up
from evol_core.platform.settings import Machine
from tests.integration.platform_homes import remove_home


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """The whole platform in a home of its own, with our DAGs and the real small model."""
    home = tmp_path_factory.mktemp("live") / "home"
    machine = Machine(home=home, jobs_python=PROJECT_ROOT / ".venv-jobs/bin/python")
    up(machine)
    yield machine
    remove_home(home)


@pytest.fixture(scope="session")
def home(machine: Machine) -> Path:
    return machine.home
