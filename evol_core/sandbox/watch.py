"""The server's eyes on one child: its verdict bytes, its clocks, its end.

Deadlines are CPU time, read from the kernel by process number, so that a busy machine changes no verdict. Two
more clocks catch what burns no CPU: how long a case has made no progress at all, and a wide one of wall time.
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
"""After its verdict pipe closed a child must be dead within this time; else it closed the pipe itself."""


class Seen(NamedTuple):
    """What came through a child's verdict pipe, and why the watch ended."""

    received: bytes
    ending: Ending


class Clocks:
    """The deadlines of one child, in seconds; `begin_case` starts those of a case anew."""

    def __init__(self, pid: int, header: JobHeader) -> None:
        self._clock_id = ((~pid) << 3) | 2
        self._header = header
        self._began = self._case_began = self._progress_at = time.monotonic()
        self._case_cpu = self._progress_cpu = 0.0

    def begin_case(self) -> None:
        self._case_began = self._progress_at = time.monotonic()
        self._case_cpu = self._progress_cpu = self._cpu()

    def remaining(self) -> float:
        """Seconds before any deadline can pass; zero or less once one has."""
        now, cpu, header = time.monotonic(), self._cpu(), self._header
        if cpu > self._progress_cpu:
            self._progress_cpu, self._progress_at = cpu, now
        return min(
            header.case_cpu_ms / 1000 - (cpu - self._case_cpu),
            header.case_idle_ms / 1000 - (now - self._progress_at),
            header.case_wall_ms / 1000 - (now - self._case_began),
            header.job_cpu_ms / 1000 - cpu,
            header.job_wall_ms / 1000 - (now - self._began),
        )

    def _cpu(self) -> float:
        try:
            return time.clock_gettime(self._clock_id)
        except OSError:
            return self._progress_cpu


def watch(pid: int, verdict_fd: int, header: JobHeader) -> Seen:
    """Take in a child's bytes until it is done, dead, late or dishonest."""
    n_expected = header.n_inputs + 2
    clocks = Clocks(pid, header)
    poll = select.poll()
    poll.register(verdict_fd, select.POLLIN)
    received = bytearray()
    while len(received) < n_expected:
        remaining = clocks.remaining()
        if remaining <= 0:
            return Seen(bytes(received), Ending.OUT_OF_TIME)
        if not poll.poll(1 + 1000 * remaining):
            continue
        part = os.read(verdict_fd, n_expected - len(received) + 1)
        if not part:
            return Seen(bytes(received), Ending.DIED)
        received += part
        if len(received) > 1 and received[1:2] != protocol.LOADED:
            break
        clocks.begin_case()
    honest = len(received) <= n_expected
    return Seen(bytes(received[:n_expected]), Ending.FINISHED if honest else Ending.PROTOCOL)


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
