"""What runs is asked of the kernel: services, what they left behind, and the jobs that are not theirs."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from evol_core.job.surroundings import MARKER as JOB
from evol_core.platform.airflow_environment import FINGERPRINT
from evol_core.platform.processes import MARK, Process, alive, end, marked, start, wait_until
from evol_core.platform.services import (
    SERVICE,
    end_all,
    end_service,
    everything,
    is_current,
    remember,
    running,
    sessions_of,
)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    end(marked(tmp_path), (signal.SIGKILL, 5))


def begin(home: Path, name: str, script: str = "exec sleep 60", **more: str) -> Process:
    environment = {"PATH": os.defpath, MARK: str(home), SERVICE: name, **more}
    before = len(marked(home))
    process = start(["sh", "-c", script], environment, home / "log")
    assert wait_until(lambda: len(marked(home)) > before, 5, every_s=0.01)
    return process


def test_a_service_is_found_by_what_it_was_started_with(home: Path) -> None:
    scheduler = begin(home, "scheduler")

    assert running(home) == {"scheduler": scheduler}


def test_a_dead_service_is_not_taken_for_the_workers_it_left(home: Path) -> None:
    scheduler = begin(home, "scheduler", "sleep 60 & wait")
    assert wait_until(lambda: len(marked(home)) == 2, 5, every_s=0.01)

    end([scheduler], (signal.SIGKILL, 5))

    assert len(marked(home)) == 1
    assert running(home) == {}


def test_a_job_that_a_service_started_is_no_service(home: Path) -> None:
    begin(home, "triggerer", **{JOB: "/some/folder"})

    assert running(home) == {}


def test_ending_a_service_ends_its_workers_and_spares_its_jobs(home: Path) -> None:
    begin(home, "scheduler", "sleep 60 & wait")
    job = begin(home, "scheduler", **{JOB: "/some/folder"})
    triggerer = begin(home, "triggerer")
    assert wait_until(lambda: len(marked(home)) == 4, 5, every_s=0.01)

    end_service(home, "scheduler")

    assert sorted(process.pid for process in marked(home)) == sorted([job.pid, triggerer.pid])


HIDING = "env -i sleep 60 & echo $! && wait"
"""Leaves a process in its session that does not show its home, as a worker that ran a task does to all but root."""


def begin_hiding(home: Path) -> tuple[Process, Process]:
    """A scheduler, and its worker."""
    (home / "logs").mkdir()
    scheduler = begin(home, "scheduler", HIDING)
    remember(home, "scheduler", scheduler)
    assert wait_until(lambda: len(everything(home)) == 2, 5, every_s=0.01)
    assert wait_until(lambda: len(marked(home)) == 1, 5, every_s=0.01)
    (worker,) = {*everything(home)} - {scheduler}
    return scheduler, worker


def test_a_worker_that_hides_its_environment_is_ended_with_its_service(home: Path) -> None:
    _, worker = begin_hiding(home)

    end_service(home, "scheduler")

    assert not alive(worker)


def test_a_hiding_worker_of_a_killed_service_is_ended_with_all(home: Path) -> None:
    scheduler, worker = begin_hiding(home)
    end([scheduler], (signal.SIGKILL, 5))
    assert marked(home) == []
    assert everything(home) == [worker]

    end_all(home)

    assert not alive(worker)
    assert not sessions_of(home, "scheduler").exists()


def test_a_session_of_another_boot_or_of_a_number_given_again_is_nobodys(home: Path) -> None:
    (home / "logs").mkdir()
    stranger = begin(home.parent / "other", "scheduler")
    remember(home, "scheduler", Process(pid=stranger.pid, born=stranger.born - 1))
    with sessions_of(home, "scheduler").open("a") as file:
        file.write(f"another-boot {stranger.pid} {stranger.born}\nhalf a li")

    assert everything(home) == []
    end([stranger], (signal.SIGKILL, 5))


def test_ending_all_ends_jobs_too(home: Path) -> None:
    processes = [begin(home, "scheduler"), begin(home, "scheduler", **{JOB: "/some/folder"})]

    end_all(home)

    assert not any(alive(process) for process in processes)


def test_a_service_with_other_settings_is_out_of_date(home: Path) -> None:
    scheduler = begin(home, "scheduler", **{FINGERPRINT: "old"})

    assert is_current(scheduler, {FINGERPRINT: "old"})
    assert not is_current(scheduler, {FINGERPRINT: "new"})
