"""`evol demo`: the nightly build on real seeds with the real small model, through Airflow, from nothing to SQL."""

import os
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from evol_core.cli.airflow_commands import trigger_and_follow
from evol_core.cli.output import AsJson, command, emit, say
from evol_core.cli.ready import ready_recipe
from evol_core.config import PROJECT_ROOT
from evol_core.errors import PlatformError
from evol_core.lineage.analyst import Example, ask, example
from evol_core.lineage.database import connect
from evol_core.platform.embedded import log_in, up
from evol_core.platform.settings import Machine, analyst_url_from_environment, machine_from_environment

RECIPE = PROJECT_ROOT / "examples" / "demo.yaml"
DAG = "evol_instruct"

SHOWN = ("versions", "rejects", "operators", "rounds", "cost")
"""The analyst's examples that the summary runs."""

LIMIT = 100


def register(app: typer.Typer) -> None:
    app.command("demo")(demo)


@command
def demo(
    rows: Annotated[int | None, typer.Option(min=0, help="Only the first so many seeds.")] = None,
    home: Annotated[Path | None, typer.Option(help="Instead of EVOL_HOME: where the platform keeps all of it.")] = None,
    as_json: AsJson = False,
) -> None:
    """Bring the platform up, run the nightly build under Airflow, and show its result in SQL."""
    if home is not None:
        os.environ["EVOL_HOME"] = str(home.absolute())
    machine = machine_from_environment()
    _check_environments(machine)
    began = time.monotonic()
    up(machine, say)
    started = time.monotonic()
    build = _build(machine, rows)
    built = time.monotonic()
    summary = _summary()
    if as_json:
        seconds = {"start": round(started - began, 1), "build": round(built - started, 1)}
        emit({"build": build, "seconds": seconds, "summary": summary, "log_in": log_in(machine)}, as_json=True)
        return
    for name, found in summary.items():
        print(f"\n{found['query']}")
        emit(found["rows"], as_json=False, title=f"evol sql --example {name}")
    emit(build, as_json=False, title="The published version")
    emit(log_in(machine), as_json=False, title="The user interface")
    say(f"start {started - began:.0f} s, build {built - started:.0f} s; `evol down` ends the platform, its data stays")


def _check_environments(machine: Machine) -> None:
    if not os.access(machine.jobs_python, os.X_OK):
        raise PlatformError(f"there is no jobs interpreter {machine.jobs_python}; run `make setup`")


def _build(machine: Machine, rows: int | None) -> dict[str, Any]:
    """One run of the nightly DAG with the demo's recipe; what it published."""
    recipe, _ = ready_recipe(RECIPE, [] if rows is None else [f"seeds.0.limit={rows}"])
    return trigger_and_follow(machine.home, DAG, {"recipe": recipe.model_dump(mode="json")})


def _summary() -> dict[str, dict[str, Any]]:
    """Query and rows of every shown example, asked as the analyst."""
    engine = connect(analyst_url_from_environment())
    try:
        return {name: _answer(engine, example(name)) for name in SHOWN}
    finally:
        engine.dispose()


def _answer(engine: Any, asked: Example) -> dict[str, Any]:
    return {"asks": asked.title, "query": asked.query.strip(), "rows": ask(engine, asked.query, limit=LIMIT).rows}
