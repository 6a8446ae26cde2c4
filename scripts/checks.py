"""Every check, one after the other: `make test`, or `make test STEPS="unit dags"` for some of them.

`make faults` runs the step `faults` alone, which `make test` has in a short profile among its other tests.

It goes on after a failure, and ends with one line in pytest's form over all of them, where a check that is
no pytest run counts as one test. The exit code is 0 only where nothing failed.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CONTROL = str(ROOT / ".venv/bin/python")
JOBS = str(ROOT / ".venv-jobs/bin/python")

COUNTS = ("failed", "passed", "skipped", "errors")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One process whose exit code says whether the check holds."""

    command: tuple[str, ...]
    is_pytest: bool = False
    timeout_s: int = 600


def tool(*command: str) -> Step:
    return Step(command=(str(ROOT / ".venv/bin" / command[0]), *command[1:]))


def pytest_step(python: str, *arguments: str, timeout_s: int = 900) -> Step:
    command = (python, "-m", "pytest", "-q", "--durations=5", "--timeout=600", *arguments)
    return Step(command=command, is_pytest=True, timeout_s=timeout_s)


ENGINE_TESTS = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("tests/integration/engine*"))
"""Folders of what only the jobs environment can import; everything else runs in the control environment."""

STEPS = {
    "lint": tool("ruff", "check"),
    "format": tool("ruff", "format", "--check"),
    "types": tool("mypy"),
    "imports": tool("lint-imports"),
    "unit": pytest_step(CONTROL, "-n", "logical", "tests/unit"),
    "dags": pytest_step(CONTROL, "tests/dags"),
    "integration": pytest_step(CONTROL, "tests/integration", "--ignore-glob=*/integration/engine*", timeout_s=2700),
    "engine": pytest_step(JOBS, *ENGINE_TESTS, timeout_s=2700),
    "live": pytest_step(CONTROL, "tests/live"),
}

FAULT_TESTS = (
    "tests/integration/faults",
    "tests/integration/test_lineage_faults.py",
    "tests/integration/test_lineage_publish.py",
    "tests/integration/test_lineage_runs.py",
    "tests/integration/test_lineage_garbage.py",
    "tests/integration/pipeline/test_not_ready.py",
    "tests/integration/test_record_resume.py",
    "tests/integration/job",
    "tests/integration/airflow",
    "tests/integration/test_platform_airflow.py",
    "tests/integration/test_platform_postgres.py",
    "tests/unit/store",
    "tests/unit/job",
    "tests/unit/llm/test_record_damage.py",
)
"""Every kind of fault that docs/faults.md names, but for those that need an engine (tests/live)."""

ASIDE = {"faults": pytest_step(CONTROL, *FAULT_TESTS, timeout_s=3600)}
"""Steps that run only where they are asked for: their tests stand in other steps too."""


def counts_of(report: Path) -> Counter[str]:
    """What a pytest run counted, from its JUnit file; an error where it wrote none."""
    try:
        suites = list(ElementTree.parse(report).getroot().iter("testsuite"))
    except (OSError, ElementTree.ParseError):
        return Counter(errors=1)
    total: Counter[str] = Counter()
    for suite in suites:
        total["failed"] += int(suite.get("failures", 0))
        total["errors"] += int(suite.get("errors", 0))
        total["skipped"] += int(suite.get("skipped", 0))
        total["passed"] += int(suite.get("tests", 0))
    total["passed"] -= total["failed"] + total["errors"] + total["skipped"]
    return total


def run(step: Step, environment: dict[str, str], report: Path) -> Counter[str]:
    command = [*step.command, f"--junit-xml={report}"] if step.is_pytest else list(step.command)
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL) as process:
        try:
            code = process.wait(step.timeout_s)
        except subprocess.TimeoutExpired:
            print(f"ended after {step.timeout_s} s", flush=True)
            _interrupt(process)
            return Counter(errors=1)
    if not step.is_pytest:
        return Counter(passed=1) if code == 0 else Counter(failed=1)
    counted = counts_of(report)
    if code != 0 and not counted["failed"] + counted["errors"]:
        counted["errors"] += 1  # it stopped before, between or after its tests
    return counted


def _interrupt(process: subprocess.Popen[bytes]) -> None:
    """As Ctrl-C does: pytest then ends what its fixtures have started."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(120)
    except subprocess.TimeoutExpired:
        process.kill()


def last_line(total: Counter[str], seconds: float) -> str:
    said = ", ".join(f"{total[name]} {name}" for name in COUNTS if total[name]) or "no tests ran"
    return f"========== {said} in {seconds:.2f}s =========="


def main(names: Sequence[str]) -> int:
    steps = STEPS | ASIDE
    if unknown := [name for name in names if name not in steps]:
        print(f"error: unknown steps {unknown}; known: {list(steps)}", file=sys.stderr)
        return 2
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'plugins'}", "HF_HUB_OFFLINE": "1"}
    outcomes: dict[str, tuple[Counter[str], float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in names or STEPS:
            print(f"---------- {name}: {' '.join(steps[name].command)}", flush=True)
            started = time.monotonic()
            counted = run(steps[name], environment, Path(folder, f"{name}.xml"))
            outcomes[name] = counted, time.monotonic() - started
    return report_on(outcomes)


def report_on(outcomes: dict[str, tuple[Counter[str], float]]) -> int:
    total: Counter[str] = Counter()
    print("\n---------- time of each check")
    for name, (counted, seconds) in outcomes.items():
        bad = counted["failed"] + counted["errors"]
        print(f"{name:12} {seconds:8.1f} s  {'FAILED' if bad else 'ok'}")
        total += counted
    print(last_line(total, sum(seconds for _, seconds in outcomes.values())), flush=True)
    return 1 if total["failed"] + total["errors"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
