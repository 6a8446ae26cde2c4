"""Processes as /proc shows them: identity that survives reuse of numbers, a job's members, and their end."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

from evol_core.errors import JobFailed
from evol_core.job.surroundings import MARKER

KILLED_WITHIN_S = 10.0
"""What SIGKILL has not ended by then hangs in the kernel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessId:
    """One process, told apart from a later one with the same number."""

    pid: int
    start: int
    """Clock ticks from the machine's start to the process's own."""

    machine: str
    """Boot and process namespace; numbers mean nothing on another one."""


class Member(NamedTuple):
    """A line of /proc/PID/stat."""

    pid: int
    state: str
    parent: int
    session: int
    start: int


@cache
def this_machine() -> str:
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{boot} {os.readlink('/proc/self/ns/pid')}"


def process_id(pid: int) -> ProcessId | None:
    """The identity of a running process; None where there is none."""
    member = _stat(pid)
    return ProcessId(pid=pid, start=member.start, machine=this_machine()) if member else None


def is_alive(process: ProcessId) -> bool:
    """Whether this very process runs here; a zombie does not."""
    member = _stat(process.pid)
    return member is not None and member.start == process.start and process.machine == this_machine()


def members(folder: Path, supervisor: ProcessId | None, session: int | None) -> set[int]:
    """Living processes of a job, but this one: by environment, by descent, by the worker's session.

    Each of the three alone misses some: a process may overwrite its environment, lose its parent, or leave
    its session.
    """
    running = {member.pid: member for member in _all_stats()}
    marker = f"{MARKER}={folder}".encode()
    found = {pid for pid in running if marker in _environment(pid)}
    if supervisor is not None and is_alive(supervisor):
        found.add(supervisor.pid)
    leaderless = {session} - running.keys()  # a number that leads no process now still names the old session
    grown = -1
    while grown != len(found):
        grown = len(found)
        found |= {m.pid for m in running.values() if m.parent in found or m.session in found | leaderless}
    return found - {os.getpid()}


def end(find: Callable[[], set[int]], *, grace_s: float) -> None:
    """End all processes that `find` finds: TERM, and KILL for those still there after the grace.

    Raises:
        JobFailed: one does not end, which only happens inside a hanging system call.
    """
    began = time.monotonic()
    asked: set[tuple[int, int]] = set()
    while pids := find():
        waited = time.monotonic() - began
        if waited > grace_s + KILLED_WITHIN_S:
            raise JobFailed(f"processes {sorted(pids)} do not end on SIGKILL; look at them with `ps -o pid,stat,wchan`")
        number = signal.SIGTERM if waited < grace_s else signal.SIGKILL
        for pid in pids:
            if (pid, number) not in asked:
                asked.add((pid, number))
                signal_to(pid, number)
        time.sleep(0.02)


def signal_to(pid: int, number: int) -> None:
    """Send a signal; a process that is gone already is no error."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def _stat(pid: int) -> Member | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text.rpartition(")")[2].split()
    if fields[0] in "ZX":
        return None
    return Member(pid, fields[0], int(fields[1]), int(fields[3]), int(fields[19]))


def _all_stats() -> Iterator[Member]:
    for name in os.listdir("/proc"):
        if name.isdigit() and (member := _stat(int(name))):
            yield member


def _environment(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []
