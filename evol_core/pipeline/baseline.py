"""How hard the seeds of a comparison are, before any round: what both arms began with."""

from collections.abc import Iterator, Sequence
from typing import Any

from evol_core.compare.arm import Value
from evol_core.pipeline.comparing import read_rows
from evol_core.pipeline.context import Build
from evol_core.pipeline.scoring import scoring_of
from evol_core.recipe import CompareArmsRecipe
from evol_core.records import Instruction, Pair, Score
from evol_core.runner import drive, write_parts
from evol_core.schemas import SCORES, score_row
from evol_core.score.metrics import METRICS
from evol_core.score.rows import score_pair
from evol_core.store.objects import ObjectStore


def baseline_metrics(recipe: CompareArmsRecipe) -> list[str]:
    """Of the recipe's metrics those that a judge says of an instruction alone: a seed has no response yet."""
    return [
        name
        for name in recipe.score.metrics
        if name in METRICS and (METRICS[name].subject, METRICS[name].asks) == ("instruction", "judge")
    ]


def write_baseline(build: Build[CompareArmsRecipe]) -> list[str]:
    """Score the seeds; the objects with their scores, none where no metric is of the kind."""
    recipe, metrics = build.recipe, baseline_metrics(build.recipe)
    if not metrics:
        return []
    setting = scoring_of(recipe.score, build.models, recipe.models, responder=recipe.respond.model)
    programs = (score_pair(Pair(instruction=seed, response=""), metrics, setting) for seed in _seeds(build))
    scores: Iterator[Score] = (score for found in drive(programs, build.engine) for score in found)
    return [part.sha256 for part in write_parts(build.store, map(score_row, scores), SCORES)]


def _seeds(build: Build[CompareArmsRecipe]) -> Iterator[Instruction]:
    (seeds,) = build.outputs("seed")
    for row in read_rows(build.store, seeds["parts"]):
        yield Instruction(text=row["instruction"], input=row["input"])


def read_baseline(store: ObjectStore, parts: Sequence[str]) -> dict[str, tuple[Value, ...]]:
    """The seeds' scores, by metric."""
    found: dict[str, list[Value]] = {}
    for row in read_rows(store, parts):
        found.setdefault(row["metric"], []).append(_value(row))
    return {metric: tuple(values) for metric, values in found.items()}


def _value(row: dict[str, Any]) -> Value:
    return Value(value=row["value"], label=row["label"], reason=row["reason"])
