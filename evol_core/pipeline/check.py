"""Checks of a recipe against what is here: parts by name, seed files, models. Nothing is started for them."""

from evol_core.config import Settings
from evol_core.errors import EvolError, RecipeError
from evol_core.evolve.operators import unknown_operators
from evol_core.pipeline.context import model_ref
from evol_core.recipe import Recipe
from evol_core.score.metrics import unknown_metrics
from evol_core.seed import check_sources


def check_recipe(recipe: Recipe, settings: Settings) -> None:
    """Everything that can be known to be wrong before an engine starts.

    Raises:
        RecipeError: an operator or a metric has no such name.
        SeedError: a seed file is missing or is not what the recipe says.
        ModelError: a model folder is missing, incomplete, or holds other weights than pinned.
    """
    _check_names("evolve.operators", unknown_operators(recipe.evolve.operators))
    _check_names("score.metrics", unknown_metrics(recipe.score.metrics))
    check_sources(recipe.seeds)
    for name, config in recipe.models.items():
        try:
            model_ref(config, settings)
        except EvolError as error:
            raise type(error)(f"models.{name}: {error}") from None


def _check_names(field: str, problem: str | None) -> None:
    if problem:
        raise RecipeError(f"{field}: {problem}")
