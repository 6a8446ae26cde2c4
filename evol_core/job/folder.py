"""The files of one job: written under a temporary name and renamed, so a reader never sees half of one."""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from evol_core.errors import JobFailed
from evol_core.job.process import ProcessId, is_alive, members, this_machine
from evol_core.job.spec import JobSpec, spec_from

HEARTBEAT_S = 1.0
"""The supervisor writes progress.json so often, whatever its worker does."""

SILENT_S = 60.0
"""A job on another machine that has not written its heartbeat for so long counts as dead."""

LOCK_WAIT_S = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class JobError:
    """Why a job failed, for a person and for whoever decides on a retry."""

    type: str
    message: str
    retryable: bool
    exit_code: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JobResult:
    """What became of a job. Written last, when none of its processes is left but the supervisor."""

    state: Literal["done", "failed"]
    output: dict[str, Any]
    error: JobError | None
    attempt_id: int
    ended: float


@dataclass(frozen=True, slots=True, kw_only=True)
class JobProgress:
    """The supervisor's heartbeat, with how far the worker is."""

    heartbeat: float
    stage: str = ""
    done: int = 0
    total: int = 0
    tokens_per_s: float = 0.0
    replayed: int = 0
    generated: int = 0
    eta_s: float | None = None
    """None where nothing tells it yet."""

    @property
    def line(self) -> str:
        """For a person."""
        if not self.stage:
            return "the job is starting"
        return ", ".join(part for part in (f"{self.stage}: {self.done} of {self.total} rows", self.pace) if part)

    @property
    def pace(self) -> str:
        """Tokens, answers and the time that is left, as far as the stage has them; else empty."""
        said = []
        if self.tokens_per_s:
            said.append(f"{self.tokens_per_s:.0f} tokens/s")
        if self.replayed or self.generated:
            said.append(f"{self.replayed} answers replayed, {self.generated} generated")
        if self.eta_s:
            said.append(f"about {self.eta_s:.0f} s left")
        return ", ".join(said)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobProcess:
    """The supervisor, and the session that its worker leads."""

    supervisor: ProcessId
    session: int | None = None


@dataclass(frozen=True, slots=True)
class JobFolder:
    """One job's files. Any process may read them; each is written by one."""

    path: Path

    @property
    def log(self) -> Path:
        return self.path / "log.txt"

    @property
    def spec_path(self) -> Path:
        return self.path / "spec.json"

    def spec(self) -> JobSpec | None:
        data = self._read("spec.json")
        return None if data is None else spec_from(data)

    def process(self) -> JobProcess | None:
        data = self._read("process.json")
        if data is None:
            return None
        return JobProcess(supervisor=ProcessId(**data["supervisor"]), session=data["session"])

    def progress(self) -> JobProgress | None:
        data = self._read("progress.json")
        return None if data is None else JobProgress(**data)

    def result(self) -> JobResult | None:
        data = self._read("result.json")
        if data is None:
            return None
        error = JobError(**data["error"]) if data["error"] else None
        return JobResult(**{**data, "error": error})

    def write(self, record: JobSpec | JobProcess | JobProgress | JobResult) -> None:
        name = {JobSpec: "spec", JobProcess: "process", JobProgress: "progress", JobResult: "result"}[type(record)]
        self.write_text(f"{name}.json", json.dumps(asdict(record), ensure_ascii=False, indent=1))

    def write_text(self, name: str, text: str) -> None:
        temporary = self.path / f".{name}.{os.getpid()}"
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(self.path / name)

    def forget(self) -> None:
        """Remove what an earlier attempt left, but its log."""
        for name in ("result.json", "progress.json", "process.json"):
            (self.path / name).unlink(missing_ok=True)

    def take_lease(self, owner: str) -> None:
        """From now on `owner` follows this job; whoever did before loses it."""
        self.write_text("lease", owner)

    def renew_lease(self, owner: str) -> bool:
        """Say that `owner` still follows. False where the lease is another's, or is over."""
        if self.owner() != owner or not self.lease_renewed():
            return False
        os.utime(self.path / "lease")
        return True

    def end_lease(self) -> None:
        """Nobody follows any more: the supervisor, wherever it runs, ends its job within seconds."""
        with suppress(FileNotFoundError):
            os.utime(self.path / "lease", (0, 0))

    def owner(self) -> str:
        try:
            return (self.path / "lease").read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""

    def lease_renewed(self) -> float:
        """When somebody last followed, by the clock of who did; 0 where the lease was ended, or never was."""
        try:
            return (self.path / "lease").stat().st_mtime
        except FileNotFoundError:
            return 0.0

    def alive(self) -> bool:
        """Whether the job's supervisor runs, here or, by its heartbeat, on another machine."""
        process = self.process()
        if process is None:
            return False
        if process.supervisor.machine == this_machine():
            return is_alive(process.supervisor)
        progress = self.progress()
        return self.result() is None and progress is not None and time.time() - progress.heartbeat < SILENT_S

    def members(self) -> set[int]:
        """All living processes of the job on this machine, strays of earlier attempts among them."""
        process = self.process()
        if process is None or process.supervisor.machine != this_machine():
            return members(self.path, None, None)
        return members(self.path, process.supervisor, process.session)

    def log_tail(self, lines: int = 20) -> str:
        """The last lines of the log."""
        try:
            with self.log.open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - 400 * lines))
                text = file.read().decode("utf-8", "replace")
        except FileNotFoundError:
            return ""
        return "\n".join(text.splitlines()[-lines:])

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Of all processes only one starts or stops this job at a time.

        Raises:
            JobFailed: another has held the lock for two minutes.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / "lock").open("a") as file:
            deadline = time.monotonic() + LOCK_WAIT_S
            while not _try_lock(file.fileno()):
                if time.monotonic() > deadline:
                    raise JobFailed(f"another process has been starting or stopping {self.path} for {LOCK_WAIT_S:g} s")
                time.sleep(0.05)
            yield

    def _read(self, name: str) -> dict[str, Any] | None:
        try:
            data: dict[str, Any] = json.loads((self.path / name).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        return data


def _try_lock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
