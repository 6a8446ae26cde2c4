"""Airflow's four processes: which they are, which of them run, and how one is started or ended.

What runs is asked of the kernel, never of a file: a service is the leader of its session and says its name and its
home in its environment. So nothing is forgotten when `evol up` itself is killed, and a number that belongs to
another program by now is no service.

A worker that has run a task lets only root read its environment (Airflow guards the task's token so). An ordinary user
knows it by its session, which a file beside the service's log keeps.
"""

import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from evol_core.job.surroundings import MARKER as JOB
from evol_core.platform.airflow_environment import FINGERPRINT
from evol_core.platform.processes import Process, end, environment_of, in_session, marked, start

SERVICE = "EVOL_SERVICE"

SERVICES: Mapping[str, tuple[str, ...]] = {
    "api-server": ("api-server",),
    "scheduler": ("scheduler", "--skip-serve-logs"),
    "dag-processor": ("dag-processor",),
    "triggerer": ("triggerer", "--skip-serve-logs"),
}
"""By name, what follows `airflow`. Logs are read from disk: their servers would listen to the whole network."""

GRACE_S = 20.0
LOG_LIMIT_BYTES = 50_000_000


def running(home: Path) -> dict[str, Process]:
    """The services that are alive."""
    found: dict[str, Process] = {}
    for process in sorted(marked(home), key=lambda process: process.born):
        environment = environment_of(process.pid)
        name = environment.get(SERVICE, "")
        if name in SERVICES and JOB not in environment and _leads_its_session(process):
            found.setdefault(name, process)
    return found


def is_current(process: Process, environment: Mapping[str, str]) -> bool:
    """Whether a service was started with what it would be told now."""
    return environment_of(process.pid).get(FINGERPRINT) == environment[FINGERPRINT]


def start_service(name: str, environment: Mapping[str, str], home: Path) -> Process:
    """Start a service, having ended what an earlier one left behind.

    The workers of a scheduler that was killed live on, ignore TERM, and would run tasks beside the new one's.
    Jobs are left alone: they are made to outlive whoever started them, and a retry takes them up again.
    """
    end(_members(home, name), (signal.SIGKILL, 10))
    log = log_of(home, name)
    if log.exists() and log.stat().st_size > LOG_LIMIT_BYTES:
        log.replace(log.with_suffix(".log.1"))
    command = [sys.executable, "-m", "airflow", *SERVICES[name]]
    leader = start(command, {**environment, SERVICE: name}, log)
    remember(home, name, leader)
    return leader


def end_service(home: Path, name: str) -> None:
    """End a service in order, then whatever of it is left. Jobs are left alone."""
    if leader := running(home).get(name):
        end([leader], (signal.SIGTERM, GRACE_S))
    end(_members(home, name), (signal.SIGKILL, 10))


def end_all(home: Path) -> None:
    """End every process of the home: services in order, then jobs, then whatever is left."""
    end(running(home).values(), (signal.SIGTERM, GRACE_S))
    end(everything(home), (signal.SIGTERM, GRACE_S))
    end(everything(home), (signal.SIGKILL, 10))
    for name in SERVICES:
        sessions_of(home, name).unlink(missing_ok=True)


def everything(home: Path) -> list[Process]:
    """Every living process of the home, but this one."""
    return list({*marked(home), *(process for name in SERVICES for process in _of_sessions(home, name))})


def remember(home: Path, name: str, leader: Process) -> None:
    """Keep which session a service has begun, on a line of its own even if the last writer was killed within one."""
    with sessions_of(home, name).open("a") as file:
        file.write(f"\n{_boot()} {leader.pid} {leader.born}\n")


def log_of(home: Path, name: str) -> Path:
    return home / "logs" / f"{name}.log"


def sessions_of(home: Path, name: str) -> Path:
    """A line a session that a service has begun: the machine's boot, and the number and start of the first process."""
    return home / "logs" / f"{name}.sessions"


def _of_sessions(home: Path, name: str) -> set[Process]:
    try:
        lines = sessions_of(home, name).read_text().splitlines()
    except FileNotFoundError:
        return set()
    said = (line.split() for line in lines if line.startswith(f"{_boot()} "))
    leaders = [Process(pid=int(fields[1]), born=int(fields[2])) for fields in said if len(fields) == 3]
    return {process for leader in leaders for process in in_session(leader)}


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _members(home: Path, name: str) -> set[Process]:
    found = _of_sessions(home, name)
    for process in marked(home):
        environment = environment_of(process.pid)
        if environment.get(SERVICE) == name and JOB not in environment:
            found.add(process)
    return found


def _leads_its_session(process: Process) -> bool:
    try:
        return os.getsid(process.pid) == process.pid
    except ProcessLookupError:
        return False
