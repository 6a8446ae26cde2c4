"""DAG runs on the command line: started, followed to their end, explained where they fail."""

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from evol_core.cli.output import AsJson, command, emit, say
from evol_core.cli.ready import ready_recipe
from evol_core.cli.recipe_commands import Overrides
from evol_core.cli.run_display import RunDisplay, display
from evol_core.errors import JobFailed
from evol_core.job.surroundings import base_recipe
from evol_core.platform.airflow_api import sign_in
from evol_core.platform.dag_runs import ENDED, DagRun, TaskTry
from evol_core.platform.dag_runs import trigger as start
from evol_core.platform.settings import machine_from_environment

POLL_S = 2.0

RecipeFile = Annotated[
    Path | None, typer.Option("--recipe", help="A recipe, YAML; without one, what the DAG's form shows.")
]


def register(app: typer.Typer) -> None:
    app.command("trigger")(trigger)


@command
def trigger(
    dag: Annotated[str, typer.Argument(help="A DAG, for example evol_instruct.")],
    recipe: RecipeFile = None,
    set_: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Run a DAG and follow it to its end; the exit code says whether a version was published."""
    home = machine_from_environment().home
    sign_in(home)
    conf: dict[str, Any] = {}
    if recipe is not None or set_:
        checked, _ = ready_recipe(recipe or base_recipe(home, dag), set_)
        conf = {"recipe": checked.model_dump(mode="json")}
    emit(trigger_and_follow(home, dag, conf), as_json=as_json, title=f"{dag}: done")


def trigger_and_follow(home: Path, dag: str, conf: dict[str, Any]) -> dict[str, Any]:
    """Run a DAG to its end; the run, and what it published.

    Raises:
        JobFailed: a task failed, or the version waits for a person; the message says which and why.
    """
    began = time.monotonic()
    run = start(home, dag, conf)
    say(f"run {run.run_id} of {dag} has begun")
    try:
        with display(home, run) as show:
            state = follow(run, show)
    except KeyboardInterrupt:
        say(f"the run goes on without you; clear it or mark it failed in the UI to end it: {run.run_id}")
        raise typer.Exit(130) from None
    if state == "failed":
        raise JobFailed(why_failed(run))
    said = {"dag": dag, "run_id": run.run_id, "state": state, "seconds": round(time.monotonic() - began, 1)}
    return said | (run.output("publish") or {})


def follow(run: DagRun, show: RunDisplay) -> str:
    """Wait for the run's end.

    Raises:
        JobFailed: it waits for a person, who may take hours.
    """
    told = False
    while True:
        state, tasks = run.state(), run.tasks()
        if state == "queued" and not told and (ahead := run.ahead()):
            told = True
            say("\n".join(_waits(run, other) for other in ahead))
        show(tasks)
        if state in ENDED:
            return state
        for task in tasks:
            if task.state == "awaiting_input":
                raise JobFailed(_question(run))
        time.sleep(POLL_S)


def _waits(run: DagRun, other: DagRun) -> str:
    asks = any(task.state == "awaiting_input" for task in other.tasks())
    why = "waits for a person: approve or reject it under Required Actions in the UI" if asks else "is at work"
    return f"this run waits, as {run.dag} runs one at a time: {other.run_id} {why}"


def _question(run: DagRun) -> str:
    version = run.output("publish") or {}
    closed = ", ".join(f"{gate['name']} {gate['wanted']}, found {gate['found']}" for gate in version["closed_gates"])
    return (
        f"{version['name']}@{version['version']} did not pass its gates ({closed}) and is quarantined. "
        f"The run {run.run_id} waits for a person: approve or reject under Required Actions in the UI"
    )


def why_failed(run: DagRun) -> str:
    """The tasks that failed, with the end of their logs."""
    failed = [task for task in run.tasks() if task.state == "failed"]
    return "\n".join([f"run {run.run_id} failed", *(_end_of(run, task) for task in failed)])


def _end_of(run: DagRun, task: TaskTry) -> str:
    lines = [f"  {line}" for line in run.log_tail(task)]
    return "\n".join([f"task {task.label}, try {task.try_number}; the end of its log:", *lines])
