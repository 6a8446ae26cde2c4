"""Every benchmark, one after the other: `make bench`, or `make bench NAMES="store lineage"` for some of them.

Each one prints ratios of two sides that were measured in one run, or a figure beside its goal, and ends with exit
code 0 only where its goals are met. It goes on after a failure; the exit code is 0 only where nothing failed.
Each can be run by itself, with its own arguments: `.venv/bin/python -m bench.store --rows 100000`.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from evol_core.config import Settings
from evol_core.errors import EvolError
from evol_core.platform.models import ensure_model

ROOT = Path(__file__).resolve().parent.parent
CONTROL = ROOT / ".venv/bin/python"
JOBS = ROOT / ".venv-jobs/bin/python"

MODEL = "{model}"
"""Stands in a benchmark's arguments for the folder of the platform's own small model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """One process: `python -m bench.NAME ARGUMENTS`."""

    python: Path = CONTROL
    arguments: tuple[str, ...] = ()
    timeout_s: int = 1800


BENCHES: Mapping[str, Bench] = {
    "diversity": Bench(python=JOBS),
    "engine": Bench(python=JOBS, arguments=(MODEL,)),
    "lineage": Bench(timeout_s=3600),
    "memory": Bench(timeout_s=10_800),
    "overhead": Bench(python=JOBS, arguments=(MODEL,)),
    "resume": Bench(),
    "sandbox": Bench(),
    "scores": Bench(python=JOBS, arguments=(MODEL, "--device", "cpu")),
    "store": Bench(),
}
"""By module name in bench/."""


def command(name: str, model: str) -> list[str]:
    bench = BENCHES[name]
    arguments = [model if argument == MODEL else argument for argument in bench.arguments]
    return [str(bench.python), "-m", f"bench.{name}", *arguments]


def run(name: str, model: str) -> str:
    """Run one benchmark to its end; what is to be said against it, empty where its goals are met."""
    bench = BENCHES[name]
    if not bench.python.exists():
        return f"cannot run: {bench.python} is not there; `make setup` makes it"
    said = command(name, model)
    print(f"---------- {name}: {' '.join(said)}", flush=True)
    environment = os.environ | {"PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1", "PYTHONUNBUFFERED": "1"}
    try:
        code = subprocess.run(said, cwd=ROOT, env=environment, timeout=bench.timeout_s).returncode
    except subprocess.TimeoutExpired:
        return f"ended after {bench.timeout_s} s"
    return "" if code == 0 else f"exit code {code}: a goal was missed, or it could not run; see above"


def model_folder(names: Sequence[str], home: Path) -> str:
    """The small model's folder, where one of these benchmarks asks for it; else empty."""
    if not any(MODEL in BENCHES[name].arguments for name in names):
        return ""
    return str(ensure_model("smollm2", Settings(home=home, database_url="", jobs_python=JOBS)))


def main(names: Sequence[str]) -> int:
    if unknown := [name for name in names if name not in BENCHES]:
        print(f"error: unknown benchmarks {unknown}; known: {list(BENCHES)}", file=sys.stderr)
        return 2
    outcomes: dict[str, tuple[str, float]] = {}
    with tempfile.TemporaryDirectory(prefix="evol-bench-") as home:
        try:
            model = model_folder(names or list(BENCHES), Path(home))
        except EvolError as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
        for name in names or BENCHES:
            began = time.monotonic()
            outcomes[name] = run(name, model), time.monotonic() - began
    print("\n---------- benchmarks")
    for name, (fault, seconds) in outcomes.items():
        print(f"{name:12} {seconds:8.1f} s  {fault or 'ok'}")
    return 1 if any(fault for fault, _ in outcomes.values()) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
