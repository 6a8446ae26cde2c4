"""Run a command on plain files in the jobs interpreter, and wait for it: no database, no lease, no attempt."""

import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from evol_core.config import PROJECT_ROOT, Settings
from evol_core.errors import ConfigError, JobFailed
from evol_core.job.messages import Mailbox
from evol_core.job.surroundings import job_environment

WORKER = "evol_core.job.file_work"

POLL_S = 0.2
GRACE_S = 15.0
LOG_TAIL = 2000
"""Characters of the worker's log that a failure shows."""


class FileWorkFailed(JobFailed):
    """The worker's own error, with the exit code that it asks for."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def run_file_work(
    command: str, order: Mapping[str, Any], settings: Settings, show: Callable[[dict[str, Any]], None]
) -> dict[str, Any]:
    """The worker's output. `show` takes the fields of a Progress. Whatever interrupts us ends the worker.

    Raises:
        ConfigError: the jobs interpreter is missing.
        FileWorkFailed: the command's own error.
        JobFailed: the worker died without a word.
    """
    if not os.access(settings.jobs_python, os.X_OK):
        raise ConfigError(
            f"the jobs interpreter {settings.jobs_python} does not exist or is no program; "
            "run `make setup`, or set EVOL_JOBS_PYTHON to the python of an environment with vllm and torch"
        )
    with tempfile.TemporaryFile() as log, Mailbox() as mailbox:
        process = _start({"command": command, **order}, settings, log, mailbox)
        try:
            said = _listen(process, mailbox, show)
        finally:
            _end(process)
        if "error" in said:
            raise FileWorkFailed(said["error"]["message"], said["error"]["exit_code"])
        if "output" not in said:
            raise JobFailed(f"`evol {command}` ended without a result; the end of its log:\n{_tail(log)}")
    output: dict[str, Any] = said["output"]
    return output


def _start(order: Mapping[str, Any], settings: Settings, log: Any, mailbox: Mailbox) -> "subprocess.Popen[bytes]":
    process = subprocess.Popen(
        [str(settings.jobs_python), "-m", WORKER, str(mailbox.writer)],
        cwd=PROJECT_ROOT,
        env=job_environment(os.environ, settings, Path(settings.home)),
        stdin=subprocess.PIPE,
        stdout=log,
        stderr=subprocess.STDOUT,
        pass_fds=[mailbox.writer],
    )
    mailbox.close_writer()
    assert process.stdin is not None
    process.stdin.write(json.dumps(order).encode())
    process.stdin.close()
    return process


def _listen(
    process: "subprocess.Popen[bytes]", mailbox: Mailbox, show: Callable[[dict[str, Any]], None]
) -> dict[str, Any]:
    """The worker's last word; {} where it died before it."""
    said: dict[str, Any] = {}
    while not said:
        ended = process.poll() is not None
        for message in mailbox.wait(0.0 if ended else POLL_S):
            if "progress" in message:
                show(message["progress"])
            else:
                said = message
        if ended:
            break
    return said


def _end(process: "subprocess.Popen[bytes]") -> None:
    try:
        process.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _tail(log: Any) -> str:
    log.seek(0)
    return str(log.read().decode(errors="replace")[-LOG_TAIL:])
