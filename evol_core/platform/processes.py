"""Processes that outlive the one that starts them: started, recognised later, and ended with all they left behind.

A number alone says little, since the kernel gives it to somebody else later; a number with its start time does not
lie. Every process carries its home in the variable EVOL_PLATFORM, and its children inherit it: so what a killed
parent has left behind is found in /proc. One that lets nobody but root read its variables is found by its session.
"""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

MARK = "EVOL_PLATFORM"


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One process, for as long as it lives."""

    pid: int
    born: int
    """Clock ticks from boot to its start."""

    @property
    def since(self) -> float:
        """Seconds since the epoch."""
        return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME) + self.born / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Whom a process runs as; by default whoever we are."""

    uid: int | None = None
    gid: int | None = None

    @property
    def groups(self) -> tuple[int, ...] | None:
        """No further groups for another user; ours as they are."""
        return None if self.uid is None else ()


OURSELVES = User()


def find(pid: int) -> Process | None:
    """The living process with that number; None where there is none, or only what its parent has not collected."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rpartition(")")[2].split()
    return Process(pid=pid, born=int(fields[19])) if fields[0] not in "ZX" else None


def alive(process: Process) -> bool:
    return find(process.pid) == process


def environment_of(pid: int) -> dict[str, str]:
    """The variables that a process was started with; {} where they are not ours to read."""
    try:
        raw = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return {}
    pairs = (entry.partition("=") for entry in raw.decode(errors="replace").split("\0") if "=" in entry)
    return {name: value for name, _, value in pairs}


def marked(home: Path) -> list[Process]:
    """Every living process of the platform at that home, but this one."""
    ours = (pid for pid in _numbers() if pid != os.getpid() and environment_of(pid).get(MARK) == str(home))
    return [process for pid in ours if (process := find(pid)) is not None]


def in_session(leader: Process) -> list[Process]:
    """Living processes of the session that a process began, whether that one still lives or not."""
    if find(leader.pid) not in (None, leader):
        return []
    members = (process for pid in _numbers() if _session(pid) == leader.pid and (process := find(pid)))
    return [process for process in members if process.born >= leader.born]


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return None


def _numbers() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def start(command: Sequence[str], environment: Mapping[str, str], log: Path, user: User = OURSELVES) -> Process:
    """Start a process in a session of its own, with nothing to read and its output at the end of `log`."""
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with log.open("ab") as output:
        child = subprocess.Popen(
            command,
            env=environment,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            user=user.uid,
            group=user.gid,
            extra_groups=user.groups,
        )
    child.returncode = 0  # its end is not ours to wait for, so Popen must not warn that it still runs
    return find(child.pid) or Process(pid=child.pid, born=0)


def wait_until(condition: Callable[[], bool], timeout_s: float, every_s: float = 0.1) -> bool:
    """Whether the condition came true in time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(every_s)
    return True


def end(processes: Iterable[Process], *signals: tuple[signal.Signals, float]) -> None:
    """Ask in turn with each signal, and give its seconds to obey, until none is alive."""
    remaining = list(processes)
    for number, grace_s in signals:
        for process in remaining:
            if alive(process):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process.pid, number)
        if wait_until(lambda: not any(alive(process) for process in remaining), grace_s):
            return
