"""A job's lease, while somebody moves the clock."""

import os
import time
from pathlib import Path

import pytest

from evol_core.job.folder import JobFolder
from evol_core.job.supervisor import _Supervisor

HOUR = 3600.0


class MovedClock:
    """A monotonic clock that the test moves on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> MovedClock:
    return MovedClock(monkeypatch)


@pytest.fixture
def folder(tmp_path: Path) -> JobFolder:
    folder = JobFolder(tmp_path)
    folder.take_lease("task")
    return folder


@pytest.mark.parametrize("moved", [HOUR, -HOUR])
def test_a_clock_moved_by_an_hour_ends_no_job_that_is_followed(
    folder: JobFolder, clock: MovedClock, monkeypatch: pytest.MonkeyPatch, moved: float
) -> None:
    supervisor = _Supervisor(folder, 1, 60.0, "worker")
    supervisor._check_lease()
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + moved)
    clock.now += 59.0

    supervisor._check_lease()

    assert supervisor._stopping == ""


@pytest.mark.parametrize("moved", [0.0, HOUR, -HOUR])
def test_a_lease_renewed_under_another_clock_counts_from_when_it_was_seen(
    folder: JobFolder, clock: MovedClock, moved: float
) -> None:
    supervisor = _Supervisor(folder, 1, 60.0, "worker")
    supervisor._check_lease()
    clock.now += 59.0
    os.utime(folder.path / "lease", (time.time() + moved + 1,) * 2)
    supervisor._check_lease()
    clock.now += 59.0
    supervisor._check_lease()
    assert supervisor._stopping == ""

    clock.now += 2.0
    supervisor._check_lease()

    assert "nobody has followed it for 61 s; its lease is 60 s" in supervisor._stopping


def test_an_ended_lease_ends_the_job_at_once(folder: JobFolder, clock: MovedClock) -> None:
    supervisor = _Supervisor(folder, 1, 60.0, "worker")
    folder.end_lease()

    supervisor._check_lease()

    assert "nobody has followed it" in supervisor._stopping
