"""The whole platform on a DAG folder of its own: up, killed, repaired, moved to another port, down."""

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evol_core.job.surroundings import MARKER as JOB
from evol_core.platform.airflow_api import AirflowApi, sign_in
from evol_core.platform.embedded import down, log_in, status, up
from evol_core.platform.processes import MARK, alive, end, environment_of, marked, start, wait_until
from evol_core.platform.services import SERVICE, everything, running
from evol_core.platform.settings import Machine
from tests.integration.platform_homes import remove_home

pytestmark = [pytest.mark.live, pytest.mark.slow, pytest.mark.timeout(900)]

DAG = '''
"""One task that tells what it sees, one that does not end by itself."""

import json, os, time
from pathlib import Path
from airflow.sdk import dag, task

@dag(schedule=None, catchup=False, is_paused_upon_creation=False)
def probe():
    @task(pool="gpu")
    def see():
        seen = {name: value for name, value in os.environ.items() if name.startswith("EVOL_")}
        Path(os.environ["EVOL_HOME"], "seen.json").write_text(json.dumps(seen))

    @task
    def wait():
        Path(os.environ["EVOL_HOME"], "waiting").touch()
        time.sleep(600)

    see() >> wait()

probe()
'''


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    folder = tmp_path_factory.mktemp("airflow")
    (folder / "dags").mkdir()
    (folder / "dags/probe.py").write_text(DAG)
    machine = Machine(
        home=folder / "home", jobs_python=folder / "python", dags=folder / "dags", plugins=folder / "plugins"
    )
    up(machine, models=())
    yield machine
    remove_home(machine.home)


@pytest.fixture(scope="module")
def waiting(machine: Machine) -> Path:
    """The file that a running task has made, in a DAG run that was started over the API."""
    file = machine.home / "waiting"
    assert wait_until(lambda: _triggered(sign_in(machine.home)), 60, every_s=1)
    assert wait_until(file.exists, 120, every_s=0.5)
    return file


def _triggered(api: AirflowApi) -> bool:
    return api.call("POST", "/dags/probe/dagRuns", {"logical_date": None})[0] == 200


def states(machine: Machine) -> dict[str, Any]:
    return {part.name: part.state for part in status(machine)}


def test_everything_is_healthy_after_up(machine: Machine) -> None:
    assert set(states(machine).values()) == {"healthy"}
    assert log_in(machine)["url"] == status(machine)[1].url


def test_a_second_up_restarts_nothing(machine: Machine) -> None:
    before = running(machine.home)

    up(machine, models=())

    assert running(machine.home) == before


def test_gpu_tasks_have_a_pool_that_deferred_ones_keep_their_slot_of(machine: Machine) -> None:
    _, pool = sign_in(machine.home).call("GET", "/pools/gpu")

    assert (pool["slots"], pool["include_deferred"]) == (1, True)


def test_services_listen_to_this_machine_only(machine: Machine) -> None:
    pids = {str(process.pid) for process in marked(machine.home)}
    sockets = {
        os.readlink(link)
        for pid in pids
        for link in Path(f"/proc/{pid}/fd").iterdir()
        if os.path.lexists(link) and os.readlink(link).startswith("socket:")
    }

    assert {address for address, inode in _listening() if f"socket:[{inode}]" in sockets} == {"0100007F"}


def _listening() -> list[tuple[str, str]]:
    """Address in hexadecimal and inode of each listening TCP socket."""
    found = []
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A":
                found.append((fields[1].rpartition(":")[0], fields[9]))
    return found


def test_a_task_is_told_where_everything_is(machine: Machine, waiting: Path) -> None:
    seen = (machine.home / "seen.json").read_text()

    assert f'"EVOL_HOME": "{machine.home}"' in seen
    assert f'"EVOL_JOBS_PYTHON": "{machine.jobs_python}"' in seen
    assert '"EVOL_DATABASE_URL": "postgresql+psycopg2://evol:' in seen


def test_a_killed_scheduler_is_replaced_and_its_workers_ended(machine: Machine, waiting: Path) -> None:
    scheduler = running(machine.home)["scheduler"]
    workers = [
        process
        for process in marked(machine.home)
        if environment_of(process.pid).get(SERVICE) == "scheduler" and process != scheduler
    ]
    end([scheduler], (signal.SIGKILL, 10))
    assert [worker for worker in workers if alive(worker)], "a killed scheduler leaves workers; else this tests nothing"
    assert states(machine)["scheduler"] == "stopped"

    up(machine, models=())

    assert set(states(machine).values()) == {"healthy"}
    assert [worker for worker in workers if alive(worker)] == []


def test_everything_killed_at_once_comes_back(machine: Machine) -> None:
    before = running(machine.home)
    end(before.values(), (signal.SIGKILL, 10))

    up(machine, models=())

    assert set(states(machine).values()) == {"healthy"}
    assert set(running(machine.home).values()).isdisjoint(before.values())


def test_down_ends_services_jobs_and_the_database_and_up_moves_off_a_taken_port(machine: Machine) -> None:
    environment = {"PATH": os.defpath, MARK: str(machine.home), JOB: "/some/folder"}
    job = start(["sleep", "600"], environment, machine.home / "logs/job.log")
    url = str(log_in(machine)["url"])

    down(machine)
    down(machine)

    assert not alive(job)
    assert everything(machine.home) == []
    assert set(states(machine).values()) == {"stopped"}
    with socket.create_server(("127.0.0.1", int(url.rpartition(":")[2]))):
        assert up(machine, models=()) != url
        assert set(states(machine).values()) == {"healthy"}
