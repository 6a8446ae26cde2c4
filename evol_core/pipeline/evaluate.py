"""The stages of the flow `evaluate`: verifiable instructions, and lm-eval where the recipe names its tasks."""

import importlib.util
import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from evol_core.config import Settings
from evol_core.errors import ConfigError, InputError, JobFailed
from evol_core.lineage.instruction_checks import put_instruction_checks
from evol_core.llm.port import Program, ask
from evol_core.pipeline.context import Build, model_folder
from evol_core.pipeline.plan import Plan, plan_stage
from evol_core.recipe import EvaluateRecipe
from evol_core.records import Generation, content_hash, content_id
from evol_core.requests import GenerateRequest, Message, request_seed
from evol_core.runner import drive
from evol_core.sft.instruction_checks import Checked, Item, check_answer, known_checks, package_check, rates, read_items


def check_evaluate(recipe: EvaluateRecipe, settings: Settings) -> None:
    """
    Raises:
        InputError: the file of prompts is missing.
        ConfigError: what the recipe says of lm-eval is not there.
    """
    if not Path(recipe.prompts).is_file():
        raise InputError(f"prompts: {recipe.prompts} does not exist; name a file in IFEval's form, one prompt a line")
    said = recipe.lm_eval
    if said.tasks_folder and not Path(said.tasks_folder).is_dir():
        raise ConfigError(f"lm_eval.tasks_folder: {said.tasks_folder} is no folder; name one with lm-eval's task files")
    if said.python and not os.access(said.python, os.X_OK):
        raise ConfigError(
            f"lm_eval.python: {said.python} is no program; name the python of an environment with lm-eval"
        )


def plan_evaluate(build: Build[EvaluateRecipe]) -> Plan:
    """Which answers are recorded already."""
    lines = Path(build.recipe.prompts).read_text(encoding="utf-8").splitlines()
    prompts = [json.loads(line)["prompt"] for line in lines if line.strip()]
    stage = plan_stage(build, "check", [_answer(build, prompt) for prompt in prompts], [], requests_a_row=1)
    return Plan(seeds=len(prompts), refused=0, stages=(stage,))


def answers_stage(build: Build[EvaluateRecipe]) -> dict[str, Any]:
    """Ask the model every prompt, check what it answers, and keep each check.

    Returns:
        What model and prompts these are, how many checks it passed, and what lm-eval found, where it was asked.

    Raises:
        InputError: a line of the prompts is none, or names a check that the benchmark has not.
    """
    recipe, ref = build.recipe, build.models[build.recipe.model]
    registry = known_checks(recipe.benchmark)
    items = read_items(Path(recipe.prompts), list(registry))
    check = package_check(registry)
    answers = drive((_answer(build, item.prompt) for item in items), build.engine)
    told = build.told("check", len(items), answers)
    decoding = asdict(recipe.decoding.decoding())
    suite = content_hash([[asdict(item) for item in items], recipe.benchmark, decoding, recipe.seed])
    rows: list[dict[str, Any]] = []
    checked: list[Checked] = []
    for item, generation in zip(items, told, strict=True):
        made = _checks(item, generation, check)
        checked += made
        for one in made:
            said = {"model_revision": ref.revision, "suite_hash": suite, "benchmark": recipe.benchmark}
            rows.append({**said, **asdict(one), "request_hash": generation.request_hash})
    with build.database.begin() as connection:
        put_instruction_checks(connection, rows, build.order.attempt_id)
    whose = {"model": ref.name, "revision": ref.revision, "suite": suite, "prompts": len(items)}
    (others,) = build.outputs("lm_eval")
    return {**whose, **rates(checked)._asdict(), **({"lm_eval": others["results"]} if "results" in others else {})}


def _answer(build: Build[EvaluateRecipe], prompt: str) -> Program[Generation]:
    return ask(
        GenerateRequest(
            model=build.models[build.recipe.model],
            messages=(Message("user", prompt),),
            decoding=build.recipe.decoding.decoding(),
            seed=request_seed(build.recipe.seed, content_id(prompt, ""), "evaluate", 0, 0),
        )
    )


def _checks(item: Item, generation: Generation, check: Any) -> list[Checked]:
    failed = generation.finish_reason == "error"
    return check_answer(item, None if failed else generation.text, generation.error if failed else "", check)


def lm_eval_stage(build: Build[EvaluateRecipe]) -> dict[str, Any]:
    """Run lm-eval on the model's folder, where the recipe names tasks, in the environment that it names.

    Returns:
        `lm_eval`, the folder that holds all of its results, and under `results` its figures by task and metric.

    Raises:
        ConfigError: lm-eval is not installed in the jobs environment, and no other is named.
        JobFailed: it failed; the job's log tells why.
    """
    recipe = build.recipe
    if not recipe.lm_eval.tasks:
        return {"lm_eval": "off"}
    if not recipe.lm_eval.python and importlib.util.find_spec("lm_eval") is None:
        raise ConfigError(
            "lm_eval.tasks are named, but lm-eval is not installed; install it into the jobs environment, or name the "
            "python of an environment that has it in lm_eval.python"
        )
    folder = model_folder(recipe.models[recipe.model], build.settings)
    output = build.settings.home / "evaluations" / f"{recipe.name}-{build.order.run_id}"
    done = subprocess.run(lm_eval_command(recipe, folder, output), check=False)
    if done.returncode:
        raise JobFailed(f"lm-eval ended with exit code {done.returncode}; its words are in the job's log")
    return {"lm_eval": str(output), "results": lm_eval_results(output)}


def lm_eval_command(recipe: EvaluateRecipe, folder: Path, output: Path) -> list[str]:
    limit = [] if recipe.lm_eval.limit is None else ["--limit", str(recipe.lm_eval.limit)]
    model = ["--model", "hf", "--model_args", f"pretrained={folder}"]
    tasks = ["--tasks", ",".join(recipe.lm_eval.tasks)]
    own = ["--include_path", recipe.lm_eval.tasks_folder] if recipe.lm_eval.tasks_folder else []
    python = recipe.lm_eval.python or sys.executable
    return [python, "-m", "lm_eval", *model, *tasks, *own, "--output_path", str(output), *limit]


def lm_eval_results(output: Path) -> dict[str, dict[str, float]]:
    """The figures of lm-eval's newest results file by task and metric.

    Raises:
        JobFailed: it left none.
    """
    files = sorted(output.rglob("results_*.json"))
    if not files:
        raise JobFailed(f"lm-eval left no results in {output}; its words are in the job's log")
    results = json.loads(files[-1].read_text(encoding="utf-8"))["results"]
    return {
        task: {metric: value for metric, value in found.items() if isinstance(value, int | float)}
        for task, found in results.items()
    }
