"""How fast the sandbox runs generated checkers, next to a bare fork and to one Python process a job.

    .venv/bin/python -m bench.sandbox [--workers 2] [--seconds 5] [--json]

All sides take turns in the same run, so that a neighbour on the machine disturbs them alike; the processor time of a
job is what a busy machine changes least. The goals, on two idle cores: 400 jobs of 5 cases a second, 40,000
evaluations a second at 500 cases a job, a server's start under 0.5 s.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from typing import NamedTuple

from evol_core.sandbox.jobs import CheckJob
from evol_core.sandbox.server import Server
from evol_core.sandbox.supervisor import Sandbox

SOURCE = """\
import re

def evaluate(response):
    words = re.findall(r"\\w+", response)
    return len(words) >= 4 and response[0].isupper()
"""

FEW, MANY = 5, 500
TURNS = 4


class Measured(NamedTuple):
    """What one side did."""

    jobs: int
    seconds: float
    cpu_seconds: float
    """Of all processes together."""


Run = Callable[[int], None]
"""Runs so many jobs to their ends."""


def job_of(n_cases: int) -> CheckJob:
    return CheckJob(source=SOURCE, inputs=tuple(f"This is answer number {n}" for n in range(n_cases)))


def in_sandbox(sandbox: Sandbox, n_cases: int) -> Run:
    def run(n_jobs: int) -> None:
        for result in sandbox.run_many(repeat(job_of(n_cases), n_jobs)):
            assert set(result.verdicts) == {"true"}, result

    return run


def bare_forks(workers: int) -> Run:
    """As many processes fork and end at once as there are workers: the floor of one process a job, with no job."""

    def run(n_jobs: int) -> None:
        loop = f"import os\nfor _ in range({n_jobs // workers}):\n if not os.fork(): os._exit(0)\n os.wait()"
        processes = [subprocess.Popen([sys.executable, "-I", "-S", "-c", loop]) for _ in range(workers)]
        assert [process.wait() for process in processes] == [0] * workers

    return run


def python_processes(workers: int) -> Run:
    """A new interpreter a job, with the same cases and no walls at all."""
    program = SOURCE + f"for text in {job_of(FEW).inputs!r}: assert evaluate(text)\n"

    def start(_: int) -> int:
        return subprocess.run([sys.executable, "-I", "-S", "-c", program]).returncode

    def run(n_jobs: int) -> None:
        with ThreadPoolExecutor(workers) as pool:
            assert not any(pool.map(start, range(n_jobs)))

    return run


def measured(run: Run, n_jobs: int, pids: tuple[int, ...] = ()) -> Measured:
    """One turn; `pids` are servers, whose processor time this process is not told at their children's ends."""
    began, cpu_began = time.perf_counter(), _cpu_seconds(pids)
    run(n_jobs)
    return Measured(n_jobs, time.perf_counter() - began, _cpu_seconds(pids) - cpu_began)


def _cpu_seconds(pids: tuple[int, ...]) -> float:
    own = sum(
        usage.ru_utime + usage.ru_stime
        for usage in (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    )
    return own + sum(map(_cpu_of, pids))


def _cpu_of(pid: int) -> float:
    """Of a process and of those of its children that have ended."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def together(turns: list[Measured]) -> Measured:
    return Measured(*(sum(column) for column in zip(*turns, strict=True)))


def rows(workers: int, seconds: float) -> Iterator[dict[str, object]]:
    with Sandbox(n_workers=workers) as sandbox:
        sides = {
            f"sandbox, {FEW} cases": (in_sandbox(sandbox, FEW), FEW, 300, sandbox.server_pids),
            f"sandbox, {MANY} cases": (in_sandbox(sandbox, MANY), MANY, 100, sandbox.server_pids),
            "bare fork, no case": (bare_forks(workers), 0, 600, ()),
            f"python process, {FEW} cases": (python_processes(workers), FEW, 40, ()),
        }
        turns: dict[str, list[Measured]] = {name: [] for name in sides}
        for _ in range(TURNS):
            for name, (run, _, rate, pids) in sides.items():
                n_jobs = max(workers, round(rate * seconds / TURNS))
                turns[name].append(measured(run, n_jobs - n_jobs % workers, pids))
    for name, (_, n_cases, _, _) in sides.items():
        total = together(turns[name])
        yield {
            "side": name,
            "jobs": total.jobs,
            "jobs_per_s": round(total.jobs / total.seconds, 1),
            "evaluations_per_s": round(total.jobs * n_cases / total.seconds),
            "cpu_ms_per_job": round(1000 * total.cpu_seconds / total.jobs, 3),
        }


def start_seconds() -> float:
    """The best of a few starts of one server, its proof included."""
    seconds = []
    for _ in range(5):
        began = time.perf_counter()
        Server().stop()
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=5, help="about how long each side runs")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    load = os.getloadavg()[0]
    result = {
        "load": load,
        "start_s": round(start_seconds(), 3),
        "sides": list(rows(arguments.workers, arguments.seconds)),
    }
    if arguments.json:
        print(json.dumps(result))
        return
    print(f"load average before: {load:.1f}; server start: {result['start_s']} s")
    for row in result["sides"]:  # type: ignore[attr-defined]
        print("  ".join(f"{name} {value}" for name, value in row.items()))


if __name__ == "__main__":
    main()
