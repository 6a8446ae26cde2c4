"""A worker without a pipeline: what it does is said by the spec's recipe."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from evol_core.config import Settings
from evol_core.errors import EngineError, RecipeError
from evol_core.job.spec import JobSpec
from evol_core.job.work import Report, main


def work(spec: JobSpec, settings: Settings, report: Report) -> dict[str, Any]:
    recipe = dict(spec.recipe)
    _note(recipe.get("count_in"), f"{os.getpid()}\n")
    report({"stage": spec.stage, "done": 3, "total": 8, "tokens_per_s": 5.0, "replayed": 1, "generated": 2})
    for how in recipe.get("children", []):
        _spawn(how, recipe["children_in"])
    _await(recipe.get("wait_for"))
    match recipe.get("end"):
        case "recipe error":
            raise RecipeError("evolve.rounds: must be at least 0; got -1")
        case "engine error":
            raise EngineError("the engine went away")
        case "bug":
            return {"rows": 1 // 0}
        case "exit":
            os._exit(7)
        case "kill":
            print("what the worker said last", flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
    return {"rows": 8, "attempt": spec.attempt_id, "secret_seen": os.environ.get("AIRFLOW__CORE__FERNET_KEY")}


def _await(path: str | None) -> None:
    while path is not None and not Path(path).exists():
        time.sleep(0.01)


def _note(path: str | None, text: str) -> None:
    if path is not None:
        with Path(path).open("a") as file:
            file.write(text)


def _spawn(how: str, path: str) -> None:
    """A child that forgets its session, its environment or its parent, and notes its number."""
    command = ["sleep", "600"]
    if how == "deaf":
        command = ["sh", "-c", "trap '' TERM; sleep 600 & wait; sleep 600"]
    if how == "orphan":
        command = ["sh", "-c", f"sleep 600 & echo $! >> {path}"]
        subprocess.Popen(command, env={}, start_new_session=True).wait()
        return
    child = subprocess.Popen(command, env={} if how == "bare" else None, start_new_session=how == "session")
    _note(path, f"{child.pid}\n")


if __name__ == "__main__":
    sys.exit(main(work))
