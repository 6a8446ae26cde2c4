"""A DAG's form from the recipe's schema, and the recipe from a filled form."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from airflow.sdk import Param

from evol_core.airflow.form import RECIPE, Field, fields, flatten, recipe_from
from evol_core.errors import RecipeError
from evol_core.evolve.operators import OPERATORS
from evol_core.job.surroundings import base_recipe, home_from
from evol_core.recipe import RECIPES, Recipe, read_recipe
from evol_core.score.metrics import ALL_METRICS

NAMES = {"evolve.operators": OPERATORS, "score.metrics": ALL_METRICS}
"""Fields whose items are names from our tables."""


def recipe_params(flow: str) -> dict[str, Param]:
    """One parameter a field of the flow's recipe, with the base recipe's values.

    Raises:
        RecipeError: the base recipe cannot be read; the UI shows it as the DAG's import error.
    """
    shown = _shown(flow)
    other = Param(
        None,
        title=RECIPE,
        type=["null", "string", "object"],
        description=f"A recipe file, or a recipe as JSON, instead of {_base(flow).name}; "
        "the fields that you change below are set on top of it",
    )
    return {RECIPE: other} | {field.name: _param(field, shown[field.name]) for field in fields(RECIPES[flow])}


def recipe_from_params(flow: str, params: Mapping[str, Any]) -> Recipe:
    """The recipe that a run of a flow was asked for.

    Raises:
        RecipeError: it names each wrong field, its value and what is allowed.
    """
    recipe = recipe_from(params, _shown(flow), _base(flow))
    if recipe.flow != flow:
        raise RecipeError(f"recipe: {recipe.name!r} is of flow {recipe.flow!r}, this DAG builds {flow!r}")
    return recipe


def _base(flow: str) -> Path:
    return base_recipe(home_from(os.environ), flow)


def _shown(flow: str) -> dict[str, Any]:
    return flatten(read_recipe(_base(flow)))


def _param(field: Field, value: Any) -> Param:
    schema = dict(field.schema)
    if field.name in NAMES:
        schema["items"] = {"type": "string", "enum": list(NAMES[field.name])}
        schema["examples"] = list(NAMES[field.name])
    if field.section:
        schema["section"] = field.section
    return Param(value, description=field.description or None, title=field.name, **schema)
