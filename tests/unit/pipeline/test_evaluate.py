"""The hook of lm-eval: off by default, its command line, and what is said where it is not installed."""

import importlib.util
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from evol_core.errors import ConfigError
from evol_core.pipeline import evaluate
from evol_core.recipe import parse_recipe


def build(tasks: list[str], limit: int | None = None) -> Any:
    said = {"flow": "evaluate", "name": "a", "prompts": "p.jsonl", "lm_eval": {"tasks": tasks, "limit": limit}}
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
