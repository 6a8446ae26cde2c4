"""The server's eyes on one child: its verdict bytes, its clocks, its end.

Deadlines are CPU time, read from the kernel by process number, so that a busy machine changes no verdict. Two
more clocks catch what burns no CPU: how long a case has slept, and a wide one of wall time.
"""

import os
import resource
import select
import signal
import time
from typing import NamedTuple

from evol_core.sandbox import protocol
from evol_core.sandbox.protocol import Ending, JobHeader

DEATH_GRACE_S = 2.0
"""A child whose verdict pipe closed must be dead within this time, or it closed the pipe itself. One that has given
all its verdicts may take as long to end; then it is ended."""


class Seen(NamedTuple):
    """What came through a child's verdict pipe, and why the watch ended."""

    received: bytes
    ending: Ending


class Clocks:
    """The deadlines of one child, in seconds; `begin_case` starts those of a case anew."""

    def __init__(self, pid: int, header: JobHeader) -> None:
        self._pid = pid
        self._clock_id = ((~pid) << 3) | 2
        self._header = header
        self._began = time.monotonic()
        self._progress_cpu = 0.0
        self.begin_case()

    def begin_case(self) -> None:
        self._case_began = self._progress_at = time.monotonic()
        self._case_cpu = self._progress_cpu = self._cpu()

    def remaining(self) -> float:
        """Seconds before any deadline can pass; zero or less once one has."""
        now, cpu, header = time.monotonic(), self._cpu(), self._header
        if cpu > self._progress_cpu:
            self._progress_cpu, self._progress_at = cpu, now
        idle_s = header.case_idle_ms / 1000
        if now - self._progress_at >= idle_s and not is_waiting(self._pid):
            self._progress_at = now
        return min(
            header.case_cpu_ms / 1000 - (cpu - self._case_cpu),
            idle_s - (now - self._progress_at),
            header.case_wall_ms / 1000 - (now - self._case_began),
            header.job_cpu_ms / 1000 - cpu,
            header.job_wall_ms / 1000 - (now - self._began),
        )

    def _cpu(self) -> float:
        try:
            return time.clock_gettime(self._clock_id)
        except OSError:
            return self._progress_cpu


def is_waiting(pid: int) -> bool:
    """Whether a process sleeps or is stopped. One that only waits for a CPU does not; unknown counts as waiting."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            return stat.read().rpartition(b")")[2].split()[0] in b"STtI"
    except OSError:
        return True


def watch(pid: int, verdict_fd: int, header: JobHeader) -> Seen:
    """Take in a child's bytes until it is done, dead, late or dishonest."""
    n_expected = header.n_inputs + 2
    poll = select.poll()
    poll.register(verdict_fd, select.POLLIN)
    if not poll.poll(header.job_wall_ms):
        return Seen(b"", Ending.OUT_OF_TIME)
    received = bytearray()
    clocks = Clocks(pid, header)
    while len(received) < n_expected and not _failed_to_load(received):
        remaining = clocks.remaining()
        if remaining <= 0:
            return Seen(bytes(received), Ending.OUT_OF_TIME)
        if not poll.poll(1 + 1000 * remaining):
            continue
        part = os.read(verdict_fd, n_expected - len(received) + 1)
        if not part:
            return Seen(bytes(received), Ending.DIED)
        received += part
        clocks.begin_case()
    honest = len(received) <= n_expected and not _says_more(poll, verdict_fd)
    return Seen(bytes(received[:n_expected]), Ending.FINISHED if honest else Ending.PROTOCOL)


def _failed_to_load(received: bytes | bytearray) -> bool:
    return len(received) > 1 and received[1:2] != protocol.LOADED


def _says_more(poll: select.poll, verdict_fd: int) -> bool:
    """Whether a child that has said all writes on. An honest one ends at once, and its pipe with it."""
    return bool(poll.poll(1000 * DEATH_GRACE_S)) and os.read(verdict_fd, 1) != b""


class Death(NamedTuple):
    """What the kernel says of a child that has ended."""

    wait_status: int
    max_rss_kb: int
    cpu_ms: int


def wait_for_death(pid: int) -> Death | None:
    """The end of a child that is ending by itself; None where it lives on."""
    give_up = time.monotonic() + DEATH_GRACE_S
    while time.monotonic() < give_up:
        dead, status, usage = os.wait4(pid, os.WNOHANG)
        if dead:
            return _death(status, usage)
        time.sleep(0.0005)
    return None


def kill(pid: int) -> Death:
    """The end of a child, now."""
    os.kill(pid, signal.SIGKILL)
    _, status, usage = os.wait4(pid, 0)
    return _death(status, usage)


def _death(status: int, usage: resource.struct_rusage) -> Death:
    return Death(status, usage.ru_maxrss, round(1000 * (usage.ru_utime + usage.ru_stime)))
