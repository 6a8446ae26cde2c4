"""Start a job, attach to one that runs already, stop one with all of its processes."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from evol_core.config import PROJECT_ROOT, Settings
from evol_core.errors import ConfigError, JobFailed
from evol_core.job.folder import JobFolder
from evol_core.job.process import end, signal_to
from evol_core.job.spec import JobSpec, folder_path
from evol_core.job.surroundings import job_environment

GRACE_S = 15.0
"""Between TERM and KILL; longer than the supervisor's own, so that it can still write its result."""

WORKER = "evol_core.job.work"
"""The module that a job's worker runs; tests give another."""

START_S = 120.0
"""A supervisor that has not said who it is by then has failed to start."""


def job_folder(spec: JobSpec, settings: Settings) -> JobFolder:
    return JobFolder(folder_path(spec, settings))


def all_jobs(settings: Settings) -> list[JobFolder]:
    """Every job that this home knows, in the order of their folders."""
    return [JobFolder(path.parent) for path in sorted(settings.jobs.glob("*/*/spec.json"))]


def interpreter(spec: JobSpec, settings: Settings) -> Path:
    """What runs the job: the jobs environment, or this one's own where the recipe has no models.

    Engines are in the one, what catalogues and mirrors need is in the other.
    """
    return Path(sys.executable) if spec.recipe.get("models") == {} else settings.jobs_python


def live_attempt(spec: JobSpec, settings: Settings) -> int | None:
    """The attempt that does this very work now, if one does. Follow that one instead of registering another."""
    folder = job_folder(spec, settings)
    there = folder.spec()
    if there is None or there.fingerprint != spec.fingerprint or not _at_work(folder):
        return None
    return there.attempt_id


def start_or_attach(spec: JobSpec, settings: Settings, owner: str, *, worker: str = WORKER) -> JobFolder:
    """Have the spec's work done by one process, followed by `owner` from now on.

    A process that does this work already, under this attempt or a newer one, is attached to; any other in the
    folder is ended first. What the same attempt has finished stays finished; a new attempt runs again, and the
    record of generations makes that cheap.

    Raises:
        ConfigError: the jobs interpreter is missing.
        JobFailed: the process did not start, or an old one cannot be ended.
    """
    folder = job_folder(spec, settings)
    with folder.locked():
        answered = _answers(folder, spec)
        if not answered:
            _end(folder, GRACE_S)
            folder.forget()
            folder.write(spec)
        folder.take_lease(owner)
        if not answered:
            _launch(folder, spec, settings, worker)
    return folder


def stop(folder: JobFolder, grace_s: float = GRACE_S, *, owner: str | None = None) -> bool:
    """End a job and every process of it. False where `owner` is given and follows it no more."""
    with folder.locked():
        if owner is not None and folder.owner() != owner:
            return False
        folder.end_lease()
        _end(folder, grace_s)
    return True


def ask_to_stop(folder: JobFolder, owner: str) -> None:
    """As `stop`, for somebody with no time to wait: the supervisor does the rest."""
    process = folder.process()
    if folder.owner() == owner:
        folder.end_lease()
        if process is not None and folder.alive():
            signal_to(process.supervisor.pid, signal.SIGTERM)


def sweep(folder: JobFolder) -> None:
    """After a supervisor's death: end what it could not end itself."""
    with folder.locked():
        if not folder.alive():
            _end(folder, grace_s=0.0)


def _at_work(folder: JobFolder) -> bool:
    """Whether the job runs and nobody has told it to stop."""
    return folder.alive() and folder.lease_renewed() != 0 and folder.result() is None


def _answers(folder: JobFolder, spec: JobSpec) -> bool:
    """Whether what is in the folder gives the spec's result."""
    there = folder.spec()
    if there is None or there.fingerprint != spec.fingerprint:
        return False
    result = folder.result()
    if result is not None:
        return result.state == "done" and there.attempt_id == spec.attempt_id
    return there.attempt_id >= spec.attempt_id and _at_work(folder)


def _end(folder: JobFolder, grace_s: float) -> None:
    """TERM to the supervisor, which ends the others in order; KILL to whoever is left after the grace."""
    process = folder.process()
    if process is not None and folder.alive():
        signal_to(process.supervisor.pid, signal.SIGTERM)
        deadline = time.monotonic() + grace_s
        while folder.alive() and time.monotonic() < deadline:
            time.sleep(0.02)
        grace_s = 0.0
    end(folder.members, grace_s=grace_s)


def _launch(folder: JobFolder, spec: JobSpec, settings: Settings, worker: str) -> None:
    """Start the supervisor, and return when it has said who it is."""
    python = interpreter(spec, settings)
    if not os.access(python, os.X_OK):
        raise ConfigError(
            f"the jobs interpreter {python} does not exist or is no program; "
            "run `make setup`, or set EVOL_JOBS_PYTHON to the python of an environment with vllm and torch"
        )
    with folder.log.open("ab") as log:
        process = subprocess.Popen(
            [str(python), "-m", "evol_core.job", str(folder.spec_path), worker],
            cwd=PROJECT_ROOT,
            env=job_environment(os.environ, settings, folder.path),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    threading.Thread(target=process.wait, daemon=True).start()  # so that no zombie stays while we live
    deadline = time.monotonic() + START_S
    while folder.process() is None:
        if process.returncode is not None or time.monotonic() > deadline:
            raise JobFailed(f"the job's process did not start; the end of {folder.log}:\n{folder.log_tail()}")
        time.sleep(0.01)
