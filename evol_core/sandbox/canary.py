"""The proof, before any generated code runs: children under the real filter try what it must refuse.

A canary that gets through, or that dies where it should be refused, means that nothing is run here.
"""

import errno
import os
import signal
from collections.abc import Callable, Mapping

from evol_core.sandbox import kernel
from evol_core.sandbox.isolation import SECCOMP, Cell
from evol_core.sandbox.syscalls import Cpu

AT_HERE = -100
CANARY_MEMORY = 256 << 20

ARGUMENTS: Mapping[str, tuple[int | bytes, ...]] = {
    "open": (b"/dev/null", 0, 0),
    "openat": (AT_HERE, b"/dev/null", 0, 0),
    "stat": (b"/", 0),
    "socket": (1, 1, 0),
    "clone": (signal.SIGCHLD, 0, 0, 0, 0),
    "prctl": (38, 1, 0, 0, 0),
    "execve": (b"/nonexistent", 0, 0),
}
"""Such that the call would work, or fail otherwise than with EPERM, if nothing forbade it. The rest take zeros."""

WRITE_AND_EXECUTE = (0, 4096, 7, 0x22, -1, 0)
"""Arguments of mmap: a fresh page that may be written and executed."""

FORKS = frozenset({"clone", "clone3", "fork", "vfork"})


def prove(cell: Cell, cpu: Cpu) -> list[str]:
    """What was not stopped as it must be; empty where the walls hold."""
    failed = _report_of(lambda write: write(",".join(_not_refused(cell, cpu)).encode()))
    if failed is None:
        return ["the canary died"]
    names = [name for name in failed.decode().split(",") if name]
    if names == [SECCOMP]:
        return names
    return names + [name for name in ("execve", "kill", "unshare") if not _is_fatal(cell, name, cpu.fatal[name])]


def _not_refused(cell: Cell, cpu: Cpu) -> list[str]:
    """Runs in a child of its own, which never leaves the filter again."""
    if not cell.lock(CANARY_MEMORY):
        return [SECCOMP]
    names = [name for name, number in cpu.probed.items() if not _is_refused(name, number)]
    if kernel.system_call(cpu.allowed["mmap"], *WRITE_AND_EXECUTE) != (-1, errno.EPERM):
        names.append("executable memory")
    return names


def _is_refused(name: str, number: int) -> bool:
    result, error = kernel.system_call(number, *ARGUMENTS.get(name, (0, 0, 0, 0)))
    if result == 0 and name in FORKS:
        os._exit(0)
    return result == -1 and error == errno.EPERM


def _is_fatal(cell: Cell, name: str, number: int) -> bool:
    pid = os.fork()
    if pid == 0:
        if cell.lock(CANARY_MEMORY):
            kernel.system_call(number, *ARGUMENTS.get(name, (0, 0, 0, 0)))
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGSYS


def _report_of(child: Callable[[Callable[[bytes], int]], object]) -> bytes | None:
    """What a forked child writes to its one pipe; None where it does not end with status 0."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            child(lambda report: os.write(writing, report))
            os._exit(0)
        finally:
            os._exit(1)
    os.close(writing)
    report = b""
    while part := os.read(reading, 4096):
        report += part
    os.close(reading)
    _, status = os.waitpid(pid, 0)
    return report if status == 0 else None
