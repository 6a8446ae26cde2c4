"""Recipes from YAML and plain data, checked field by field."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from evol_core.errors import RecipeError
from evol_core.recipe.auto_evol import AutoEvolRecipe
from evol_core.recipe.autoif import AutoifRecipe
from evol_core.recipe.compare_arms import CompareArmsRecipe
from evol_core.recipe.evaluate import EvaluateRecipe
from evol_core.recipe.housekeeping import HousekeepingRecipe
from evol_core.recipe.instruct import InstructRecipe
from evol_core.recipe.parts import Recipe
from evol_core.recipe.rescore import RescoreRecipe
from evol_core.recipe.sft import SftRecipe

RECIPES: Mapping[str, type[Recipe]] = {
    "auto_evol": AutoEvolRecipe,
    "autoif": AutoifRecipe,
    "evaluate": EvaluateRecipe,
    "evol_instruct": InstructRecipe,
    "housekeeping": HousekeepingRecipe,
    "sft": SftRecipe,
    "compare_arms": CompareArmsRecipe,
    "rescore": RescoreRecipe,
}
"""The recipe of every flow."""

DEFAULT_FLOW = "evol_instruct"
"""What a recipe without a flow means."""


def parse_recipe(data: object, *, origin: str) -> Recipe:
    """A recipe from plain data, for example parsed YAML.

    Raises:
        RecipeError: it names each wrong field, its value and what is allowed.
    """
    if not isinstance(data, dict):
        raise RecipeError(f"{origin}: a recipe is a mapping of fields, got {type(data).__name__}; see examples/")
    try:
        return _recipe_class(data, origin).model_validate(data)
    except ValidationError as error:
        problems = "\n".join(f"  {_problem(detail)}" for detail in error.errors())
        raise RecipeError(
            f"{origin}: this recipe cannot be built:\n{problems}\n"
            f"Change the fields named above; `evol recipe schema {data.get('flow', DEFAULT_FLOW)}` "
            "prints every field with its bounds."
        ) from None


def _recipe_class(data: dict[Any, Any], origin: str) -> type[Recipe]:
    flow = data.get("flow", DEFAULT_FLOW)
    if not isinstance(flow, str) or flow not in RECIPES:
        raise RecipeError(
            f"{origin}: flow: unknown flow {flow!r}; known: {sorted(RECIPES)}. "
            "`evol recipe schema FLOW` prints every field of its recipe with its bounds."
        )
    return RECIPES[flow]


def _problem(detail: Any) -> str:
    """One line on one wrong field: its name, what is allowed, what was given."""
    field = ".".join(str(part) for part in detail["loc"]) or "recipe"
    if detail["type"] == "missing":
        return f"{field}: is required and not given"
    if detail["type"] == "extra_forbidden":
        return f"{field}: no such field; got {detail['input']!r}"
    message = detail["msg"].removeprefix("Value error, ")
    return f"{field}: {message}; got {_short(detail['input'])}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def read_recipe(path: Path, overrides: tuple[str, ...] = ()) -> Recipe:
    """A recipe from a YAML file, with `key.subkey=value` overrides; relative paths become absolute.

    Raises:
        RecipeError: the file is missing, is not YAML, or does not describe a recipe.
    """
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RecipeError(f"recipe {path} does not exist; examples/ holds recipes to copy") from None
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"recipe {path} cannot be read: {error}") from None
    except yaml.YAMLError as error:
        raise RecipeError(f"recipe {path} is not YAML: {error}") from None
    if isinstance(data, dict):
        apply_overrides(data, overrides)
    return parse_recipe(data, origin=str(path)).from_folder(path.resolve().parent)


def apply_overrides(data: dict[str, Any], overrides: Sequence[str]) -> None:
    """Set every `key.subkey=value` in plain data.

    Raises:
        RecipeError: one is no such thing, or names a place that cannot be.
    """
    for override in overrides:
        _apply(data, override)


def _apply(data: dict[str, Any], override: str) -> None:
    """Set one `key.subkey=value` in a recipe's data; the value is YAML, a number names a list's item."""
    path, equals, text = override.partition("=")
    if not equals or not path:
        raise RecipeError(f"--set {override!r}: write it as key.subkey=value, for example evolve.rounds=2")
    *parents, last = path.split(".")
    place: Any = data
    for key in parents:
        place = place[_index(place, key, override)] if isinstance(place, list) else place.setdefault(key, {})
        if not isinstance(place, (dict, list)):
            raise RecipeError(f"--set {override!r}: {key!r} holds {place!r}, which has no fields")
    place[_index(place, last, override) if isinstance(place, list) else last] = yaml.safe_load(text)


def _index(items: list[Any], key: str, override: str) -> int:
    if not key.isdigit() or int(key) >= len(items):
        raise RecipeError(f"--set {override!r}: {key!r} is no item of a list of {len(items)}; items count from 0")
    return int(key)
