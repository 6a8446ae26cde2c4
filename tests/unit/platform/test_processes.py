"""A process is known by its number and its start, and its family by the home in its environment."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from evol_core.platform.processes import MARK, Process, alive, end, environment_of, find, marked, start, wait_until

DEAF = "trap '' TERM; echo deaf; while :; do sleep 0.05; done"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    end(marked(tmp_path), (signal.SIGKILL, 5))


def begin(home: Path, *command: str) -> Process:
    return start(command, {"PATH": os.defpath, MARK: str(home)}, home / "log")


def test_a_number_with_another_start_is_another_process() -> None:
    ourselves = find(os.getpid())

    assert ourselves is not None
    assert alive(ourselves)
    assert not alive(Process(pid=os.getpid(), born=ourselves.born - 1))


def test_the_start_of_a_process_is_known_in_seconds(home: Path) -> None:
    assert abs(begin(home, "sleep", "60").since - time.time()) < 5


def test_a_dead_child_is_collected_when_looked_for() -> None:
    with subprocess.Popen(["true"]) as child:
        stat = Path(f"/proc/{child.pid}/stat")
        assert wait_until(lambda: _state(stat) == "Z", 5, every_s=0.01)
        assert find(child.pid) is None
        assert not stat.exists()


def test_a_dead_process_that_its_parent_does_not_collect_is_not_alive(home: Path) -> None:
    begin(home, "sh", "-c", "sh -c 'exit 0' & echo $!; exec sleep 60")
    assert wait_until(lambda: (home / "log").read_text().endswith("\n"), 5, every_s=0.01)
    pid = int((home / "log").read_text())
    assert wait_until(lambda: _state(Path(f"/proc/{pid}/stat")) == "Z", 5, every_s=0.01)

    assert find(pid) is None


def _state(stat: Path) -> str:
    return stat.read_text().rpartition(")")[2].split()[0]


def test_a_started_process_has_its_own_session_and_adds_to_its_log(home: Path) -> None:
    (home / "log").write_text("before\n")
    process = begin(home, "sh", "-c", "echo after; exec sleep 60")

    assert os.getsid(process.pid) == process.pid
    assert wait_until(lambda: (home / "log").read_text() == "before\nafter\n", 5, every_s=0.01)


def test_a_home_finds_what_orphans_its_processes_left(home: Path) -> None:
    parent = begin(home, "sh", "-c", "sleep 60 & wait")
    assert wait_until(lambda: len(marked(home)) == 2, 5, every_s=0.01)

    end([parent], (signal.SIGKILL, 5))

    (orphan,) = marked(home)
    assert orphan.pid != parent.pid
    assert environment_of(orphan.pid)[MARK] == str(home)


def test_another_home_is_left_alone(home: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    begin(home, "sleep", "60")

    assert marked(tmp_path_factory.mktemp("other")) == []
    assert marked(home.parent) == []


def test_who_does_not_listen_is_killed_after_its_grace(home: Path) -> None:
    deaf = begin(home, "sh", "-c", DEAF)
    assert wait_until(lambda: "deaf" in (home / "log").read_text(), 5, every_s=0.01)

    end([deaf], (signal.SIGTERM, 0.2))
    assert alive(deaf)
    end([deaf], (signal.SIGTERM, 0.2), (signal.SIGKILL, 5))
    assert not alive(deaf)


def test_ending_the_dead_hurts_nobody(home: Path) -> None:
    end([Process(pid=os.getpid(), born=0)], (signal.SIGKILL, 0.1))
