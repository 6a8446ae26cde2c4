"""Follow a job from the command line: a progress bar where there is a terminal, plain lines elsewhere."""

import os
import sys
import time
from collections.abc import Callable
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from evol_core.cli.output import say
from evol_core.errors import JobFailed
from evol_core.job.folder import JobFolder, JobProgress, JobResult
from evol_core.job.launch import stop, sweep

POLL_S = 0.2

LINE_S = 10.0
"""Seconds between two plain lines of the same stage."""


class JobError(JobFailed):
    """The job's own error, with the exit code that it asks for."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def command_owner() -> str:
    """This command, as the follower of a job."""
    return f"command {os.getpid()} {time.time_ns()}"


def follow(folder: JobFolder, owner: str) -> dict[str, Any]:
    """Wait for a job and give back its output; an interrupt ends the job.

    Raises:
        JobFailed: the job failed, with its own message, or somebody else took it over.
    """
    try:
        with display() as show:
            result = _wait(folder, owner, show)
    except KeyboardInterrupt:
        say("stopping the job ...")
        stop(folder, owner=owner)
        raise
    if result.error is not None:
        raise JobError(f"{result.error.message}\n(log: {folder.log})", result.error.exit_code)
    return result.output


def _wait(folder: JobFolder, owner: str, show: Callable[[JobProgress], None]) -> JobResult:
    while True:
        progress = folder.progress()
        if progress is not None and progress.stage:
            show(progress)
        alive = folder.alive()
        result = folder.result()
        if result is not None:
            return result
        if not alive:
            sweep(folder)
            raise JobFailed(f"the job's process is gone without a result; the same command goes on. Log: {folder.log}")
        if not folder.renew_lease(owner):
            raise JobFailed(f"another command follows this job now; `evol status` shows it. Log: {folder.log}")
        time.sleep(POLL_S)


class display:
    """A context that takes progress: bars on a terminal, lines elsewhere."""

    def __enter__(self) -> Callable[[JobProgress], None]:
        self._bars: dict[str, Any] = {}
        self._told: dict[str, tuple[float, int]] = {}
        if not sys.stderr.isatty():
            self._progress = None
            return self._line
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description:8}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[pace]}"),
            console=Console(stderr=True),
        )
        self._progress.start()
        return self._bar

    def __exit__(self, *error: object) -> None:
        if self._progress is not None:
            self._progress.stop()

    def _bar(self, progress: JobProgress) -> None:
        assert self._progress is not None
        if progress.stage not in self._bars:
            self._bars[progress.stage] = self._progress.add_task(progress.stage, total=progress.total, pace="")
        self._progress.update(
            self._bars[progress.stage], completed=progress.done, total=progress.total, pace=progress.pace
        )

    def _line(self, progress: JobProgress) -> None:
        last, done = self._told.get(progress.stage, (0.0, -1))
        ended = progress.done == progress.total
        if progress.done != done and (ended or time.monotonic() - last >= LINE_S):
            self._told[progress.stage] = (time.monotonic(), progress.done)
            say(progress.line)
