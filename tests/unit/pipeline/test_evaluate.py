"""The hook of lm-eval: off by default, its command line, and what is said where it is not installed."""

import importlib.util
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from evol_core.config import Settings
from evol_core.errors import ConfigError, JobFailed
from evol_core.pipeline import evaluate
from evol_core.recipe import parse_recipe

SETTINGS = Settings(home=Path("/home"), database_url="", jobs_python=Path("python"))


def build(tasks: list[str], limit: int | None = None, **more: Any) -> Any:
    said = {"flow": "evaluate", "name": "a", "prompts": __file__, "lm_eval": {"tasks": tasks, "limit": limit, **more}}
    return SimpleNamespace(recipe=parse_recipe(said, origin="test"))


def test_without_tasks_nothing_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(evaluate, "subprocess")

    assert evaluate.lm_eval_stage(build([])) == {"lm_eval": "off"}


def test_tasks_without_the_package_are_refused_with_the_next_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)

    with pytest.raises(ConfigError, match="lm-eval is not installed; install it into the jobs environment"):
        evaluate.lm_eval_stage(build(["gsm8k"]))


def test_the_command_line_names_the_folder_the_tasks_and_the_limit() -> None:
    command = evaluate.lm_eval_command(build(["gsm8k", "ifeval"], 8).recipe, Path("/models/tiny"), Path("/out"))

    assert command == [
        *(sys.executable, "-m", "lm_eval", "--model", "hf", "--model_args", "pretrained=/models/tiny"),
        *("--tasks", "gsm8k,ifeval", "--output_path", "/out", "--limit", "8"),
    ]
    assert "--limit" not in evaluate.lm_eval_command(build(["gsm8k"]).recipe, Path("/m"), Path("/out"))


def test_tasks_and_an_environment_of_ones_own_are_taken() -> None:
    recipe = build(["rivers"], tasks_folder="/tasks", python="/env/python").recipe

    command = evaluate.lm_eval_command(recipe, Path("/m"), Path("/out"))

    assert command[0] == "/env/python"
    assert command[command.index("--include_path") + 1] == "/tasks"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"tasks_folder": "/nowhere"}, "lm_eval.tasks_folder: /nowhere is no folder"),
        ({"python": "/nowhere/python"}, "lm_eval.python: /nowhere/python is no program"),
    ],
)
def test_what_is_not_there_is_refused_before_a_model_is_loaded(more: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        evaluate.check_evaluate(build(["rivers"], **more).recipe, SETTINGS)


def test_figures_are_read_by_task_and_metric_and_none_at_all_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(JobFailed, match="lm-eval left no results"):
        evaluate.lm_eval_results(tmp_path)
    found = {"results": {"rivers": {"alias": "rivers", "acc,none": 0.5, "acc_stderr,none": "N/A"}}}
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "results_2026.json").write_text(json.dumps(found))

    assert evaluate.lm_eval_results(tmp_path) == {"rivers": {"acc,none": 0.5}}
