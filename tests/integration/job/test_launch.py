"""Real processes: a job's supervisor and its worker, which runs `stand_in` instead of the pipeline."""

import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest

from evol_core.config import Settings
from evol_core.errors import ConfigError
from evol_core.job import launch
from evol_core.job.folder import JobFolder, JobProgress, JobResult
from evol_core.job.launch import ask_to_stop, job_folder, live_attempt, stop, sweep
from evol_core.job.process import process_id
from evol_core.job.spec import JobSpec
from tests.integration.job.conftest import SpecMaker


def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, f"waited 30 s for {what}"
        time.sleep(0.01)


def start(spec: JobSpec, settings: Settings, owner: str = "me") -> JobFolder:
    return launch.start_or_attach(spec, settings, owner, worker="tests.integration.job.stand_in")


def result_of(folder: JobFolder) -> JobResult:
    until(lambda: folder.result() is not None, "the result")
    until(lambda: not folder.alive(), "the supervisor's end")
    result = folder.result()
    assert result is not None
    return result


def progress_of(folder: JobFolder) -> JobProgress:
    return folder.progress() or JobProgress(heartbeat=0.0)


def failure_of(folder: JobFolder) -> tuple[str, bool, int]:
    error = result_of(folder).error
    assert error is not None
    return error.message, error.retryable, error.exit_code


def supervisor_of(folder: JobFolder) -> int:
    process = folder.process()
    assert process is not None
    return process.supervisor.pid


def worker_of(folder: JobFolder) -> int:
    until(lambda: (process := folder.process()) is not None and process.session is not None, "the worker")
    process = folder.process()
    assert process is not None
    assert process.session is not None
    return process.session


def pids_in(path: Path, number: int) -> list[int]:
    until(lambda: path.exists() and len(path.read_text().split()) == number, f"{number} numbers in {path}")
    return [int(word) for word in path.read_text().split()]


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """A file that a waiting stand-in goes on for."""
    return tmp_path / "gate"


def test_a_job_ends_with_its_output(settings: Settings, make_spec: SpecMaker) -> None:
    folder = start(make_spec(attempt_id=4), settings)

    result = result_of(folder)

    assert (result.state, result.attempt_id, result.error) == ("done", 4, None)
    assert result.output == {"rows": 8, "attempt": 4, "secret_seen": None}


def test_progress_and_a_heartbeat_lie_in_the_folder(settings: Settings, make_spec: SpecMaker, gate: Path) -> None:
    folder = start(make_spec(wait_for=str(gate)), settings)

    until(lambda: (p := folder.progress()) is not None and p.done == 3, "the worker's progress")
    first = folder.progress()
    until(
        lambda: (p := folder.progress()) is not None and first is not None and p.heartbeat > first.heartbeat, "a beat"
    )
    gate.touch()

    assert result_of(folder).state == "done"


def test_what_the_stage_says_is_the_jobs_error(settings: Settings, make_spec: SpecMaker) -> None:
    recipe = start(make_spec(end="recipe error", run_key="a"), settings)
    engine = start(make_spec(end="engine error", run_key="b"), settings)

    assert failure_of(recipe) == ("evolve.rounds: must be at least 0; got -1", False, 2)
    assert failure_of(engine) == ("the engine went away", True, 1)


def test_a_bug_is_named_and_its_traceback_is_in_the_log(settings: Settings, make_spec: SpecMaker) -> None:
    folder = start(make_spec(end="bug"), settings)

    message, retryable, _ = failure_of(folder)

    assert "stage 'evolve' failed with ZeroDivisionError" in message
    assert retryable
    assert "Traceback" in folder.log.read_text()


def test_a_killed_worker_leaves_a_result_with_the_signal_and_the_end_of_the_log(
    settings: Settings, make_spec: SpecMaker
) -> None:
    message, retryable, _ = failure_of(start(make_spec(end="kill"), settings))

    assert "failed at 3 of 8 rows: its worker was ended by SIGKILL, often for want of memory" in message
    assert "what the worker said last" in message
    assert retryable


def test_a_worker_that_leaves_without_a_word_has_failed(settings: Settings, make_spec: SpecMaker) -> None:
    message, _, _ = failure_of(start(make_spec(end="exit"), settings))

    assert "its worker ended with exit code 7 and no result" in message


def test_a_second_start_attaches_to_the_living_job(settings: Settings, make_spec: SpecMaker, gate: Path) -> None:
    spec = make_spec(wait_for=str(gate))
    first = start(spec, settings, owner="first")
    pid = supervisor_of(first)

    second = start(spec, settings, owner="second")

    assert supervisor_of(second) == pid
    assert second.owner() == "second"
    gate.touch()
    assert result_of(second).state == "done"


def test_of_many_starts_at_once_one_process_comes(settings: Settings, make_spec: SpecMaker, gate: Path) -> None:
    spec = make_spec(wait_for=str(gate))
    starters = [Thread(target=start, args=(spec, settings)) for _ in range(4)]
    for starter in starters:
        starter.start()
    for starter in starters:
        starter.join()
    gate.touch()

    folder = job_folder(spec, settings)
    assert result_of(folder).state == "done"
    assert folder.log.read_text().count("begins in process") == 1


def test_a_newer_attempt_replaces_a_living_older_one(settings: Settings, make_spec: SpecMaker, gate: Path) -> None:
    spec = make_spec(attempt_id=1, wait_for=str(gate))
    pid = supervisor_of(start(spec, settings))
    gate.touch()

    result = result_of(start(replace(spec, attempt_id=2), settings))

    assert result.output["attempt"] == 2
    assert process_id(pid) is None


def test_the_attempt_at_work_is_told_so_that_it_can_be_followed(
    settings: Settings, make_spec: SpecMaker, gate: Path
) -> None:
    spec = make_spec(attempt_id=5, wait_for=str(gate))
    later = replace(spec, attempt_id=0)
    assert live_attempt(later, settings) is None
    folder = start(spec, settings)

    assert live_attempt(later, settings) == 5
    assert live_attempt(replace(later, recipe={"other": 1}), settings) is None
    gate.touch()
    result_of(folder)
    assert live_attempt(later, settings) is None


def test_the_same_attempt_keeps_its_result_and_a_new_one_runs_again(
    settings: Settings, make_spec: SpecMaker, tmp_path: Path
) -> None:
    spec = make_spec(attempt_id=1, count_in=str(tmp_path / "count"))
    first = result_of(start(spec, settings))

    assert result_of(start(spec, settings)) == first
    assert result_of(start(replace(spec, attempt_id=2), settings)).attempt_id == 2
    assert len((tmp_path / "count").read_text().split()) == 2


def test_a_failed_result_is_never_kept(settings: Settings, make_spec: SpecMaker, tmp_path: Path) -> None:
    spec = make_spec(end="engine error", count_in=str(tmp_path / "count"))
    result_of(start(spec, settings))
    result_of(start(spec, settings))

    assert len((tmp_path / "count").read_text().split()) == 2


def test_other_work_in_the_same_folder_ends_the_old(settings: Settings, make_spec: SpecMaker, gate: Path) -> None:
    pid = supervisor_of(start(make_spec(wait_for=str(gate)), settings))

    result = result_of(start(make_spec(other="work"), settings))

    assert result.state == "done"
    assert process_id(pid) is None


def test_stopping_ends_every_process_wherever_it_hides(
    settings: Settings, make_spec: SpecMaker, gate: Path, tmp_path: Path
) -> None:
    children = tmp_path / "children"
    hiding = ["session", "bare", "deaf", "orphan"]
    folder = start(make_spec(wait_for=str(gate), children=hiding, children_in=str(children)), settings)
    pids = [*pids_in(children, len(hiding)), supervisor_of(folder), worker_of(folder)]

    assert stop(folder)

    assert [pid for pid in pids if process_id(pid)] == []
    assert "it was stopped by SIGTERM" in failure_of(folder)[0]


def test_a_dead_workers_children_are_ended_before_the_result_is_written(
    settings: Settings, make_spec: SpecMaker, tmp_path: Path
) -> None:
    children = tmp_path / "children"
    spec = make_spec(end="kill", children=["session", "bare", "orphan"], children_in=str(children))
    folder = start(spec, settings)
    until(lambda: folder.result() is not None, "the result")

    assert [pid for pid in pids_in(children, 3) if process_id(pid)] == []


def test_a_killed_supervisor_takes_its_worker_along_and_the_rest_is_swept(
    settings: Settings, make_spec: SpecMaker, gate: Path, tmp_path: Path
) -> None:
    children = tmp_path / "children"
    spec = make_spec(wait_for=str(gate), children=["session", "bare"], children_in=str(children))
    folder = start(spec, settings)
    pids, worker = pids_in(children, 2), worker_of(folder)

    os.kill(supervisor_of(folder), signal.SIGKILL)
    until(lambda: not folder.alive() and process_id(worker) is None, "the worker's end")
    assert folder.result() is None
    sweep(folder)

    assert [pid for pid in pids if process_id(pid)] == []


def test_a_job_whose_lease_has_run_out_ends_itself(settings: Settings, make_spec: SpecMaker, gate: Path) -> None:
    folder = start(make_spec(wait_for=str(gate), lease_s=0.3), settings)

    message, retryable, _ = failure_of(folder)

    assert "nobody has followed it for" in message
    assert "its lease is 0.3 s" in message
    assert retryable


def test_whoever_lost_the_lease_can_neither_renew_it_nor_stop_the_job(
    settings: Settings, make_spec: SpecMaker, gate: Path
) -> None:
    spec = make_spec(wait_for=str(gate))
    folder = start(spec, settings, owner="first")
    start(spec, settings, owner="second")

    assert not folder.renew_lease("first")
    assert not stop(folder, owner="first")
    ask_to_stop(folder, "first")
    assert folder.renew_lease("second")
    gate.touch()
    assert result_of(folder).state == "done"


def test_a_job_asked_to_stop_is_not_attached_to(settings: Settings, make_spec: SpecMaker, gate: Path) -> None:
    spec = make_spec(wait_for=str(gate))
    folder = start(spec, settings)
    pid = supervisor_of(folder)
    ask_to_stop(folder, "me")

    start(spec, settings)

    assert supervisor_of(folder) != pid
    gate.touch()
    assert result_of(folder).state == "done"


def test_a_missing_interpreter_says_how_to_get_one(settings: Settings, make_spec: SpecMaker) -> None:
    with pytest.raises(ConfigError, match=r"jobs interpreter /no/python does not exist .* run `make setup`"):
        start(make_spec(), replace(settings, jobs_python=Path("/no/python")))
