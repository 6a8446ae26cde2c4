"""Builds on the command line: what a recipe would do, and doing it without Airflow."""

import secrets
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import typer

from evol_core.cli.follow import command_owner, follow
from evol_core.cli.output import AsJson, command, emit
from evol_core.cli.ready import ready_recipe
from evol_core.cli.recipe_commands import Overrides, RecipePath
from evol_core.config import Settings, code_version
from evol_core.job.launch import start_or_attach
from evol_core.job.spec import JobSpec
from evol_core.lineage.database import connect
from evol_core.lineage.runs import register_attempt, register_run
from evol_core.pipeline import EVERYTHING, FLOWS, Order
from evol_core.pipeline import plan as plan_recipe
from evol_core.pipeline.context import Build
from evol_core.pipeline.plan import Plan, StagePlan
from evol_core.recipe import Recipe

FLOW = "evol_run"
"""The flow name under which commands register their runs; a DAG's runs carry the DAG's id."""


def register(app: typer.Typer) -> None:
    app.command("plan")(plan)
    app.command("run")(run)


@command
def plan(recipe: RecipePath, set_: Overrides = None, as_json: AsJson = False) -> None:
    """Say what a run would do and what is recorded already. Starts no engine."""
    checked, settings = ready_recipe(recipe, set_)
    order = Order(flow=checked.flow, stage=EVERYTHING, recipe=checked, run_id=0, attempt_id=0)
    build = Build[Any](order, settings, report=lambda progress: None)
    try:
        found = plan_recipe(build)
    finally:
        build.close()
    rows = [row for stage in found.stages for row in _plan_rows(stage)]
    emit(_plan_record(found, rows) if as_json else rows, as_json=as_json, title=_plan_title(checked, found))


def _plan_record(found: Plan, rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {"seeds": found.seeds, "refused": found.refused, "needs_engine": found.needs_engine, "stages": rows}


def _plan_title(recipe: Recipe, found: Plan) -> str:
    engine = "an engine will start" if found.needs_engine else "all is recorded, no engine will start"
    return f"{recipe.name}: {found.seeds} seeds, {found.refused} refused; {engine}"


def _plan_rows(stage: StagePlan) -> list[dict[str, Any]]:
    """A line a model; one line for a stage that nothing is known of yet."""
    head = {"stage": stage.stage, "rows": stage.rows, "at_most": stage.at_most}
    unknown = {"model": None, "recorded": None, "missing": None, "prompt_tokens~": None, "new_tokens<=": None}
    if not stage.models:
        return [head | unknown]
    return [
        head
        | {
            "model": model.model.name,
            "recorded": model.recorded,
            "missing": model.missing,
            "prompt_tokens~": model.estimated_prompt_tokens,
            "new_tokens<=": model.max_new_tokens,
        }
        for model in stage.models
    ]


@command
def run(recipe: RecipePath, set_: Overrides = None, as_json: AsJson = False) -> None:
    """Build a recipe's dataset in one job process, without Airflow; engines are loaded once."""
    checked, settings = ready_recipe(recipe, set_)
    emit(run_recipe(checked, settings), as_json=as_json, title=f"{checked.name}: built")


def run_recipe(recipe: Recipe, settings: Settings) -> dict[str, Any]:
    """Build a checked recipe and wait for it; what it published, with how long it took."""
    began = time.monotonic()
    spec = _job(recipe, settings)
    owner = command_owner()
    folder = start_or_attach(spec, settings, owner)
    outputs = follow(folder, owner)
    requests = outputs["requests"]
    *_, last = FLOWS[recipe.flow].stages
    return {
        **outputs[last],
        **_seed_version(outputs.get("seed")),
        "requests_generated": requests["generated"],
        "requests_replayed": requests["replayed"],
        "tokens": requests["tokens"],
        "tokens_per_s": _ratio(requests["tokens"], requests["engine_seconds"]),
        "engine_started": requests["engine_started"],
        "seconds": round(time.monotonic() - began, 1),
        "log": str(folder.log),
    }


def _seed_version(seed: Mapping[str, Any] | None) -> dict[str, Any]:
    return {"seeds": seed["seeds"], "seed_version": f"{seed['name']}@{seed['version']}"} if seed else {}


def _ratio(amount: float, seconds: float) -> float | None:
    return round(amount / seconds, 1) if amount and seconds else None


def _job(recipe: Recipe, settings: Settings) -> JobSpec:
    """A new run of the whole flow, registered, as a job."""
    now = datetime.now(UTC)
    run_key = f"{recipe.name}-{now:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
    conf = recipe.model_dump(mode="json")
    database = connect(settings.database_url)
    with database.begin() as connection:
        run_id = register_run(
            connection,
            flow=FLOW,
            run_key=run_key,
            trigger="command",
            conf=conf,
            code_version=code_version(),
            recipe_hash=recipe.hash,
        )
        attempt_id = register_attempt(connection, run_id=run_id, task=EVERYTHING, code_version=code_version())
    database.dispose()
    return JobSpec(
        flow=recipe.flow,
        stage=EVERYTHING,
        recipe=conf,
        run_id=run_id,
        attempt_id=attempt_id,
        run_key=run_key,
        created=now.timestamp(),
    )
