"""The process above a job's worker: heartbeat, lease, orderly end, and the result, whatever happens to the worker.

It imports nothing heavy and computes nothing, so it is there when the worker hangs, runs out of memory, or is killed.
"""

import ctypes
import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from evol_core.errors import JobFailed
from evol_core.job.folder import HEARTBEAT_S, JobError, JobFolder, JobProcess, JobResult
from evol_core.job.messages import Mailbox
from evol_core.job.pace import Pace
from evol_core.job.process import end, process_id, signal_to
from evol_core.job.surroundings import MARKER

GRACE_S = 10.0
"""Between TERM and KILL for the worker."""

STRAYS_GRACE_S = 2.0
"""The same for what the worker left behind."""

TICK_S = 0.2

PR_SET_CHILD_SUBREAPER = 36

log = logging.getLogger(__name__)


def supervise(path: Path, worker: str) -> int:
    """Run the job of a folder to its end; `worker` is the module that computes.

    Returns:
        The exit code: 0, or that of the job's error.
    """
    folder = JobFolder(path)
    spec = folder.spec()
    if spec is None:
        print(f"error: {folder.spec_path} does not exist", file=sys.stderr)
        return 2
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    return _Supervisor(folder, spec.attempt_id, spec.lease_s, worker).run()


class _Supervisor:
    def __init__(self, folder: JobFolder, attempt_id: int, lease_s: float, worker: str) -> None:
        self._folder = folder
        self._attempt_id = attempt_id
        self._lease_s = lease_s
        self._worker = worker
        self._pace = Pace()
        self._result: dict[str, Any] | None = None
        self._stopping = ""
        """Why the job is being ended; empty while it goes on."""

        self._kill_at = float("inf")
        self._next_beat = 0.0
        self._renewed = 0.0
        """What the lease said last, and on the next line since when, by a clock that nobody moves."""

        self._renewed_seen = 0.0

    def run(self) -> int:
        me = process_id(os.getpid())
        assert me is not None
        os.environ[MARKER] = str(self._folder.path)
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)  # orphans of the worker become ours, so we find them
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        self._folder.write(JobProcess(supervisor=me))
        log.info("attempt %d begins in process %d", self._attempt_id, me.pid)
        with Mailbox() as mailbox:
            worker = self._start_worker(mailbox)
            try:
                self._folder.write(JobProcess(supervisor=me, session=worker.pid))
                self._watch(worker, mailbox)
            finally:
                strays = self._end_strays()
        return self._finish(worker.returncode, strays)

    def _on_signal(self, number: int, frame: object) -> None:
        self._stopping = self._stopping or f"it was stopped by {signal.Signals(number).name}"

    def _start_worker(self, mailbox: Mailbox) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", self._worker, str(self._folder.path), str(mailbox.writer)]
        worker = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True, pass_fds=(mailbox.writer,))
        mailbox.close_writer()
        return worker

    def _watch(self, worker: subprocess.Popen[bytes], mailbox: Mailbox) -> None:
        """Until the worker has ended; reads all it says, TERM and KILL in time where the job must end."""
        while worker.poll() is None:
            self._take(mailbox.wait(TICK_S))
            self._beat()
            self._check_lease()
            if self._stopping and self._kill_at == float("inf"):
                self._kill_at = time.monotonic() + GRACE_S
                log.warning("the job ends: %s", self._stopping)
                signal_to(worker.pid, signal.SIGTERM)
            if time.monotonic() > self._kill_at:
                signal_to(worker.pid, signal.SIGKILL)
        self._take(mailbox.drain())

    def _take(self, messages: list[dict[str, Any]]) -> None:
        for message in messages:
            if "result" in message:
                self._result = message["result"]
            else:
                self._pace.take(message["progress"], time.time())

    def _beat(self) -> None:
        now = time.monotonic()
        if now < self._next_beat:
            return
        self._next_beat = now + HEARTBEAT_S
        try:
            self._folder.write(self._pace.progress(time.time()))
        except OSError as error:
            log.warning("the heartbeat cannot be written: %s", error)

    def _check_lease(self) -> None:
        """End the job where nobody has renewed its lease for long, whatever is done to the machine's clock."""
        renewed = self._folder.lease_renewed()
        if renewed != self._renewed:
            self._renewed, self._renewed_seen = renewed, time.monotonic()
        age = time.monotonic() - self._renewed_seen if renewed else float("inf")
        if age > self._lease_s and not self._stopping:
            self._stopping = f"nobody has followed it for {age:.0f} s; its lease is {self._lease_s:g} s"

    def _end_strays(self) -> str:
        """Whether, and why, a process of the job is still there."""
        try:
            end(self._folder.members, grace_s=STRAYS_GRACE_S)
        except JobFailed as error:
            return str(error)
        return ""

    def _finish(self, code: int, strays: str) -> int:
        """Write the result: the worker's word, or what its end tells."""
        said = self._result if self._result is not None and not strays else {"output": {}, "error": None}
        error = JobError(**said["error"]) if said["error"] else None
        if said is not self._result:
            error = self._death(code, strays)
        self._beat()
        result = JobResult(
            state="failed" if error else "done",
            output=said["output"],
            error=error,
            attempt_id=self._attempt_id,
            ended=time.time(),
        )
        log.info("attempt %d is %s", self._attempt_id, result.state)
        self._folder.write(result)
        return error.exit_code if error else 0

    def _death(self, code: int, strays: str) -> JobError:
        if self._stopping:
            cause = self._stopping
        elif code < 0:
            name = signal.Signals(-code).name
            cause = f"its worker was ended by {name}" + (", often for want of memory" if name == "SIGKILL" else "")
        else:
            cause = strays or f"its worker ended with exit code {code} and no result"
        at = self._pace.progress(0.0)
        message = f"the job of stage {at.stage or 'unknown'} failed at {at.done} of {at.total} rows: {cause}"
        return JobError(
            type="JobFailed",
            message=f"{message}; the end of {self._folder.log}:\n{self._folder.log_tail()}",
            retryable=True,
            exit_code=JobFailed.exit_code,
        )
